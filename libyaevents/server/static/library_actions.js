/**
 * What changes the library: articles added and removed, readings begun, the queue, agreement and downloads.
 *
 * Its part of the state is `library`; faults become the notice of the page, in words that say what to do.
 */

import { del, get, isOffline, post } from "./api.js";
import { notify, openDialog, state, subscribe, update } from "./state.js";
import { t } from "./strings.js";

/** The most characters of one article. */
export const maxText = () => state.settings.limits.text;
/** The most bytes of a file, which is sent in base64, a third more, with some room for the rest of the request. */
export const maxFileBytes = () => Math.floor((state.settings.limits.body_bytes - 65536) * 0.75);

const EMPTY = {
  isLoaded: false,
  isAdding: false, // whether the panel for adding is open above the list
  filter: "",
  stateFilter: "",
  order: "added",
  n_shown: 100,
  isQueueing: false,
  removed: null,
  adding: null,
  format: "auto",
  asLayer: "",
  paste: null, // why what was pasted was not added
  isReading: false,
  agreement: null,
  pair: null,
  scope: "all",
  layer: "shared",
  downloaded: null,
  downloading: null,
  training: null,
  isSwitching: false,
  history: null,
};

/** The library's part of the state, whole. */
export function library() {
  return { ...EMPTY, ...state.library };
}

export function setLibrary(patch) {
  update({ library: { ...state.library, ...patch } });
}

/** What to say of an error: what happened and what to do. */
export function explain(error) {
  const message = String(error?.message ?? error);
  if (error?.status === 403 && message.includes("reload")) return t("error.token");
  if (error?.status === 429 || error?.status === 503) return t("error.busy");
  if (error?.status >= 400) return t("error.server", { message });
  if (isOffline(error)) return t("error.offline");
  return t("error.unexpected", { message });
}

/**
 * Do something with the server; say what went wrong, if it does.
 * @returns what it gives, or undefined
 */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    console.warn(error);
    notify("error", explain(error));
    return undefined;
  }
}

/** Changes are kept with their author: who has no name yet is asked for it first, then it goes on. */
export function asAuthor(work) {
  if (state.author || state.settings?.user) return work();
  openDialog("author");
  const forget = subscribe(() => {
    if (state.dialog?.name === "author") return;
    forget();
    if (state.author) work();
  });
  return undefined;
}

export async function loadDocuments() {
  const answer = await attempt(() => get("/api/documents"));
  if (answer) update({ documents: answer.documents, library: { ...state.library, isLoaded: true } });
  return answer?.documents;
}

/** Read the list again after adding; what was added again and had been removed comes back. */
export async function listAgain(already = []) {
  const listed = new Set((await loadDocuments())?.map((item) => item.number));
  const removed = already.filter((number) => !listed.has(number));
  for (const number of removed) await attempt(() => post(`/api/documents/${number}/restore`, {}));
  if (removed.length) await loadDocuments();
}

/** Add one article and open it. */
export async function addText(article) {
  const n = [...article.text].length;
  if (!article.text.trim()) return setLibrary({ paste: t("add.text_missing") });
  if (n > maxText()) return setLibrary({ paste: t("add.text_long", { found: n, limit: maxText() }) });
  setLibrary({ isReading: true, paste: null });
  try {
    const answer = await post("/api/documents", { documents: [article] });
    await listAgain(answer.already);
    const number = answer.documents[0]?.number ?? answer.already?.[0];
    if (answer.already?.length) notify("info", t("add.already", { n: answer.already.length }));
    setLibrary({ isReading: false, isAdding: false });
    if (number !== undefined) location.hash = `#/documents/${number}`;
  } catch (error) {
    setLibrary({ isReading: false, paste: explain(error) });
  }
}

export async function removeDocument(item) {
  const answer = await attempt(() => del(`/api/documents/${item.number}`, {}));
  if (answer === undefined) return;
  setLibrary({ removed: item });
  await loadDocuments();
}

export async function restoreDocument(item) {
  const answer = await attempt(() => post(`/api/documents/${item.number}/restore`, {}));
  if (answer === undefined) return;
  setLibrary({ removed: null });
  await loadDocuments();
}

/** Begin a reading of one's own and open it. */
export async function startLayer(item, start) {
  const name = state.settings?.user ?? state.author;
  if (!item.layers.some((layer) => layer.name === name)) {
    const answer = await attempt(() => post(`/api/documents/${item.number}/layers`, { start }));
    if (answer === undefined) return;
    await loadDocuments();
  }
  location.hash = `#/documents/${item.number}/${encodeURIComponent(name)}`;
}

/** Ask what is most worth reading; the editor marks the uncertain sentences of what is in the queue. */
export async function loadQueue(n = 200) {
  if (library().isQueueing) return;
  setLibrary({ isQueueing: true });
  // Asking changes nothing: it has no author.
  const answer = await attempt(() => post("/api/queue", { n, author: undefined }));
  update({ queue: answer?.documents ?? state.queue ?? null, library: { ...state.library, isQueueing: false } });
}

/** The names of all readings, the shared one first. */
export function layerNames() {
  const names = new Set(state.documents?.flatMap((item) => item.layers.map((layer) => layer.name)));
  names.delete("shared");
  return ["shared", ...[...names].sort()];
}

export async function loadAgreement(first, second) {
  setLibrary({ pair: [first, second], agreement: null });
  if (first === second) return;
  const query = new URLSearchParams({ first, second });
  const answer = await attempt(() => get(`/api/agreement?${query}`));
  const [wantedFirst, wantedSecond] = library().pair;
  if (wantedFirst === first && wantedSecond === second) setLibrary({ agreement: answer ?? "failed" });
}

/** The articles that the filters of the list let through, in its order. */
export function shownDocuments() {
  const { filter, stateFilter, order } = library();
  const words = filter.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const matches = (item) => {
    const text = `${item.title ?? ""} ${item.id} ${item.source ?? ""} ${item.first_words}`.toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  };
  const found = (state.documents ?? []).filter(
    (item) => (!stateFilter || sharedLayer(item)?.state === stateFilter) && matches(item),
  );
  if (order === "published") {
    return found.toSorted((one, other) => (other.published ?? "").localeCompare(one.published ?? ""));
  }
  if (order !== "queue" || !state.queue) return found;
  const places = new Map(state.queue.map((item, place) => [item.number, place]));
  return found.toSorted((one, other) => (places.get(one.number) ?? 1e9) - (places.get(other.number) ?? 1e9));
}

export function sharedLayer(item) {
  return item.layers.find((layer) => layer.name === "shared") ?? item.layers[0];
}

/** The parameters that say which articles a picture or a file is of; null where there are none. */
export function scopeQuery(scope, layer = "shared") {
  const query = new URLSearchParams({ layer });
  const has = (item) => item.layers.some((each) => each.name === layer);
  const isDone = (item) => item.layers.some((each) => each.name === layer && each.state === "done");
  const chosen = (scope === "shown" ? shownDocuments() : state.documents ?? []).filter(
    scope === "done" ? isDone : has,
  );
  if (!chosen.length) return null;
  if (scope !== "all") query.set("numbers", chosen.map((item) => item.number).join(","));
  return query;
}

/** Download the chosen articles in a format, and say what it could not hold. */
export async function download(format, scope, layer) {
  const query = scopeQuery(scope, layer);
  if (!query) return notify("error", t("download.nothing"));
  query.set("format", format);
  setLibrary({ downloading: format, downloaded: null });
  const file = await attempt(() => fetchFile(`/api/export?${query}`));
  setLibrary({ downloading: null, downloaded: file ? { format, name: file.name, losses: file.losses } : null });
  if (file) saveFile(file);
}

async function fetchFile(address) {
  const answer = await fetch(address);
  if (!answer.ok) {
    const body = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(body.error ?? answer.statusText), { status: answer.status });
  }
  return {
    blob: await answer.blob(),
    name: fileName(answer.headers.get("content-disposition") ?? ""),
    losses: decodeURIComponent(answer.headers.get("x-libyaevents-losses") ?? ""),
  };
}

/** The name that the server gives a file (RFC 6266). */
export function fileName(disposition) {
  const extended = /filename\*=UTF-8''([^;]+)/i.exec(disposition);
  if (extended) return decodeURIComponent(extended[1]);
  return /filename="([^"]*)"/i.exec(disposition)?.[1] ?? "libyaevents";
}

function saveFile(file) {
  const address = URL.createObjectURL(file.blob);
  const link = Object.assign(document.createElement("a"), { href: address, download: file.name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
