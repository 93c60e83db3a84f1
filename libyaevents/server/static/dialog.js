/** A modal dialog: the browser's own, which keeps the focus inside and gives it back. */

import { Component, createRef, html } from "./html.js";
import { closeDialog } from "./state.js";
import { t } from "./strings.js";

let count = 0;

/** Props: title, children, onClose (closes the dialog of the state where it is left out), wide. */
export class Dialog extends Component {
  element = createRef();
  titleId = `dialog-${++count}`;

  componentDidMount() {
    this.element.current.showModal();
  }

  close = () => (this.props.onClose ?? closeDialog)();

  onCancel = (event) => {
    event.preventDefault();
    this.close();
  };

  render({ title, children, wide }) {
    return html`
      <dialog ref=${this.element} class=${wide ? "dialog wide" : "dialog"} aria-labelledby=${this.titleId}
        onCancel=${this.onCancel}>
        <header class="dialog-header">
          <h2 id=${this.titleId}>${title}</h2>
          <button type="button" class="quiet" onClick=${this.close}>${t("action.close")}</button>
        </header>
        ${children}
      </dialog>`;
  }
}
