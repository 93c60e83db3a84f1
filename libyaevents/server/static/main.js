/** The page: reads the address, loads what it needs, and draws the header and the view. */

import { closeDocument, openDocument, start } from "./actions.js";
import { Misfits, Refused } from "./editor/dialogs.js";
import { Editor } from "./editor/editor.js";
import { Header, AuthorDialog } from "./header.js";
import { html, render } from "./html.js";
import { readRoute } from "./routes.js";
import { state, subscribe, update } from "./state.js";
import { t, visible } from "./strings.js";
import { Agreement } from "./views/agreement.js";
import { Conflict } from "./views/conflict.js";
import { Documents } from "./views/documents.js";
import { Download } from "./views/download.js";
import { Help } from "./views/help.js";
import { History } from "./views/history.js";
import { Pictures } from "./views/pictures.js";
import { Retraining } from "./views/retraining.js";

/** Views by name of the route; each is one component with the props {state}. */
const VIEWS = {
  documents: Documents, document: Editor, agreement: Agreement, pictures: Pictures, retraining: Retraining, help: Help,
};
/** Dialogs by name; each draws its own Dialog (dialog.js). */
const DIALOGS = {
  author: AuthorDialog, conflict: Conflict, download: Download, help: Help, history: History, misfits: Misfits,
  refused: Refused,
};

function Missing() {
  return html`<p class="missing">${t("app.not_found")} <a href="#/">${t("nav.documents")}</a></p>`;
}

function Notice({ notice }) {
  return html`
    <div class="notices" role=${notice?.kind === "error" ? "alert" : "status"}>
      ${notice && html`
        <p class=${`notice ${notice.kind}`}>
          <span>${notice.text}</span>
          <button type="button" class="quiet" onClick=${() => update({ notice: null })}>${t("action.close")}</button>
        </p>`}
    </div>`;
}

function App({ state }) {
  const View = VIEWS[state.route.name] ?? Missing;
  const DialogView = state.dialog && DIALOGS[state.dialog.name];
  return html`
    <a class="skip" href="#main" onClick=${skip}>${t("app.skip")}</a>
    <${Header} state=${state} />
    <main id="main" tabindex="-1" class=${`view-${state.route.name}`}>
      ${state.settings === null ? html`<p>${t("app.loading")}</p>` : html`<${View} state=${state} />`}
    </main>
    <${Notice} notice=${state.notice} />
    ${DialogView && html`<${DialogView} key=${state.dialog.name} state=${state} />`}`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function follow() {
  const route = readRoute(location.hash);
  update({ route, dialog: null });
  if (route.name === "document") openDocument(route.number, route.layer);
  else closeDocument();
}

function draw() {
  const root = document.documentElement;
  // Setting them, even to what they are, makes the browser style the whole page again: 40 ms in a long article.
  if (root.lang !== state.language) {
    root.lang = state.language;
    root.dir = state.language === "ar" ? "rtl" : "ltr";
  }
  const title = `${titleOf(state)} – ${t("app.name")}`;
  if (document.title !== title) document.title = title;
  render(html`<${App} state=${state} />`, document.getElementById("app"));
}

/** What the view is of, for the browser's tabs and history. */
function titleOf({ route, open }) {
  const { title, id } = open?.document ?? {};
  if (route.name === "document") return visible(title || id || t("app.loading"));
  return route.name === "missing" ? t("app.not_found") : t(`nav.${route.name}`);
}

subscribe(draw);
window.addEventListener("hashchange", follow);
draw();
await start();
follow();
