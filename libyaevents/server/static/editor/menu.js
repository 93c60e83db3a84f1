/** The menu at the selection: a field that filters as one types, and the labels to choose from. */

import { Component, createRef, html } from "../html.js";
import { drawNow, updateOpen } from "../state.js";
import { gloss, label, t } from "../strings.js";
import * as commands from "./commands.js";
import { wordElement } from "./geometry.js";
import { hueOf } from "./layout.js";

const GAP_PX = 6;
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];
/** Where the menu is a sheet from below, and a field that took the focus would raise the keyboard. */
const PHONE = "(max-width: 40rem)";

/** Props: open, ontology. */
export class Menu extends Component {
  element = createRef();
  field = createRef();
  list = createRef();
  state = { filter: "", active: 0 };

  componentDidMount() {
    const isPhone = window.matchMedia(PHONE).matches;
    (isPhone ? this.list : this.field).current.focus({ preventScroll: true });
    if (!isPhone) this.place();
    document.addEventListener("pointerdown", this.onOutside, true);
  }

  componentWillUnmount() {
    document.removeEventListener("pointerdown", this.onOutside, true);
    document.querySelector(".text")?.focus({ preventScroll: true });
  }

  componentDidUpdate() {
    this.list.current.querySelector(".active")?.scrollIntoView({ block: "nearest" });
  }

  onOutside = (event) => {
    if (!this.element.current.contains(event.target)) updateOpen({ menu: null });
  };

  /** Put the menu under the word, or above it where there is no room. */
  place() {
    const menu = this.element.current;
    const frame = menu.offsetParent.getBoundingClientRect();
    const element = wordElement(document, this.props.open.menu.word);
    const word = element?.getBoundingClientRect() ?? frame;
    const { width, height } = menu.getBoundingClientRect();
    const isRtl = getComputedStyle(element ?? menu).direction === "rtl";
    const wanted = isRtl ? word.right - width : word.left;
    const left = Math.min(Math.max(wanted, GAP_PX), document.documentElement.clientWidth - width - GAP_PX);
    const hasRoomBelow = word.bottom + GAP_PX * 3 + height < window.innerHeight || word.top < height;
    const top = hasRoomBelow ? word.bottom + GAP_PX * 2 : word.top - height - GAP_PX * 2;
    menu.style.left = `${left - frame.left}px`;
    menu.style.top = `${top - frame.top}px`;
  }

  onKeyDown = (event, shown) => {
    const { active } = this.state;
    const move = { ArrowDown: 1, ArrowUp: -1, Tab: event.shiftKey ? -1 : 1 }[event.key];
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (move) this.setState({ active: (active + move + shown.length) % Math.max(1, shown.length) });
    else if (event.key === "Escape") close();
    else if (event.key === "Enter") this.take(shown[active]);
    else if (digitOf(event) !== -1) this.take(shown[digitOf(event)]);
    else return;
    event.preventDefault();
  };

  take(item) {
    if (item) commands.choose(item.kind, item.name);
  }

  onInput = (event) => this.setState({ filter: event.target.value, active: 0 });

  render({ open, ontology }, { filter, active }) {
    const groups = groupsFor(open, ontology);
    const shown = groups.flatMap(({ kind, names }) => names.filter((name) => matches(kind, name, filter)).map((name) => ({ kind, name })));
    const title = t(`editor.menu_${open.menu.kind}`);
    return html`
      <div class="menu" ref=${this.element} role="dialog" aria-label=${title} onKeyDown=${(event) => this.onKeyDown(event, shown)}>
        <div class="menu-head">
          <input ref=${this.field} type="text" role="combobox" aria-expanded="true" aria-controls="menu-list" aria-label=${title}
            aria-autocomplete="list" aria-activedescendant=${shown.length ? `menu-${active}` : null} placeholder=${title}
            autocomplete="off" spellcheck=${false} value=${filter} onInput=${this.onInput} />
          <button type="button" class="quiet menu-close" onClick=${close}>${t("action.close")}</button>
        </div>
        <div id="menu-list" class="menu-list" ref=${this.list} role="listbox" tabindex="-1" aria-label=${title}>
          ${groups.map(({ kind }) => html`
            <${Group} key=${kind} kind=${kind} ontology=${ontology} isAlone=${groups.length === 1} active=${active}
              items=${shown.flatMap((item, place) => (item.kind === kind ? [{ ...item, place }] : []))}
              onTake=${(item) => this.take(item)} />`)}
          ${shown.length === 0 && html`<p class="menu-none">${t("editor.menu_none")}</p>`}
        </div>
      </div>`;
  }
}

function close() {
  updateOpen({ menu: null });
  drawNow();
}

function Group({ kind, items, ontology, isAlone, active, onTake }) {
  if (!items.length) return null;
  return html`
    <div role="group" aria-label=${t(`editor.group_${kind}`)} class="menu-group">
      ${!isAlone && html`<p class="menu-title" aria-hidden="true">${t(`editor.group_${kind}`)}</p>`}
      <div class="menu-items">
        ${items.map((item) => html`
          <div key=${item.name} id=${`menu-${item.place}`} role="option" aria-selected=${item.place === active}
            class=${item.place === active ? "menu-item active" : "menu-item"} onClick=${() => onTake(item)}>
            <span class=${`swatch ${kind} hue${hueFor(ontology, item)}`} aria-hidden="true"></span>
            <span class="menu-name">${label(item.kind, item.name)}</span>
            ${item.place < KEYS.length && html`<kbd aria-hidden="true">${KEYS[item.place]}</kbd>`}
          </div>`)}
      </div>
    </div>`;
}

/** What the menu offers, by kind; roles that are typical of the event come first. */
function groupsFor(open, ontology) {
  const event = commands.focusedEvent();
  const groups = [
    { kind: "role", names: event ? rolesFor(ontology, event.type) : [] },
    { kind: "entity", names: ontology.entity_types.map(({ name }) => name) },
    { kind: "event", names: ontology.event_types.map(({ name }) => name) },
    { kind: "factuality", names: ontology.factuality.map(({ name }) => name) },
  ];
  const { kind } = open.menu;
  return groups.filter((group) => (kind === "all" ? group.kind !== "factuality" : group.kind === kind) && group.names.length);
}

/** The roles, those typical of the event type first. */
export function rolesFor(ontology, type) {
  const typical = ontology.event_types.find(({ name }) => name === type)?.typical_roles ?? [];
  const everywhere = ontology.roles.filter((role) => role.everywhere).map(({ name }) => name);
  return [...new Set([...typical, ...everywhere, ...ontology.roles.map(({ name }) => name)])];
}

function hueFor(ontology, { kind, name }) {
  if (kind === "entity") return hueOf(ontology.entity_types, name);
  return kind === "event" ? hueOf(ontology.event_types, name) : 0;
}

function digitOf(event) {
  // Digits by their place: an Arabic layout may type ١ where the key says 1.
  return /^(Digit|Numpad)\d$/.test(event.code) ? KEYS.indexOf(event.code.at(-1)) : -1;
}

/** Whether every word typed begins a word of the label, its name or its gloss. */
function matches(kind, name, filter) {
  const words = plain(`${name} ${gloss(kind, name)}`.replace(/([a-z])([A-Z])/g, "$1 $2") + ` ${name}`).split(/[\s_()]+/);
  return plain(filter).split(/\s+/).filter(Boolean).every((typed) =>
    words.some((word) => word.startsWith(typed) || word.startsWith(`ال${typed}`)));
}

/** Without case, vowel marks and the forms of alef, ya and ta that people write in each other's place. */
function plain(text) {
  return text.toLowerCase().replace(/[\u064b-\u0652\u0640]/g, "").replace(/[أإآ]/g, "ا").replace(/ى/g, "ي").replace(/ة/g, "ه");
}
