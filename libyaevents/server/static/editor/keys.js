/** The keyboard: which key does what. Letters go by their place, so that an Arabic layout works as well. */

import { redo, undo } from "../actions.js";
import { openDialog, state } from "../state.js";
import * as commands from "./commands.js";
import { lineEdge, wordAbove } from "./geometry.js";

const LETTERS = {
  KeyE: () => commands.openMenu("entity"),
  KeyV: () => commands.openMenu("event"),
  KeyR: () => commands.openMenu("role"),
  KeyF: () => commands.openMenu("factuality"),
  KeyN: () => commands.focusNext(1),
  KeyP: () => commands.focusNext(-1),
  KeyD: () => commands.finish(),
};

/** A key anywhere in the editor but in a field: true where it meant something. */
export function onEditorKey(event) {
  const command = event.ctrlKey || event.metaKey;
  if (command && event.code === "KeyZ") return done(event.shiftKey ? redo : undo);
  if (command && event.code === "KeyY") return done(redo);
  if (command || event.altKey) return false;
  if (event.key === "Escape") return done(commands.stepBack);
  if (event.key === "?" || event.key === "؟") return done(() => openDialog("help"));
  if (event.key === "Delete" || event.key === "Backspace") return done(commands.removeFocused);
  if (event.code === "BracketRight") return done(() => commands.moveEnd(event.shiftKey ? "start" : "end", 1));
  if (event.code === "BracketLeft") return done(() => commands.moveEnd(event.shiftKey ? "start" : "end", -1));
  return !event.shiftKey && event.code in LETTERS ? done(LETTERS[event.code]) : false;
}

/** A key in the text: the cursor, the selection, Enter. */
export function onTextKey(event, element) {
  if (event.key === "Enter" || event.key === " ") return event.ctrlKey ? false : done(commands.enter);
  if (event.altKey || event.metaKey) return false;
  const word = target(event, element);
  return word === null ? false : done(() => commands.moveTo(word, { extend: event.shiftKey }));
}

function target(event, element) {
  const { cursor } = state.open;
  const isRtl = directionAt(element, cursor) === "rtl";
  const forward = isRtl ? "ArrowLeft" : "ArrowRight";
  const step = event.key === forward ? 1 : -1;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    return event.ctrlKey ? sentenceBeside(cursor, step) : cursor + step;
  }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    return wordAbove(element, cursor, event.key === "ArrowDown" ? 1 : -1);
  }
  if (event.key === "Home") return event.ctrlKey ? 0 : lineEdge(element, cursor, -1);
  if (event.key === "End") return event.ctrlKey ? state.open.words.length - 1 : lineEdge(element, cursor, 1);
  return null;
}

function directionAt(element, word) {
  const found = element.querySelector(`[data-word="${word}"]`);
  return getComputedStyle(found ?? element).direction;
}

/** The first word of the next sentence, or of this one and then of the one before. */
function sentenceBeside(cursor, step) {
  const { words, document } = state.open;
  const starts = firstWords(words, document.sentences ?? []);
  if (step > 0) return starts.find((word) => word > cursor) ?? words.length - 1;
  return starts.findLast((word) => word < cursor) ?? 0;
}

function firstWords(words, sentences) {
  let word = 0;
  return sentences.map(([start]) => {
    while (word < words.length - 1 && words[word][0] < start) word += 1;
    return word;
  });
}

function done(work) {
  work();
  return true;
}
