/** The dialog that says who changed what when, newest first, and undoes what nothing later touches. */

import { describeChange, inverseOf, touchedIds, undoable } from "../describe.js";
import { Dialog } from "../dialog.js";
import { loadHistory, undoChange } from "../history_actions.js";
import { html } from "../html.js";
import { asAuthor, library } from "../library_actions.js";
import { t, visible, when } from "../strings.js";
import { Mounted } from "./parts.js";

const N_SAID = 6;

export function History({ state }) {
  const { open } = state;
  const { history } = library();
  return html`
    <${Dialog} title=${t("history.title")} wide>
      <${Mounted} onMount=${() => open && loadHistory(open.number, open.layer)}>
        <div class="stack">
          <p class="quiet">${t("history.purpose")}</p>
          ${!history && html`<p role="status">${t("app.loading")}</p>`}
          ${history && !history.changes.length && html`<p>${t("history.empty")}</p>`}
          ${history && html`<${Changes} changes=${history.changes} />`}
          ${history?.hasMore && html`
            <p><button type="button" onClick=${() => loadHistory(open.number, open.layer, history)}>
              ${t("history.more")}
            </button></p>`}
          ${open?.discarded?.length > 0 && html`<${Discarded} texts=${open.discarded} />`}
        </div>
      <//>
    <//>`;
}

function Changes({ changes }) {
  const free = undoable(changes);
  return html`
    <ul class="changes">
      ${changes.map((change, place) => html`
        <${Change} key=${change.revision} change=${change} isFree=${free[place]} />`)}
    </ul>`;
}

function Change({ change, isFree }) {
  const said = describeChange(change);
  return html`
    <li>
      <div class="facts"><strong dir="auto">${visible(change.author)}</strong><span>${when(change.at)}</span></div>
      <${Said} sentences=${said} />
      ${isFree
        ? html`<p><button type="button" onClick=${() => asAuthor(() => undoChange(inverseOf(change)))}>
            ${t("action.undo")}<span class="visually-hidden">: ${said[0]}</span></button></p>`
        : touchedIds(change).size > 0 && html`<p class="quiet">${t("history.touched")}</p>`}
    </li>`;
}

/** What a change did; where it did much, the rest is counted. */
export function Said({ sentences }) {
  return html`
    <ul class="said">
      ${sentences.slice(0, N_SAID).map((sentence, place) => html`<li key=${place}>${sentence}</li>`)}
      ${sentences.length > N_SAID && html`<li>${t("history.more_items", { n: sentences.length - N_SAID })}</li>`}
    </ul>`;
}

function Discarded({ texts }) {
  return html`
    <h3>${t("conflict.discarded")}</h3>
    <ul class="changes">
      ${texts.map((text, place) => html`
        <li key=${place}>
          <span dir="auto">${visible(text)}</span>
          <p><button type="button" onClick=${() => navigator.clipboard.writeText(text)}>${t("action.copy")}</button></p>
        </li>`)}
    </ul>`;
}
