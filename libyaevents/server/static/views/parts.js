/** Small parts that the views share. */

import { Component, html } from "../html.js";
import { setLibrary } from "../library_actions.js";
import { t } from "../strings.js";

/** Draws its children; runs `onMount` when they appear and `onLeave` when they go. */
export class Mounted extends Component {
  componentDidMount() {
    this.props.onMount?.();
  }

  componentWillUnmount() {
    this.props.onLeave?.();
  }

  render({ children }) {
    return children;
  }
}

/** The title of a view and one sentence that says what it is for. */
export function Heading({ name, children }) {
  return html`
    <div class="row">
      <div class="heading grow">
        <h1>${t(`${name}.title`)}</h1>
        <p>${t(`${name}.purpose`)}</p>
      </div>
      ${children}
    </div>`;
}

/**
 * A choice among few things.
 * @param {{id: string, label: string, value: string, options: [string, string][], onChange: (value: string) => void}} props
 */
export function Select({ id, label, value, options, onChange }) {
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
        ${options.map(([key, name]) => html`<option key=${key} value=${key} selected=${key === value}>${name}</option>`)}
      </select>
    </div>`;
}

/** Sets one of the library's values. */
export function setter(name) {
  return (value) => setLibrary({ [name]: value });
}
