/**
 * The one store: what the page knows and shows.
 *
 * `state` is one plain object, changed by `update` alone; whoever subscribed hears of it once a frame.
 */

/**
 * @typedef {object} Route
 * @property {"documents"|"document"|"agreement"|"pictures"|"retraining"|"help"|"missing"} name
 * @property {number} [number] of a document
 * @property {string} [layer]
 * @property {string} [picture] map, timeline or claims
 */

/**
 * @typedef {object} Open The document that is open.
 * @property {number} number
 * @property {string} layer
 * @property {number} revision the last one acknowledged by the server
 * @property {string} state of the layer: new, changed or done
 * @property {object} document libyaevents/1, with every edit applied, acknowledged or not
 * @property {Array<[number, number]>} words in code points
 * @property {object|null} facts the enriched document, of the last revision
 * @property {object|null} selection {first, last}: indices of words, both included
 * @property {{kind: "entity"|"event", id: string}|null} focus the item that the panel shows
 * @property {object[]} past edits that can be undone
 * @property {object[]} future edits that can be done again
 * @property {"saved"|"saving"|"waiting"|"conflict"} saving
 * @property {Conflict|null} conflict
 * @property {string[]} discarded edits of mine that gave way to others', as text to copy, newest last
 */

/**
 * @typedef {object} Conflict Somebody else changed the layer since `base`: the 409 of the server, and mine.
 * @property {number} base the revision that my changes were made on
 * @property {number} revision theirs, now
 * @property {string} changed_at
 * @property {string} changed_by
 * @property {object[]} changes theirs since base, oldest first, as in GET …/changes
 * @property {object[]} mine waiting changes, oldest first: {put, remove, state, at}
 * @property {object} document theirs, now
 * @property {object} before what both began with
 * @property {string} state of their layer now
 */

export const state = {
  /** @type {"ar"|"en"} */
  language: "ar",
  author: "",
  /** The answer of GET /api/state; null until it came. */
  settings: null,
  documents: [],
  queue: null,
  /** @type {Route} */
  route: { name: "documents" },
  /** @type {Open|null} */
  open: null,
  /** @type {{kind: "info"|"error", text: string}|null} */
  notice: null,
  /** @type {{name: string}|null} one of author, conflict, download, help, history, with its values */
  dialog: null,
  busy: {},
};

const listeners = new Set();
let isScheduled = false;

/** Merge a patch into the state (shallow) and tell the listeners in the next frame. */
export function update(patch) {
  Object.assign(state, patch);
  if (isScheduled) return;
  isScheduled = true;
  // A hidden tab gets no frames, and its state must not wait for them.
  if (document.hidden) setTimeout(flush, 0);
  else requestAnimationFrame(flush);
}

/** Merge a patch into the open document; nothing where none is open. */
export function updateOpen(patch) {
  if (state.open) update({ open: { ...state.open, ...patch } });
}

/** Call `listener(state)` once a frame in which the state changed; the answer ends it. */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Tell the listeners now: what is typed next must reach what has just been opened or closed. */
export function drawNow() {
  if (isScheduled) flush();
}

/** Show a sentence at the edge of the page until it is closed or another comes. */
export function notify(kind, text) {
  update({ notice: { kind, text } });
}

/** Open a dialog by name; its values go beside the name. */
export function openDialog(name, values = {}) {
  update({ dialog: { ...values, name } });
}

export function closeDialog() {
  update({ dialog: null });
}

function flush() {
  if (!isScheduled) return;
  isScheduled = false;
  for (const listener of listeners) listener(state);
}
