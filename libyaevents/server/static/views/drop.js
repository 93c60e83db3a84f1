/** Files dropped anywhere on the page, with a target that shows while they are over it. */

import { Component, html } from "../html.js";
import { t } from "../strings.js";

/** Props: onDrop(transfer), called with the DataTransfer of the drop. */
export class DropTarget extends Component {
  state = { isOver: false };
  depth = 0; // entering a part of the page comes before leaving the one around it

  handlers = {
    dragenter: (event) => this.enter(event),
    dragover: (event) => hasFiles(event) && event.preventDefault(),
    dragleave: (event) => this.leave(event),
    drop: (event) => this.drop(event),
  };

  componentDidMount() {
    for (const [name, handler] of Object.entries(this.handlers)) window.addEventListener(name, handler);
  }

  componentWillUnmount() {
    for (const [name, handler] of Object.entries(this.handlers)) window.removeEventListener(name, handler);
  }

  enter(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.depth += 1;
    this.setState({ isOver: true });
  }

  leave(event) {
    if (!hasFiles(event)) return;
    this.depth -= 1;
    if (this.depth <= 0) this.end();
  }

  drop(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.end();
    this.props.onDrop(event.dataTransfer);
  }

  end() {
    this.depth = 0;
    this.setState({ isOver: false });
  }

  render(props, { isOver }) {
    return isOver && html`<div class="drop-now" aria-hidden="true">${t("add.drop_now")}</div>`;
  }
}

function hasFiles(event) {
  return event.dataTransfer?.types.includes("Files");
}
