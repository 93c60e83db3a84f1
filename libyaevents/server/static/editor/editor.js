/** The view of one document: a bar, the text, the menu at the selection, the panel, and what is said aloud. */

import { openDocument, redo, undo } from "../actions.js";
import { Component, html } from "../html.js";
import { documentHref } from "../routes.js";
import { openDialog } from "../state.js";
import { layerName, t, visible } from "../strings.js";
import * as commands from "./commands.js";
import { onEditorKey } from "./keys.js";
import { Menu } from "./menu.js";
import { Panel } from "./panel.js";
import { Text } from "./text.js";

/** Props: state. */
export class Editor extends Component {
  onKeyDown = (event) => {
    if (event.target.closest("input:not([type=radio]), select, textarea, dialog")) return;
    const isButton = event.target.closest("button, a");
    if (isButton && (event.key === "Delete" || event.key === "Backspace")) return;
    if (onEditorKey(event)) event.preventDefault();
  };

  render({ state }) {
    const { open, settings, queue } = state;
    if (!open) return html`<${Opening} state=${state} />`;
    const { ontology } = settings;
    const doubts = queue?.find(({ number }) => number === open.number)?.uncertain_sentences ?? [];
    return html`
      <div class="editor" onKeyDown=${this.onKeyDown}>
        <${Bar} state=${state} />
        <div class=${open.focus ? "editor-body filled" : "editor-body"}>
          <div class="editor-text">
            <p id="text-keys" class="visually-hidden">${t("editor.text_keys")}</p>
            <${Text} key=${`${open.number} ${open.layer}`} open=${open} ontology=${ontology} doubts=${doubts} />
            ${open.menu && html`<${Menu} key=${`${open.menu.kind} ${open.menu.word}`} open=${open} ontology=${ontology} />`}
          </div>
          <${Panel} open=${open} ontology=${ontology} />
        </div>
        <p class="visually-hidden" aria-live="polite">${commands.sayWord(open)}</p>
      </div>`;
  }
}

function Opening({ state }) {
  const { number, layer } = state.route;
  if (state.busy.opening) return html`<p class="view" role="status">${t("app.loading")}</p>`;
  return html`
    <div class="view">
      <p>${t("editor.open_failed")}</p>
      <p><button type="button" onClick=${() => openDocument(number, layer)}>${t("action.retry")}</button></p>
    </div>`;
}

function Bar({ state }) {
  const { open } = state;
  const title = open.document.title || open.document.id || t("documents.untitled");
  return html`
    <div class="editor-bar">
      <div class="editor-title">
        <h1 dir="auto">${visible(title)}</h1>
        <span class=${`badge ${open.state}`}>${t(`state.${open.state}`)}</span>
        <${Saving} open=${open} />
      </div>
      <${Layers} state=${state} />
      <div class="editor-tools" role="group" aria-label=${t("editor.tools")}>
        <button type="button" disabled=${!open.past.length} onClick=${undo} aria-keyshortcuts="Control+Z">${t("action.undo")}</button>
        <button type="button" disabled=${!open.future.length} onClick=${redo} aria-keyshortcuts="Control+Shift+Z">${t("editor.redo")}</button>
        <button type="button" onClick=${() => openDialog("history")}>${t("editor.history")}</button>
        <button type="button" onClick=${() => openDialog("help")}>${t("editor.keys")}</button>
        <button type="button" class="primary" onClick=${commands.finish}>${t("editor.finish")}</button>
      </div>
    </div>`;
}

function Saving({ open }) {
  if (open.saving === "conflict") {
    return html`<button type="button" class="danger saving" onClick=${() => openDialog("conflict")}>${t("editor.saving_conflict")}</button>`;
  }
  return html`<span class=${`saving ${open.saving}`} role="status">${t(`editor.saving_${open.saving}`)}</span>`;
}

/** The other readings of the article, where there are some. */
function Layers({ state }) {
  const { open, documents } = state;
  const layers = documents.find(({ number }) => number === open.number)?.layers ?? [];
  if (layers.length < 2 && open.layer === "shared") return null;
  return html`
    <nav class="editor-layers" aria-label=${t("documents.layers")}>
      ${layers.map(({ name }) => html`
        <a key=${name} href=${documentHref(open.number, name)} aria-current=${name === open.layer ? "page" : null}>${layerName(name)}</a>`)}
    </nav>`;
}
