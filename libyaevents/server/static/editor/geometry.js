/** Where words stand on the screen. */

/** The word at a point of the window; beside a line, the nearest one of it. */
export function wordAt(element, x, y) {
  const direct = indexAt(element, x, y);
  if (direct !== null) return direct;
  const box = element.getBoundingClientRect();
  // A little up and down first (the room between lines), then inward from the end of a line.
  for (const shift of [0, -8, 8, -16, 16]) {
    for (let distance = 0; distance < box.width; distance += 12) {
      const found = indexAt(element, x - distance, y + shift) ?? indexAt(element, x + distance, y + shift);
      if (found !== null) return found;
    }
  }
  return null;
}

function indexAt(element, x, y) {
  const hit = document.elementFromPoint(x, y)?.closest("[data-word], [data-gap]");
  if (!hit || !element.contains(hit)) return null;
  return Number(hit.dataset.word ?? hit.dataset.gap);
}

/** The word in the line above (-1) or below (1) that stands nearest to a word. */
export function wordAbove(element, word, step) {
  const here = boxOf(element, word);
  if (!here) return word;
  const middle = (here.left + here.right) / 2;
  let best = null;
  for (let index = word + step, line = null; ; index += step) {
    const box = boxOf(element, index);
    if (!box) break;
    if (isSameLine(box, here)) continue;
    line ??= box;
    if (!isSameLine(box, line)) break;
    const distance = Math.abs((box.left + box.right) / 2 - middle);
    if (!best || distance < best.distance) best = { index, distance };
  }
  return best?.index ?? word;
}

/** The first (-1) or last (1) word of the line that a word stands in. */
export function lineEdge(element, word, step) {
  const here = boxOf(element, word);
  let edge = word;
  for (let box = boxOf(element, edge + step); box && isSameLine(box, here); box = boxOf(element, edge + step)) edge += step;
  return edge;
}

export function wordElement(element, word) {
  return element.querySelector(`[data-word="${word}"]`);
}

function boxOf(element, word) {
  return wordElement(element, word)?.getBoundingClientRect();
}

function isSameLine(one, other) {
  return Math.abs(one.top - other.top) < other.height / 2;
}
