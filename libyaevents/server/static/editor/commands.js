/** What a person can do in the editor, whatever they do it with: move, select, focus, mark, move ends, finish. */

import { edit, markState } from "../actions.js";
import * as annotation from "../annotation.js";
import { spanOf, wordsOf } from "../offsets.js";
import { drawNow, notify, state, updateOpen } from "../state.js";
import { documentHref } from "../routes.js";
import { label, t } from "../strings.js";
import { marksAt, marksOf } from "./layout.js";

/** Put the cursor on a word; with `extend` the selection reaches from where it began to there. */
export function moveTo(word, { extend = false } = {}) {
  const { open } = state;
  const cursor = Math.min(Math.max(word, 0), open.words.length - 1);
  if (!extend) return updateOpen({ cursor, selection: null, menu: null });
  const anchor = open.selection?.anchor ?? open.cursor;
  return selectRun(anchor, cursor);
}

/** Select the words from one to another; `anchor` is the end that stays when the selection is extended. */
export function selectRun(anchor, word) {
  const run = { first: Math.min(anchor, word), last: Math.max(anchor, word), anchor };
  updateOpen({ cursor: word, selection: run, menu: null });
}

/** Show an item in the panel; `argument` is the index of one of an event's arguments. */
export function focusOn(kind, id, argument) {
  const { open } = state;
  const item = annotation.find(kind === "entity" ? open.document.entities : open.document.events, id);
  if (!item) return;
  const span = kind === "entity" ? item : item.arguments?.[argument] ?? item.trigger;
  const cursor = wordsOf(open.words, span.start, span.end)?.first ?? open.cursor;
  updateOpen({ focus: { kind, id, ...(argument !== undefined && { argument }) }, cursor, selection: null, menu: null });
}

export function leaveFocus() {
  updateOpen({ focus: null, assigning: null, menu: null, selection: null });
}

/** Escape: one thing at a time, the innermost first. */
export function stepBack() {
  const { menu, selection, assigning, focus } = state.open;
  if (menu) return updateOpen({ menu: null });
  if (assigning) return updateOpen({ assigning: null });
  if (selection) return updateOpen({ selection: null });
  if (focus?.argument !== undefined) return updateOpen({ focus: { kind: focus.kind, id: focus.id } });
  return focus ? leaveFocus() : undefined;
}

/** What the keyboard or the pointer means at a word: the mark there, the next one there, or a menu. */
export function act(word) {
  const { open } = state;
  if (open.assigning) return assign(word);
  const here = marksHere(word);
  if (!here.length) {
    selectRun(word, word);
    return openMenu("all");
  }
  const now = here.findIndex((mark) => mark.isFocused);
  const next = here[(now + 1) % here.length];
  return focusOn(next.kind === "trigger" ? "event" : "entity", next.id);
}

/** Enter: a menu for what is selected, else as `act`. */
export function enter() {
  const { open } = state;
  if (open.selection) return open.assigning ? assign() : openMenu("all");
  return act(open.cursor);
}

/**
 * Open the menu at the selection or the cursor.
 * @param {"all"|"entity"|"event"|"role"|"factuality"} kind
 */
export function openMenu(kind) {
  const { open } = state;
  const event = focusedEvent();
  if (kind === "role" && !event) return notify("info", t("editor.role_needs_event"));
  if (kind === "factuality" && !event) return notify("info", t("editor.factuality_needs_event"));
  updateOpen({ menu: { kind, word: open.selection?.last ?? open.cursor } });
  return drawNow();
}

/** Choose from the menu: make, retype or assign. */
export function choose(kind, name) {
  updateOpen({ menu: null, assigning: null });
  drawNow();
  if (kind === "role") return chooseRole(name);
  if (kind === "factuality") return edit(annotation.setFactuality(state.open.document, state.open.focus.id, name));
  return kind === "entity" ? chooseEntity(name) : chooseEvent(name);
}

function chooseEntity(name) {
  const { document, focus, selection } = state.open;
  if (!selection && focus?.kind === "entity") return edit(annotation.retypeEntity(document, focus.id, name));
  const span = targetSpan();
  const patch = annotation.addEntity(document, span, name);
  const id = patch?.put.entities[0]?.id ?? annotation.entityAt(document, span)?.id;
  return edit(patch, { selection: null, focus: { kind: "entity", id } });
}

function chooseEvent(name) {
  const { document, focus, selection } = state.open;
  const isRetype = !selection && focus?.kind === "event" && focus.argument === undefined;
  if (isRetype) return edit(annotation.retypeEvent(document, focus.id, name));
  const span = targetSpan();
  const patch = annotation.addEvent(document, span, name);
  const there = document.events?.find((event) => annotation.sameSpan(event.trigger, span));
  return edit(patch, { selection: null, focus: { kind: "event", id: patch?.put.events[0]?.id ?? there?.id } });
}

function chooseRole(name, span = null) {
  const { document, focus, selection, assigning } = state.open;
  if (!selection && !assigning && focus.argument !== undefined) {
    return edit(annotation.setRole(document, focus.id, focus.argument, name));
  }
  const patch = annotation.addArgument(document, focus.id, name, span ?? fillerSpan());
  return edit(patch, { selection: null, focus: { kind: "event", id: focus.id }, assigning: null });
}

/** Begin to give somebody a role in the focused event: the next word, name or selection gets it. */
export function startAssigning(role) {
  updateOpen({ assigning: { role }, selection: null, menu: null });
}

/** Give the role being assigned to the selection, or to what stands at a word. */
export function assign(word = state.open.cursor) {
  const { role } = state.open.assigning;
  updateOpen({ cursor: word });
  chooseRole(role);
}

/** Give the role being assigned to what a label stands for. */
export function assignMark(kind, id) {
  const { document, focus } = state.open;
  const spans = {
    entity: () => annotation.find(document.entities, id),
    trigger: () => annotation.find(document.events, id)?.trigger,
    argument: () => annotation.find(document.events, focus.id)?.arguments[id],
  };
  const { start, end } = spans[kind]();
  chooseRole(state.open.assigning.role, { start, end });
}

export function setFactuality(value) {
  edit(annotation.setFactuality(state.open.document, state.open.focus.id, value));
}

/** Delete what is focused: an argument, an event or a name. */
export function removeFocused() {
  const { document, focus } = state.open;
  if (!focus) return undefined;
  if (focus.argument !== undefined) return removeArgument(focus.argument);
  const remove = focus.kind === "entity" ? annotation.removeEntity : annotation.removeEvent;
  return edit(remove(document, focus.id), { focus: null, assigning: null });
}

export function removeArgument(index) {
  const { document, focus } = state.open;
  edit(annotation.removeArgument(document, focus.id, index), { focus: { kind: "event", id: focus.id } });
}

export function setArgumentRole(index, role) {
  edit(annotation.setRole(state.open.document, state.open.focus.id, index, role));
}

/** Move an end of the focused mark by words: `side` start or end, `step` in the order of the text. */
export function moveEnd(side, step) {
  const run = focusedRun();
  if (!run) return;
  const first = run.first + (side === "start" ? step : 0);
  const last = run.last + (side === "end" ? step : 0);
  if (first >= 0 && last < state.open.words.length && first <= last) resizeFocused(first, last);
}

/** Give the focused mark other words. */
export function resizeFocused(first, last) {
  const { document, focus, words } = state.open;
  const span = spanOf(words, first, last);
  const patch = focus.kind === "entity"
    ? annotation.moveEntity(document, focus.id, span)
    : focus.argument === undefined
      ? annotation.moveTrigger(document, focus.id, span)
      : annotation.moveArgument(document, focus.id, focus.argument, span);
  edit(patch, { selection: null, cursor: first });
}

/** The words of the focused mark. */
export function focusedRun() {
  const { document, focus, words } = state.open;
  if (!focus) return null;
  const item = annotation.find(focus.kind === "entity" ? document.entities : document.events, focus.id);
  const span = focus.kind === "entity" ? item : focus.argument === undefined ? item?.trigger : item?.arguments[focus.argument];
  return span ? wordsOf(words, span.start, span.end) : null;
}

/** Focus the next name or event in the text, or the one before. */
export function focusNext(step) {
  const { open } = state;
  const marks = marksOf(open, state.settings.ontology).filter((mark) => mark.kind === "entity" || mark.kind === "trigger");
  if (!marks.length) return;
  const now = marks.findIndex((mark) => mark.isFocused);
  const beside = step > 0
    ? marks.findIndex((mark) => mark.first >= open.cursor)
    : marks.findLastIndex((mark) => mark.first < open.cursor);
  const place = now >= 0 ? now + step : beside;
  const mark = marks.at(place < 0 && step > 0 ? 0 : place % marks.length);
  focusOn(mark.kind === "trigger" ? "event" : "entity", mark.id);
}

/** Mark the layer as done and open the next article that is not. */
export function finish() {
  markState("done");
  const next = nextNumber();
  if (next === null) notify("info", t("editor.all_done"));
  location.hash = next === null ? "#/" : documentHref(next);
}

/** The article to read next: by the queue where there is one, else in the order of the list. */
function nextNumber() {
  const { documents, queue, open } = state;
  const isOpenWork = ({ number, layers }) =>
    number !== open.number && layers.find((layer) => layer.name === "shared")?.state !== "done";
  const waiting = new Set(documents.filter(isOpenWork).map(({ number }) => number));
  const queued = (queue ?? []).map(({ number }) => number).find((number) => waiting.has(number));
  const numbers = documents.map(({ number }) => number).filter((number) => waiting.has(number));
  return queued ?? numbers.find((number) => number > open.number) ?? numbers[0] ?? null;
}

export function focusedEvent() {
  const { focus, document } = state.open;
  return focus?.kind === "event" ? annotation.find(document.events, focus.id) : undefined;
}

/** Say a word with its marks, for a screen reader. */
export function sayWord(open) {
  const word = open.words[open.cursor];
  if (!word) return "";
  const labels = marksHere(open.cursor).map((mark) =>
    `${label(mark.kind === "trigger" ? "event" : "entity", mark.label)}${mark.note ? ` ${label("factuality", mark.note)}` : ""}`);
  if (open.selection) {
    return t("editor.said_selection", { text: selectedText(open), n: open.selection.last - open.selection.first + 1 });
  }
  const text = annotation.mentionText(open.document, { start: word[0], end: word[1] });
  return labels.length ? t("editor.said_word", { text, labels: labels.join(t("editor.comma")) }) : text;
}

export function selectedText(open) {
  const { first, last } = open.selection ?? { first: open.cursor, last: open.cursor };
  return annotation.mentionText(open.document, spanOf(open.words, first, last));
}

function marksHere(word) {
  return marksAt(marksOf(state.open, state.settings.ontology), word);
}

function targetSpan() {
  const { words, selection, cursor } = state.open;
  return spanOf(words, selection?.first ?? cursor, selection?.last ?? cursor);
}

/** What fills a role: the selection, else the shortest name at the cursor, else its word. */
function fillerSpan() {
  const { document, selection, cursor } = state.open;
  const name = selection ? undefined : marksHere(cursor).find((mark) => mark.kind === "entity");
  const entity = name && annotation.find(document.entities, name.id);
  return entity ? { start: entity.start, end: entity.end } : targetSpan();
}
