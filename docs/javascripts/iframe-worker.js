// The search runs in a worker, which browsers refuse to pages that are opened from a file: there, a hidden frame
// runs it instead. The theme's own answer to that would be a script from another host. Its worker looks for the name
// IFrameWorker, takes the first script of its page for itself, and awaits importScripts.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    #frame = document.createElement("iframe");
    #waiting = []; // what is said before the frame's script can hear

    constructor(url) {
      super();
      this.#frame.hidden = true;
      document.body.append(this.#frame);
      const inside = this.#frame.contentWindow;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      inside.importScripts = (...urls) =>
        urls.reduce((before, each) => before.then(() => this.#load(each)), Promise.resolve());
      this.#load(url).then(() => {
        const waiting = this.#waiting;
        this.#waiting = null;
        waiting.forEach((data) => this.postMessage(data));
      });
    }

    postMessage(data) {
      if (this.#waiting) this.#waiting.push(data);
      else this.#frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
    }

    terminate() {
      this.#frame.remove();
    }

    #load(url) {
      const page = this.#frame.contentDocument;
      const script = page.createElement("script");
      script.src = new URL(url, document.baseURI).href;
      return new Promise((resolve, reject) => {
        script.onload = resolve;
        script.onerror = () => reject(new Error(`cannot load ${script.src}`));
        page.body.append(script);
      });
    }
  };
  window.Worker = window.IFrameWorker;
}
