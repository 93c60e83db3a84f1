/** What changes the open document and the page around it: opening, editing, undo, conflicts, language and name. */

import { applyPatch, invertPatch, itemsBefore, setState } from "./annotation.js";
import { ApiError, get, isOffline } from "./api.js";
import { describeChange } from "./describe.js";
import { uuid } from "./outbox.js";
import { rebase, rollBack } from "./rebase.js";
import { handlers, isBlocked, outbox, send, sendNow, startSaving, unblock } from "./saving.js";
import { closeDialog, notify, openDialog, state, update, updateOpen } from "./state.js";
import { t } from "./strings.js";

const FACTS_DELAY_MS = 500;
const RETRY_MS = 3000;
let factsTimer = null;

/** Read what the browser kept, ask the server what it is, and send what waits. */
export async function start() {
  const language = localStorage.getItem("libyaevents.language");
  update({ language: language === "en" ? "en" : "ar", author: localStorage.getItem("libyaevents.author") ?? "" });
  document.addEventListener("visibilitychange", () => document.hidden || lookAgain());
  while (!(await askWhatThereIs())) await new Promise((done) => setTimeout(done, RETRY_MS));
  await startSaving();
}

/** Ask the server what it is and has; false where it does not answer. */
async function askWhatThereIs() {
  try {
    const [settings, { documents }] = await Promise.all([get("/api/state"), get("/api/documents")]);
    update({ settings, documents, author: settings.user ?? state.author, notice: null });
    return true;
  } catch (error) {
    tell(error);
    return false;
  }
}

/** Say what went wrong between page and server; anything else is a fault of the page and goes on. */
function tell(error) {
  if (!(error instanceof ApiError)) throw error;
  notify("error", isOffline(error) ? t("error.offline") : t("error.server", { message: error.message }));
}

export function setLanguage(language) {
  keep("libyaevents.language", language);
  update({ language });
}

export function setAuthor(author) {
  keep("libyaevents.author", author);
  update({ author });
}

/** Open a layer of a document, after what waits for it was sent. */
export async function openDocument(number, layer = "shared") {
  if (state.open?.number === number && state.open.layer === layer) return;
  update({ open: null, busy: { ...state.busy, opening: number } });
  await send();
  try {
    const answer = await get(`/api/documents/${number}?layer=${encodeURIComponent(layer)}`);
    if (state.route.number === number && (state.route.layer ?? "shared") === layer) show(answer);
  } catch (error) {
    tell(error);
  }
  update({ busy: { ...state.busy, opening: null } });
}

/** Leave the open document; what waits is still sent. */
export function closeDocument() {
  if (state.open) update({ open: null });
}

/**
 * Make an edit: shown at once, kept in the outbox, then sent.
 * @param {object|null} patch null changes nothing
 * @param {object} [after] what else becomes of the open document: focus, selection
 */
export function edit(patch, after = {}) {
  const { open } = state;
  if (!patch || !open) return updateOpen(after);
  if (open.conflict) return openDialog("conflict");
  if (!state.author) return openDialog("author", { then: () => edit(patch, after) });
  const inverse = invertPatch(open.document, patch, open.state);
  commit(patch, { ...after, past: [...open.past, { patch, inverse, focus: open.focus }], future: [] });
}

export function undo() {
  const { past, future, document } = state.open ?? {};
  const last = past?.at(-1);
  if (!last || blockedByConflict()) return;
  const again = invertPatch(document, last.inverse, state.open.state);
  commit(last.inverse, {
    past: past.slice(0, -1), future: [...future, { patch: again, focus: state.open.focus }],
    selection: null, focus: stillThere(last.focus, last.inverse),
  });
}

export function redo() {
  const { past, future, document } = state.open ?? {};
  const next = future?.at(-1);
  if (!next || blockedByConflict()) return;
  const inverse = invertPatch(document, next.patch, state.open.state);
  commit(next.patch, {
    past: [...past, { patch: next.patch, inverse, focus: state.open.focus }], future: future.slice(0, -1),
    selection: null, focus: stillThere(next.focus, next.patch),
  });
}

/** Say that the layer is done, or not yet. */
export function markState(value) {
  if (state.open && state.open.state !== value) edit(setState(value));
}

/** Conflict: give mine up, keeping its words to copy. */
export function takeTheirs() {
  const { number, layer, conflict } = state.open;
  discard(number, layer, conflict.mine.flatMap(describeChange));
  outbox.replace(number, layer, []);
  unblock(number, layer);
  showTheirs(conflict, conflict.document);
  closeDialog();
}

/** Conflict: make my changes again on theirs; what no longer fits is listed. */
export function applyMine() {
  const { number, layer, conflict } = state.open;
  const { patches, document: merged, misfits } = rebase(conflict.mine, conflict.before, conflict.document);
  let made = conflict.document;
  const entries = patches.map((patch, index) => {
    const entry = entryFor(patch, made, index ? null : conflict.revision);
    made = applyPatch(made, patch);
    return entry;
  });
  outbox.replace(number, layer, entries);
  unblock(number, layer);
  showTheirs(conflict, merged, misfits);
  if (misfits.length) {
    discard(number, layer, misfits.flatMap(describeMisfit));
    openDialog("misfits", { misfits });
  } else {
    closeDialog();
  }
  sendNow();
}

/** A misfit of `rebase` in words. */
export function describeMisfit({ kind, item, theirs, reason }) {
  const change = { put: { [kind]: [item] }, before: { [kind]: theirs ? [theirs] : [] } };
  const [what] = describeChange(change);
  return [t(`editor.misfit_${reason}`, { what })];
}

function commit(patch, after) {
  const { open } = state;
  const isFirst = open.state === "new" && !patch.state;
  const whole = isFirst ? { ...patch, state: "changed" } : patch;
  const waiting = outbox.of(open.number, open.layer);
  outbox.add(entryFor(whole, open.document, waiting.length ? null : open.revision));
  if (!outbox.isKept) notify("error", t("editor.not_kept"));
  updateOpen({
    ...after, document: applyPatch(open.document, patch), state: whole.state ?? open.state, saving: "saving",
  });
  send();
}

function entryFor(patch, document, base) {
  return {
    change_id: uuid(), number: state.open.number, layer: state.open.layer, base,
    put: patch.put, remove: patch.remove, ...(patch.state && { state: patch.state }),
    before: itemsBefore(document, patch), author: state.author, at: new Date().toISOString(),
  };
}

function show(answer) {
  const waiting = outbox.of(answer.number, answer.layer);
  const isAhead = waiting.length > 0 && waiting[0].base === answer.revision;
  const document = isAhead ? waiting.reduce(applyPatch, answer.document) : answer.document;
  update({
    open: {
      ...answer, document, facts: null, selection: null, cursor: 0, focus: null, past: [], future: [],
      saving: waiting.length ? "waiting" : "saved", conflict: null, menu: null, assigning: null,
      discarded: keptDiscarded(answer.number, answer.layer),
    },
  });
  loadFacts();
  if (!waiting.length) return;
  // What met a conflict while another document was open is sent once more, to hear what it met.
  unblock(answer.number, answer.layer);
  sendNow();
}

function showTheirs(conflict, document, misfits = []) {
  const waiting = outbox.of(state.open.number, state.open.layer);
  updateOpen({
    document, revision: conflict.revision, state: waiting.findLast((entry) => entry.state)?.state ?? conflict.state,
    changed_at: conflict.changed_at, changed_by: conflict.changed_by, conflict: null, misfits,
    saving: waiting.length ? "saving" : "saved", past: [], future: [], focus: null, selection: null,
    discarded: keptDiscarded(state.open.number, state.open.layer),
  });
  loadFacts();
}

/** Another person may have changed the document while the page was out of sight. */
async function lookAgain() {
  const { open } = state;
  if (!open || open.conflict || outbox.of(open.number, open.layer).length) return;
  try {
    const answer = await get(`/api/documents/${open.number}?layer=${encodeURIComponent(open.layer)}`);
    if (isOpen(answer) && answer.revision > state.open.revision && !outbox.of(open.number, open.layer).length) {
      updateOpen({ ...answer, past: [], future: [], focus: null, facts: null });
      notify("info", t("editor.changed_meanwhile", { name: answer.changed_by }));
      loadFacts();
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

handlers.saved = (entry, answer) => {
  if (!isOpen(entry)) return;
  const waiting = outbox.of(entry.number, entry.layer);
  updateOpen({ ...answer, saving: waiting.length ? "saving" : "saved" });
  if (entry.isAdopted && !waiting.length) reload();
  if (!waiting.length) loadFacts();
};

handlers.conflict = (entry, answer) => {
  if (!isOpen(entry)) return;
  const changes = answer.changes.toSorted((one, other) => one.revision - other.revision);
  const conflict = {
    ...answer, changes, base: entry.base, before: rollBack(answer.document, changes),
    state: changes.findLast((change) => change.state)?.state ?? state.open.state,
    get mine() {
      return outbox.of(entry.number, entry.layer);
    },
  };
  updateOpen({ saving: "conflict", conflict, menu: null });
  openDialog("conflict");
};

handlers.refused = (entry, error) => {
  const words = describeChange(entry);
  discard(entry.number, entry.layer, words.map((what) => `${what} — ${error.message}`));
  openDialog("refused", { words, message: error.message });
  if (isOpen(entry)) reload();
};

handlers.waiting = (error) => {
  updateOpen({ saving: "waiting" });
  if (error.status === 507 || error.status === 403) notify("error", t("error.server", { message: error.message }));
};

/** Read the document again, with what still waits on top. */
async function reload() {
  const { number, layer } = state.open;
  let answer;
  try {
    answer = await get(`/api/documents/${number}?layer=${encodeURIComponent(layer)}`);
  } catch (error) {
    return tell(error);
  }
  const waiting = outbox.of(number, layer);
  if (!isOpen(answer) || isBlocked(number, layer)) return;
  updateOpen({ ...answer, document: waiting.reduce(applyPatch, answer.document), past: [], future: [], focus: null });
  loadFacts();
}

/** Ask what the server resolves from the annotation, once edits have come to rest. */
function loadFacts() {
  clearTimeout(factsTimer);
  const { number, layer } = state.open;
  factsTimer = setTimeout(async () => {
    try {
      const facts = await get(`/api/documents/${number}/facts?layer=${encodeURIComponent(layer)}`);
      if (isOpen({ number, layer })) updateOpen({ facts: facts.document ?? facts });
    } catch (error) {
      // The facts are an aid beside the text: without them the panel says that there are none.
      if (!(error instanceof ApiError)) throw error;
    }
  }, state.open.facts ? FACTS_DELAY_MS : 0);
}

function isOpen({ number, layer }) {
  return state.open?.number === number && state.open.layer === layer;
}

function blockedByConflict() {
  if (!state.open?.conflict) return false;
  openDialog("conflict");
  return true;
}

function stillThere(focus, patch) {
  return focus && patch.remove.includes(focus.id) ? null : focus;
}

function discard(number, layer, words) {
  const kept = [...keptDiscarded(number, layer), ...words].slice(-200);
  keep(`libyaevents.discarded.${number}.${layer}`, JSON.stringify(kept));
  if (isOpen({ number, layer })) updateOpen({ discarded: kept });
}

function keptDiscarded(number, layer) {
  try {
    return JSON.parse(localStorage.getItem(`libyaevents.discarded.${number}.${layer}`) ?? "[]");
  } catch {
    return [];
  }
}

function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing still works; it only forgets.
  }
}
