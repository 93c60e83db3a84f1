/** How to work in the studio, its keys, and what each label means. A view, and a dialog over the editor. */

import { Dialog } from "../dialog.js";
import { html } from "../html.js";
import { gloss, t } from "../strings.js";
import { Heading } from "./parts.js";

/** What each key does; alternatives are apart, keys of one stroke together. */
const KEYS = [
  [[["←"], ["→"], ["↑"], ["↓"]], "arrows"],
  [[["Home"], ["End"]], "home"],
  [[["Ctrl", "←"], ["Ctrl", "→"]], "ctrl_arrows"],
  [[["Shift", "←"], ["Shift", "→"]], "shift"],
  [[["Enter"]], "enter"],
  [[["Escape"]], "escape"],
  [[["E"]], "e"],
  [[["V"]], "v"],
  [[["R"]], "r"],
  [[["F"]], "f"],
  [[["Delete"]], "delete"],
  [[["N"], ["P"]], "marks"],
  [[["["], ["]"]], "brackets"],
  [[["Ctrl", "Z"]], "undo"],
  [[["Ctrl", "Shift", "Z"], ["Ctrl", "Y"]], "redo"],
  [[["D"]], "done"],
  [[["?"]], "help"],
];

export function Help({ state }) {
  if (state.dialog?.name === "help") {
    return html`<${Dialog} title=${t("help.keys")} wide><${Keys} /><//>`;
  }
  const { entity_types, event_types, roles, factuality } = state.settings.ontology;
  return html`
    <div class="view">
      <${Heading} name="help" />
      <section class="stack">
        <h2>${t("help.how")}</h2>
        <ol class="steps">
          ${["select", "mark", "saved", "done"].map((step) => html`<li key=${step}><span>${t(`help.how_${step}`)}</span></li>`)}
        </ol>
      </section>
      <section class="stack">
        <h2>${t("help.keys")}</h2>
        <${Keys} />
      </section>
      <section class="stack">
        <h2>${t("help.labels")}</h2>
        <${Labels} kind="entity" title=${t("help.entities")} items=${entity_types} />
        <${Labels} kind="event" title=${t("help.events")} items=${event_types} />
        <${Labels} kind="role" title=${t("help.roles")} items=${roles} />
        <${Labels} kind="factuality" title=${t("help.factuality")} items=${factuality} />
      </section>
    </div>`;
}

function Keys() {
  return html`
    <p class="quiet">${t("help.keys_purpose")}</p>
    <div class="scroll" tabindex="0" role="region" aria-label=${t("help.keys")}>
      <table>
        <thead><tr><th scope="col">${t("help.key")}</th><th scope="col">${t("help.does")}</th></tr></thead>
        <tbody>${KEYS.map(([strokes, name]) => html`
          <tr key=${name}><td dir="ltr">${strokes.map((keys, place) => html`
            <span key=${place} class="stroke">${keys.map((key) => html`<kbd key=${key}>${key}</kbd> `)}</span>`)}</td>
          <td>${t(`help.key_${name}`)}</td></tr>`)}
        </tbody>
      </table>
    </div>`;
}

function Labels({ kind, title, items }) {
  return html`
    <details>
      <summary><strong>${title}</strong> <small>(${items.length})</small></summary>
      <dl class="labels">
        ${items.map(({ name, definition }) => html`
          <div key=${name}>
            <dt><bdi lang="en">${name}</bdi> <bdi lang="ar">${gloss(kind, name)}</bdi></dt>
            <dd lang="en" dir="ltr">${definition}</dd>
          </div>`)}
      </dl>
    </details>`;
}
