/** From a place that another view tells of into the text: the article opens with its words selected. */

import { selectRun } from "./editor/commands.js";
import { wordsOf } from "./offsets.js";
import { documentHref } from "./routes.js";
import { state, subscribe } from "./state.js";

let forget = () => {};

/**
 * Open a reading of an article and select some of its text; the editor scrolls to what is selected.
 * @param {{number: number, layer: string, start: number, end: number}} place offsets in code points
 */
export function openPlace({ number, layer, start, end }) {
  forget();
  forget = subscribe(() => {
    if (state.route.name === "document" && state.route.number !== number) return forget();
    if (state.open?.number !== number || state.open.layer !== layer) return undefined;
    forget();
    const run = wordsOf(state.open.words, start, end);
    return run && selectRun(run.first, run.last);
  });
  location.hash = documentHref(number, layer);
}
