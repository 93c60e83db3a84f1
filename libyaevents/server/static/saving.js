/**
 * Sends the outbox: one change after another, again until the server has answered for each.
 *
 * What the answer means for the open document is told to `handlers`, which actions.js sets.
 */

import { isPassing, post } from "./api.js";
import { Outbox, holdTab, uuid } from "./outbox.js";

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;
/** Browsers let a request outlive its page only up to 64 KiB. */
const KEEPALIVE_BYTES = 50_000;
const MAY_PASS = new Set([401, 403, 408]);

const tab = uuid();
export const outbox = new Outbox(localStorage, tab);

/** Called as the outbox moves. */
export const handlers = {
  /** @param {import("./outbox.js").Entry} entry @param {object} answer */
  saved(entry, answer) {},
  conflict(entry, answer) {},
  refused(entry, error) {},
  waiting(error) {},
};

/** Layers whose first entry met a conflict that nobody has resolved: `number layer`. */
const blocked = new Set();
let sending = null;
let timer = null;
let delay = FIRST_DELAY_MS;

/** Begin: hold this tab's name, adopt what other tabs left, and go on as the connection allows. */
export async function startSaving() {
  holdTab(localStorage, tab);
  window.addEventListener("online", sendNow);
  document.addEventListener("visibilitychange", () => document.hidden || adoptAndSend());
  await outbox.adopt();
  // A page that is being reloaded may give up its lock a moment after this one began.
  setTimeout(adoptAndSend, 2000);
  sendNow();
}

/** Send what waits, without waiting longer. */
export function sendNow() {
  delay = FIRST_DELAY_MS;
  return send();
}

/** Send until nothing is left that can be sent; the promise is kept even where something stays. */
export function send() {
  clearTimeout(timer);
  sending ??= sendAll().finally(() => (sending = null));
  return sending;
}

export function unblock(number, layer) {
  blocked.delete(keyOf({ number, layer }));
}

export function isBlocked(number, layer) {
  return blocked.has(keyOf({ number, layer }));
}

async function adoptAndSend() {
  if (await outbox.adopt()) await sendNow();
}

async function sendAll() {
  for (;;) {
    const entry = outbox.entries.find((each) => !blocked.has(keyOf(each)));
    if (!entry) return;
    if (!(await sendOne(entry))) return;
  }
}

/** Send an entry; false where it must wait. */
async function sendOne(entry) {
  let answer;
  try {
    answer = await post(`/api/documents/${entry.number}/changes`, bodyOf(entry), optionsFor(entry));
  } catch (error) {
    return fail(entry, error);
  }
  delay = FIRST_DELAY_MS;
  outbox.settle(entry.change_id, answer.revision);
  handlers.saved(entry, answer);
  return true;
}

function fail(entry, error) {
  if (error.status === 409) {
    blocked.add(keyOf(entry));
    handlers.conflict(entry, error.body);
    return true;
  }
  if (isPassing(error) || MAY_PASS.has(error.status) || error.status === undefined) {
    handlers.waiting(error);
    timer = setTimeout(send, delay);
    delay = Math.min(delay * 2, LONGEST_DELAY_MS);
    return false;
  }
  outbox.settle(entry.change_id, entry.base);
  handlers.refused(entry, error);
  return true;
}

function bodyOf({ author, layer, base, change_id, put, remove, state }) {
  return { author, layer, base, change_id, put, remove, ...(state && { state }) };
}

function optionsFor(entry) {
  return { keepalive: JSON.stringify(entry.put).length * 3 < KEEPALIVE_BYTES };
}

function keyOf({ number, layer }) {
  return `${number} ${layer}`;
}
