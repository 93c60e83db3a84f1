/** Adding articles: pasted, or from files of many kinds, with what became of each file. */

import { addFiles, chosenFiles, stopAdding } from "../adding.js";
import { EXAMPLE } from "../example.js";
import { html } from "../html.js";
import { addText, asAuthor, library, maxFileBytes, setLibrary } from "../library_actions.js";
import { formatName, size, t, visible } from "../strings.js";
import { Select, setter } from "./parts.js";

const isWaiting = (item) => item.status === "waiting" || item.status === "reading";

/** What an empty studio offers: three ways to begin, and what comes after. */
export function Begin() {
  const { isReading, paste } = library();
  const open = () => {
    setLibrary({ isAdding: true });
    // The panel is drawn in the next frame.
    requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById("add-text")?.focus()));
  };
  return html`
    <p>${t("documents.empty")}</p>
    <div class="start">
      <section class="panel">
        <h2>${t("add.paste")}</h2>
        <p>${t("add.paste_hint")}</p>
        <p><button type="button" class="primary" onClick=${open}>${t("add.paste")}</button></p>
      </section>
      <section class="panel">
        <h2>${t("add.files")}</h2>
        <p>${t("add.files_hint")}</p>
        <p>${t("add.files_drop")}</p>
        <${FileButtons} />
      </section>
      <section class="panel">
        <h2>${t("add.example")}</h2>
        <p>${t("add.example_hint")}</p>
        <p><${ExampleButton} isReading=${isReading} /></p>
        ${paste && html`<p class="notice error" role="alert">${paste}</p>`}
      </section>
    </div>
    <section class="stack">
      <h2>${t("documents.steps")}</h2>
      <ol class="steps">
        ${["add", "correct", "use"].map((step) => html`<li key=${step}><span>${t(`documents.step_${step}`)}</span></li>`)}
      </ol>
    </section>`;
}

/** The panel for adding, above the list. */
export function Add({ state }) {
  const { isAdding, adding } = library();
  return html`
    <section class="panel" aria-labelledby="add-title">
      <div class="row">
        <h2 id="add-title" class="grow">${t("add.title")}</h2>
        ${isAdding && html`
          <button type="button" onClick=${() => setLibrary({ isAdding: false })}>${t("action.close")}</button>`}
      </div>
      ${adding && html`<${Progress} adding=${adding} />`}
      ${isAdding && html`
        <p class="quiet">${t("add.purpose")}</p>
        <div class="columns"><${Paste} /><${Files} state=${state} /></div>`}
    </section>`;
}

function Paste() {
  const { isReading, paste } = library();
  const submit = (event) => {
    event.preventDefault();
    const values = [...new FormData(event.target)].filter(([, value]) => value.trim());
    asAuthor(() => addText({ text: "", ...Object.fromEntries(values) }));
  };
  return html`
    <form class="stack" onSubmit=${submit} aria-labelledby="paste-title">
      <h3 id="paste-title">${t("add.paste")}</h3>
      <div class="field">
        <label for="add-text">${t("add.text")}</label>
        <textarea id="add-text" name="text" dir="auto" placeholder=${t("add.text_hint")}
          aria-invalid=${paste !== null} aria-describedby=${paste && "add-fault"}></textarea>
      </div>
      ${paste && html`<p id="add-fault" class="notice error" role="alert">${paste}</p>`}
      <div class="field">
        <label for="add-published">${t("add.published")}</label>
        <input id="add-published" name="published" type="date" aria-describedby="add-published-hint" />
        <span id="add-published-hint" class="hint">${t("add.published_hint")}</span>
      </div>
      <div class="field">
        <label for="add-article-title">${t("add.article_title")}</label>
        <input id="add-article-title" name="title" dir="auto" />
      </div>
      <div class="field">
        <label for="add-source">${t("add.source")}</label>
        <input id="add-source" name="source" dir="auto" />
      </div>
      <div class="row">
        <button type="submit" class="primary" disabled=${isReading}>
          ${isReading ? t("app.loading") : t("add.submit")}
        </button>
        <${ExampleButton} isReading=${isReading} />
      </div>
    </form>`;
}

function ExampleButton({ isReading }) {
  return html`
    <button type="button" disabled=${isReading} onClick=${() => asAuthor(() => addText(EXAMPLE))}>
      ${t("add.example")}
    </button>`;
}

function Files({ state }) {
  const { format, asLayer } = library();
  const formats = state.settings.formats.annotation.map(({ name, suffix }) => {
    return [name, suffix ? `${formatName(name)} (${suffix})` : formatName(name)];
  });
  const options = [["auto", t("add.format_auto")], ["text", t("add.format_text")], ...formats];
  return html`
    <div class="stack" role="group" aria-labelledby="files-title">
      <h3 id="files-title">${t("add.files")}</h3>
      <div class="drop">
        <p>${t("add.files_drop")}</p>
        <${FileButtons} />
        <p class="quiet">${t("add.files_kinds", { limit: size(maxFileBytes()) })}</p>
      </div>
      <details>
        <summary>${t("add.options")}</summary>
        <div class="stack">
          <${Select} id="add-format" label=${t("add.format")} value=${format} options=${options} onChange=${setter("format")} />
          <div class="field">
            <label for="as-layer">${t("add.as_layer")}</label>
            <input id="as-layer" dir="auto" maxlength="64" value=${asLayer} aria-describedby="as-layer-hint"
              onInput=${(event) => setLibrary({ asLayer: event.target.value })} />
            <span id="as-layer-hint" class="hint">${t("add.as_layer_hint")}</span>
          </div>
        </div>
      </details>
    </div>`;
}

function FileButtons() {
  const choose = (event) => {
    const files = chosenFiles(event.target.files);
    event.target.value = ""; // so that the same file can be chosen again
    asAuthor(() => addFiles(files));
  };
  return html`
    <div class="row">
      <label class="button"><input type="file" multiple onChange=${choose} />${t("add.choose_files")}</label>
      <label class="button"><input type="file" webkitdirectory onChange=${choose} />${t("add.choose_folder")}</label>
    </div>`;
}

function Progress({ adding }) {
  const { items } = adding;
  const nDone = items.filter((item) => !isWaiting(item)).length;
  const refused = items.filter((item) => item.status === "refused");
  const notes = items.flatMap((item) => item.notes.map((note) => ({ name: item.name, note })));
  const sum = (name) => items.reduce((total, item) => total + item[name], 0);
  const counts = [["added", sum("added")], ["already", sum("already")], ["refused", refused.length]];
  const isRunning = nDone < items.length;
  return html`
    <div class="stack" aria-busy=${isRunning}>
      ${isRunning && html`
        <label for="add-progress">${t("add.progress", { done: nDone, n: items.length })}</label>
        <progress id="add-progress" max=${items.length} value=${nDone}></progress>`}
      <div role="status">
        ${counts.filter(([name, n]) => n || (name === "added" && !isRunning)).map(([name, n]) => html`
          <p key=${name}>${t(`add.${name}`, { n })}</p>`)}
      </div>
      <${Told} title=${t("add.refused_list")} items=${refused.map(({ name, reason }) => ({ name, note: reason }))} />
      <${Told} title=${t("add.notes_list")} items=${notes} />
      <p>${isRunning
        ? html`<button type="button" onClick=${stopAdding}>${t("add.stop")}</button>`
        : html`<button type="button" class="plain" onClick=${() => setLibrary({ adding: null })}>${t("add.clear")}</button>`}</p>
    </div>`;
}

function Told({ title, items }) {
  if (!items.length) return null;
  return html`
    <h3>${title}</h3>
    <ul class="refused">
      ${items.map(({ name, note }, place) => html`
        <li key=${place}><strong dir="auto">${visible(name)}</strong><div dir="auto">${visible(note)}</div></li>`)}
    </ul>`;
}
