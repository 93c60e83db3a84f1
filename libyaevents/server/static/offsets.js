/**
 * Offsets: the server counts code points, JavaScript counts UTF-16 units; 😀 is one of the first, two of the second.
 */

const ASTRAL = /[\ud800-\udbff][\udc00-\udfff]/g;

/** Turns offsets into one text from one count to the other. */
export class OffsetMap {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    /** Unit offsets of the characters that take two units. */
    this.wide = Array.from(text.matchAll(ASTRAL), (match) => match.index);
    /** Length in code points. */
    this.length = text.length - this.wide.length;
  }

  /** The UTF-16 offset of a code-point offset. */
  toUnits(point) {
    // The i-th wide character stands at code point wide[i] - i; each one before `point` adds a unit.
    return point + countBelow(this.wide, (unit, index) => unit - index < point);
  }

  /** The code-point offset of a UTF-16 offset; inside a pair, that of its character. */
  toPoints(unit) {
    const before = countBelow(this.wide, (start) => start + 1 < unit);
    const isInside = this.wide[before] !== undefined && this.wide[before] + 1 === unit;
    return unit - before - (isInside ? 1 : 0);
  }

  /** The text between two code-point offsets. */
  slice(start, end) {
    return this.text.slice(this.toUnits(start), this.toUnits(end));
  }
}

let latest = new OffsetMap("");

/** The map of a text; that of the last text asked for is kept. */
export function offsetsOf(text) {
  if (latest.text !== text) latest = new OffsetMap(text);
  return latest;
}

/** How many of the sorted values come before the first that fails the test. */
function countBelow(values, test) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(values[middle], middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The first and last word that a span touches; null where it touches none.
 * @param {Array<[number, number]>} words
 * @returns {{first: number, last: number}|null}
 */
export function wordsOf(words, start, end) {
  const first = countBelow(words, ([, wordEnd]) => wordEnd <= start);
  const last = countBelow(words, ([wordStart]) => wordStart < end) - 1;
  return first <= last ? { first, last } : null;
}

/** The span of a run of words, whichever end is given first. */
export function spanOf(words, one, other) {
  const first = Math.min(one, other);
  const last = Math.max(one, other);
  return { start: words[first][0], end: words[last][1] };
}
