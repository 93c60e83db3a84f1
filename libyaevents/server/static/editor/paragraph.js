/** One paragraph of the text with its marks and labels; drawn again only where something in it changed. */

import { Component, html } from "../html.js";
import { makeRoom, nest } from "./layout.js";
import { labelWidth, textWidth } from "./measure.js";

/** How far a label may reach over the end of a line: the margin of the text on a phone. */
const MARGIN_PX = 18;

/**
 * Props: paragraph, marks, cursor (index of a word, or -1), selected ({first, last} or null), isActive.
 */
export class Paragraph extends Component {
  shouldComponentUpdate(next) {
    const before = this.props;
    return before.paragraph !== next.paragraph || before.cursor !== next.cursor
      || !sameRun(before.selected, next.selected) || !sameMarks(before.marks, next.marks);
  }

  render({ paragraph, marks, cursor, selected }) {
    const labels = labelsOf(marks);
    const room = roomFor(paragraph, labels);
    const parts = { paragraph, cursor, selected, labels, room, ends: endsOf(marks) };
    return html`
      <p dir="auto" class="line" data-first=${paragraph.first}>
        ${paragraph.lead}${drawRun(parts, nest(marks), paragraph.first, paragraph.last, true)}
      </p>`;
  }
}

/** Words from first to last with the pieces among them; the gap behind the last one stays outside. */
function drawRun(parts, pieces, first, last, isOutermost) {
  const drawn = [];
  let word = first;
  for (const piece of pieces) {
    for (; word < piece.first; word += 1) drawn.push(drawWord(parts, word), drawGap(parts, word));
    drawn.push(drawPiece(parts, piece));
    word = piece.last + 1;
    if (word <= last || isOutermost) drawn.push(drawGap(parts, piece.last));
  }
  for (; word <= last; word += 1) {
    drawn.push(drawWord(parts, word));
    if (word < last || isOutermost) drawn.push(drawGap(parts, word));
  }
  return drawn;
}

function drawPiece(parts, piece) {
  const classes = ["mark", piece.kind, `hue${piece.hue}`, piece.note, piece.isFocused && "focused",
    piece.isContinued && "continued", piece.isCut && "cut"];
  return html`
    <span class=${classes.filter(Boolean).join(" ")}>
      ${drawRun(parts, piece.inner, piece.first, piece.last, false)}
    </span>`;
}

function drawWord({ paragraph, cursor, selected, labels, room, ends }, word) {
  const space = room.get(word);
  const classes = ["w", word === cursor && "cursor", isWithin(selected, word) && "selected"];
  return html`
    <span class=${classes.filter(Boolean).join(" ")} data-word=${word} style=${{ paddingInlineEnd: space ? `${space}px` : "" }}>
      <${Tags} row="above" marks=${labels.above.get(word)} /><${Tags} row="below" marks=${labels.below.get(word)} />
      ${word === ends.first && html`<span class="handle start" data-handle="start"></span>`}
      ${paragraph.words[word - paragraph.first].text}
      ${word === ends.last && html`<span class="handle end" data-handle="end"></span>`}
    </span>`;
}

function drawGap({ paragraph, selected }, word) {
  const { gap } = paragraph.words[word - paragraph.first];
  const isSelected = isWithin(selected, word) && isWithin(selected, word + 1);
  return gap && html`<span class=${isSelected ? "gap selected" : "gap"} data-gap=${word}>${gap}</span>`;
}

/** The labels that begin at a word, side by side; drawn by the style, so that copying the text leaves them. */
function Tags({ row, marks }) {
  if (!marks) return null;
  return html`
    <span class=${`tags ${row}`} aria-hidden="true">
      ${marks.map((mark) => html`
        <span class=${`tag ${mark.kind} hue${mark.hue}${mark.isFocused ? " focused" : ""}`} data-label=${labelOf(mark)}
          data-kind=${mark.kind} data-id=${mark.id}></span>`)}
    </span>`;
}

function labelOf({ label, note }) {
  return note ? `${label} · ${note}` : label;
}

/** The labels above (events, roles) and below (entities) by the word that they begin at. */
function labelsOf(marks) {
  const labels = { above: new Map(), below: new Map() };
  for (const mark of marks) {
    if (mark.kind === "doubt" || mark.isContinued) continue;
    const row = labels[mark.kind === "entity" ? "below" : "above"];
    row.set(mark.first, [...(row.get(mark.first) ?? []), mark]);
  }
  return labels;
}

function roomFor(paragraph, labels) {
  const room = new Map();
  const widthOf = (word) => {
    const { text, gap } = paragraph.words[word - paragraph.first];
    return textWidth(text) + textWidth(gap);
  };
  for (const row of [labels.below, labels.above]) {
    const widths = [...row]
      .map(([word, marks]) => ({
        word, width: marks.reduce((sum, mark) => sum + labelWidth(labelOf(mark)), 0), isShort: marks.every((mark) => mark.last === word),
      }))
      .sort((one, other) => one.word - other.word);
    // A longer mark is left alone: a gap between 95 and كلم reads worse than a label at the end of a line.
    for (const { word, width } of widths.filter(({ isShort }) => isShort)) {
      const over = width - textWidth(paragraph.words[word - paragraph.first].text) - MARGIN_PX;
      if (over > (room.get(word) ?? 0)) room.set(word, Math.ceil(over));
    }
    makeRoom(widths, widthOf, room);
  }
  return room;
}

/** The words at which the handles of the focused mark stand. */
function endsOf(marks) {
  const focused = marks.find((mark) => mark.isFocused);
  if (!focused) return { first: -1, last: -1 };
  return { first: focused.isContinued ? -1 : focused.first, last: focused.isCut ? -1 : focused.last };
}

function isWithin(run, word) {
  return run !== null && run.first <= word && word <= run.last;
}

function sameRun(one, other) {
  return one === other || (one !== null && other !== null && one.first === other.first && one.last === other.last);
}

function sameMarks(one, other) {
  const keys = ["kind", "id", "label", "note", "first", "last", "hue", "isFocused", "isContinued", "isCut"];
  return one.length === other.length
    && one.every((mark, place) => keys.every((key) => mark[key] === other[place][key]));
}
