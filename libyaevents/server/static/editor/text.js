/** The text of the open document: one tab stop, words to point at, paragraphs that are drawn only when they change. */

import { Component, createRef, html } from "../html.js";
import { state, updateOpen } from "../state.js";
import { t } from "../strings.js";
import * as commands from "./commands.js";
import { wordAt, wordElement } from "./geometry.js";
import { onTextKey } from "./keys.js";
import { marksOf, paragraphsOf, sharedOut } from "./layout.js";
import { forgetWidths } from "./measure.js";
import { Paragraph } from "./paragraph.js";

const DOUBLE_CLICK_MS = 400;
/** A finger that moved less than this has tapped. */
const TAP_PX = 6;
const EDGE_PX = 48;

export class Text extends Component {
  element = createRef();
  drag = null;
  lastClick = { word: -1, at: 0 };

  componentDidMount() {
    this.element.current.focus({ preventScroll: true });
    window.addEventListener("resize", this.onResize);
  }

  componentWillUnmount() {
    window.removeEventListener("resize", this.onResize);
  }

  componentDidUpdate(before) {
    const { open } = this.props;
    if (open.cursor !== before.open.cursor && !this.drag) this.reveal(open.cursor);
  }

  onResize = () => forgetWidths();

  /** Scroll so that a word and its labels can be seen, also above the sheet of a phone. */
  reveal(word) {
    wordElement(this.element.current, word)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  onKeyDown = (event) => {
    if (onTextKey(event, this.element.current)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };

  onPointerDown = (event) => {
    if (event.button !== 0) return;
    const tag = event.target.closest("[data-kind]");
    const handle = event.target.closest("[data-handle]");
    const word = wordOf(event);
    if (handle) this.begin(event, { handle: handle.dataset.handle, run: commands.focusedRun() });
    else if (tag) this.focusTag(tag, event);
    else if (word === null) this.pointBeside(event);
    else if (event.shiftKey) this.extendTo(word, event);
    else this.begin(event, { anchor: word, isTouch: event.pointerType !== "mouse" });
  };

  begin(event, drag) {
    event.preventDefault();
    this.element.current.focus({ preventScroll: true });
    this.drag = { ...drag, x: event.clientX, y: event.clientY, hasMoved: false };
    this.element.current.setPointerCapture(event.pointerId);
  }

  focusTag(tag, event) {
    event.preventDefault();
    this.element.current.focus({ preventScroll: true });
    const { kind, id } = tag.dataset;
    if (state.open.assigning) commands.assignMark(kind, id);
    else if (kind === "argument") commands.focusOn("event", state.open.focus.id, Number(id));
    else commands.focusOn(kind === "trigger" ? "event" : "entity", id);
  }

  pointBeside(event) {
    if (event.pointerType === "mouse" && !event.target.closest(".handle")) commands.leaveFocus();
  }

  extendTo(word, event) {
    event.preventDefault();
    this.element.current.focus({ preventScroll: true });
    commands.moveTo(word, { extend: true });
    commands.openMenu("all");
  }

  onPointerMove = (event) => {
    const { drag } = this;
    if (!drag) return;
    const distance = Math.hypot(event.clientX - drag.x, event.clientY - drag.y);
    if (!drag.hasMoved && distance < TAP_PX) return;
    const word = wordAt(this.element.current, event.clientX, event.clientY);
    if (word === null || (word === drag.word && drag.hasMoved)) return;
    drag.hasMoved = true;
    drag.word = word;
    if (drag.handle) this.stretch(word);
    else commands.selectRun(drag.anchor, word);
    scrollAtEdge(event.clientY);
  };

  /** Show where a dragged handle would put the end of the mark. */
  stretch(word) {
    const { handle, run } = this.drag;
    const first = handle === "start" ? Math.min(word, run.last) : run.first;
    const last = handle === "end" ? Math.max(word, run.first) : run.last;
    this.drag.result = { first, last };
    updateOpen({ selection: { first, last, anchor: first }, menu: null });
  }

  onPointerUp = (event) => {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    if (drag.handle) {
      if (drag.result) commands.resizeFocused(drag.result.first, drag.result.last);
    } else if (drag.hasMoved && drag.word !== undefined) this.finishSelection();
    else this.click(drag.anchor, event);
  };

  finishSelection() {
    if (state.open.assigning) commands.assign();
    else commands.openMenu("all");
  }

  click(word, event) {
    const isDouble = this.lastClick.word === word && event.timeStamp - this.lastClick.at < DOUBLE_CLICK_MS;
    this.lastClick = { word, at: event.timeStamp };
    if (isDouble && !state.open.assigning) {
      commands.selectRun(word, word);
      commands.openMenu("all");
      return;
    }
    commands.moveTo(word);
    commands.act(word);
  }

  onPointerCancel = () => {
    if (this.drag) updateOpen({ selection: null });
    this.drag = null;
  };

  onCopy = (event) => {
    event.clipboardData.setData("text/plain", commands.selectedText(state.open));
    event.preventDefault();
  };

  render({ open, ontology, doubts }) {
    const paragraphs = paragraphsOf(open.document.text, open.words);
    const shares = sharedOut(paragraphs, marksOf(open, ontology, doubts));
    return html`
      <div class=${open.assigning ? "text assigning" : "text"} ref=${this.element} tabindex="0" role="application"
        aria-label=${t("editor.text")} aria-describedby="text-keys" onKeyDown=${this.onKeyDown} onCopy=${this.onCopy}
        onPointerDown=${this.onPointerDown} onPointerMove=${this.onPointerMove} onPointerUp=${this.onPointerUp}
        onPointerCancel=${this.onPointerCancel}>
        ${paragraphs.map((paragraph, place) => html`
          <${Paragraph} key=${paragraph.first} paragraph=${paragraph} marks=${shares[place]}
            cursor=${within(paragraph, open.cursor) ? open.cursor : -1} selected=${overlap(paragraph, open.selection)} />`)}
      </div>`;
  }
}

function wordOf(event) {
  const hit = event.target.closest("[data-word], [data-gap]");
  return hit ? Number(hit.dataset.word ?? hit.dataset.gap) : null;
}

function within(paragraph, word) {
  return paragraph.first <= word && word <= paragraph.last;
}

/** The part of a selection that lies in a paragraph. */
function overlap(paragraph, selection) {
  if (!selection || selection.last < paragraph.first || paragraph.last < selection.first) return null;
  return { first: Math.max(selection.first, paragraph.first), last: Math.min(selection.last, paragraph.last) };
}

function scrollAtEdge(y) {
  if (y < EDGE_PX) window.scrollBy(0, -EDGE_PX);
  else if (y > window.innerHeight - EDGE_PX) window.scrollBy(0, EDGE_PX);
}
