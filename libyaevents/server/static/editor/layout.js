/**
 * Where marks stand in the text, pure: paragraphs of words, the marks of each, and how they nest.
 *
 * Inside the editor a place is the index of a word; `first` and `last` are both included.
 */

import { offsetsOf, wordsOf } from "../offsets.js";

const N_HUES = 12;
const LINE = /[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+/g;

/**
 * @typedef {object} Paragraph
 * @property {number} first index of its first word
 * @property {number} last
 * @property {string} lead what stands before the first word
 * @property {Array<{text: string, gap: string}>} words each with what stands behind it
 *
 * @typedef {object} Mark
 * @property {"entity"|"trigger"|"argument"|"doubt"} kind
 * @property {string} id of the entity or event; of an argument, its index
 * @property {string} label
 * @property {number} hue
 * @property {number} first
 * @property {number} last
 * @property {string} [note] factuality, where it is not actual
 * @property {boolean} [isFocused]
 * @property {boolean} [isContinued] begins before the paragraph or piece
 */

let latest = { text: null, words: null, paragraphs: [] };

/** The lines of the text that hold words; kept for the last text. @returns {Paragraph[]} */
export function paragraphsOf(text, words) {
  if (latest.text !== text || latest.words !== words) latest = { text, words, paragraphs: cutParagraphs(text, words) };
  return latest.paragraphs;
}

function cutParagraphs(text, words) {
  const offsets = offsetsOf(text);
  const starts = words.map(([start]) => offsets.toUnits(start));
  const ends = words.map(([, end]) => offsets.toUnits(end));
  const paragraphs = [];
  let word = 0;
  for (const { 0: line, index } of text.matchAll(LINE)) {
    const end = index + line.length;
    const first = word;
    while (word < words.length && starts[word] < end) word += 1;
    if (word === first) continue;
    const behind = (place) => text.slice(ends[place], place + 1 < word ? starts[place + 1] : end);
    paragraphs.push({
      first, last: word - 1, lead: text.slice(index, starts[first]),
      words: Array.from({ length: word - first }, (_, step) => ({
        text: text.slice(starts[first + step], ends[first + step]), gap: behind(first + step),
      })),
    });
  }
  return paragraphs;
}

/** Every mark of the open document, the outer before the inner. @returns {Mark[]} */
export function marksOf(open, ontology, doubts = []) {
  const { document, words, focus } = open;
  const marks = [];
  const push = (span, mark) => {
    const place = wordsOf(words, span.start, span.end);
    if (place) marks.push({ ...mark, ...place });
  };
  for (const [start, end] of doubts) push({ start, end }, { kind: "doubt", id: "", label: "", hue: 0 });
  for (const entity of document.entities ?? []) push(entity, entityMark(entity, ontology, focus));
  for (const event of document.events ?? []) {
    const isFocused = focus?.kind === "event" && focus.id === event.id;
    push(event.trigger, eventMark(event, ontology, isFocused && focus.argument === undefined));
    if (isFocused) (event.arguments ?? []).forEach((argument, index) => push(argument, argumentMark(argument, index, focus)));
  }
  return marks.sort(byNesting);
}

const LAYERS = ["doubt", "argument", "entity", "trigger"];

function byNesting(one, other) {
  return one.first - other.first || other.last - one.last || LAYERS.indexOf(one.kind) - LAYERS.indexOf(other.kind);
}

function entityMark({ id, label }, ontology, focus) {
  const isFocused = focus?.kind === "entity" && focus.id === id;
  return { kind: "entity", id, label, hue: hueOf(ontology.entity_types, label), isFocused };
}

function eventMark({ id, type, factuality }, ontology, isFocused) {
  const note = factuality === "actual" ? "" : factuality;
  return { kind: "trigger", id, label: type, note, hue: hueOf(ontology.event_types, type), isFocused };
}

function argumentMark({ role }, index, focus) {
  return { kind: "argument", id: String(index), label: role, hue: 0, isFocused: focus.argument === index };
}

export function hueOf(types, name) {
  return Math.max(0, types.findIndex((type) => type.name === name)) % N_HUES;
}

/** The marks of each paragraph, cut at its ends; `marks` as from marksOf. */
export function sharedOut(paragraphs, marks) {
  const lists = paragraphs.map(() => []);
  let from = 0;
  for (const mark of marks) {
    while (paragraphs[from].last < mark.first) from += 1;
    for (let place = from; place < paragraphs.length && paragraphs[place].first <= mark.last; place += 1) {
      lists[place].push(clip(mark, paragraphs[place].first, paragraphs[place].last));
    }
  }
  return lists;
}

/**
 * Marks as a tree: what crosses is cut in pieces, so that every piece lies within another or beside it.
 * @param {Mark[]} marks of one paragraph, in order
 * @returns {Array<Mark & {inner: object[]}>}
 */
export function nest(marks) {
  const queue = [...marks].sort(byNesting);
  const pieces = [];
  while (queue.length) {
    const outer = queue.shift();
    const within = [];
    while (queue.length && queue[0].first <= outer.last) {
      const mark = queue.shift();
      within.push(clip(mark, mark.first, outer.last));
      if (mark.last > outer.last) insert(queue, { ...mark, first: outer.last + 1, isContinued: true });
    }
    pieces.push({ ...outer, inner: nest(within) });
  }
  return pieces;
}

function insert(queue, mark) {
  const place = queue.findIndex((other) => byNesting(mark, other) < 0);
  queue.splice(place < 0 ? queue.length : place, 0, mark);
}

function clip(mark, first, last) {
  if (first <= mark.first && mark.last <= last) return mark;
  const isContinued = mark.isContinued || mark.first < first;
  return { ...mark, isContinued, first: Math.max(mark.first, first), last: Math.min(mark.last, last), isCut: mark.last > last };
}

/** The entities and triggers at a word, the one to focus first before the others. */
export function marksAt(marks, word) {
  return marks
    .filter((mark) => mark.first <= word && word <= mark.last && (mark.kind === "entity" || mark.kind === "trigger"))
    .sort((one, other) =>
      (other.kind === "trigger") - (one.kind === "trigger") || one.last - one.first - (other.last - other.first));
}

/**
 * Room to leave behind words so that labels of one row do not run into each other.
 * @param {Array<{word: number, width: number}>} labels in order of their words
 * @param {(word: number) => number} widthOf of a word with its gap
 * @param {Map<number, number>} room so far, by word; grows
 */
export function makeRoom(labels, widthOf, room) {
  for (let place = 0; place + 1 < labels.length; place += 1) {
    const { word, width } = labels[place];
    const next = labels[place + 1].word;
    let free = 0;
    for (let index = word; index < next && free < width; index += 1) free += widthOf(index) + (room.get(index) ?? 0);
    if (free < width) room.set(next - 1, (room.get(next - 1) ?? 0) + Math.ceil(width - free));
  }
}
