/** Dialogs of the editor: what the server refused, and what no longer fitted after a conflict. */

import { describeMisfit } from "../actions.js";
import { Dialog } from "../dialog.js";
import { html } from "../html.js";
import { closeDialog } from "../state.js";
import { t } from "../strings.js";

/** A change that the server refused: what it was and why. */
export function Refused({ state }) {
  const { words, message } = state.dialog;
  return html`
    <${Dialog} title=${t("editor.refused_title")}>
      <div class="stack">
        <p>${t("editor.refused_purpose")}</p>
        <ul class="said-list">${words.map((what, place) => html`<li key=${place} dir="auto">${what}</li>`)}</ul>
        <p class="notice error" dir="auto">${message}</p>
        <${Buttons} text=${[...words, message].join("\n")} />
      </div>
    <//>`;
}

/** What became of my changes that others had touched as well. */
export function Misfits({ state }) {
  const said = state.dialog.misfits.flatMap(describeMisfit);
  return html`
    <${Dialog} title=${t("conflict.unfit")}>
      <div class="stack">
        <p>${t("editor.misfits_purpose")}</p>
        <ul class="said-list">${said.map((what, place) => html`<li key=${place} dir="auto">${what}</li>`)}</ul>
        <${Buttons} text=${said.join("\n")} />
      </div>
    <//>`;
}

function Buttons({ text }) {
  return html`
    <p class="row">
      ${navigator.clipboard && html`<button type="button" onClick=${() => navigator.clipboard.writeText(text)}>${t("action.copy")}</button>`}
      <button type="button" class="primary" onClick=${closeDialog}>${t("action.close")}</button>
    </p>`;
}
