/**
 * Files become articles: dropped or chosen files are grouped, sent one after the other, and told apart by
 * what became of each. A file that is refused stays listed with its reason and stops no other.
 */

import { post } from "./api.js";
import { explain, library, listAgain, maxFileBytes, setLibrary } from "./library_actions.js";
import { state } from "./state.js";
import { size, t } from "./strings.js";

/** By how their names end, where that tells. */
const SUFFIXES = { ".txt": "text", ".conllup": "conll", ".json": "labelstudio", ".spacy": "spacy", ".zip": "inception" };
/** A file of a folder that tells what the folder is. */
const FOLDER_SIGNS = { ".ann": "brat", ".xmi": "inception", ".arrow": "datasets" };
/** The files that belong to such a folder; others beside them stand for themselves. */
const FOLDER_PARTS = { brat: /\.(ann|txt|conf)$|(^|\/)documents\.jsonl$/, inception: /\.(xmi|xml)$/ };
const HEAD_BYTES = 2 ** 20;

/**
 * The files of a drop, those of dropped folders with their path in them.
 * @returns {Promise<{file: File, path: string}[]>}
 */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return chosenFiles(transfer.files);
  const found = await Promise.all(entries.map((entry) => filesOf(entry, "")));
  return found.flat().filter(isVisible);
}

/** The files of an input, those of a chosen folder with their path in it. */
export function chosenFiles(files) {
  return [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(isVisible);
}

function isVisible({ path }) {
  return !path.split("/").some((part) => part.startsWith("."));
}

async function filesOf(entry, folder) {
  const path = folder + entry.name;
  if (entry.isFile) {
    return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // A reader gives at most a hundred entries a call, and none when it is through.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const each of some) found.push(...(await filesOf(each, `${path}/`)));
  }
}

/**
 * Group files into what is sent together: a folder of an annotation tool as a whole, any other file alone.
 * @returns {{name: string, folder: string, format: string, files: {file: File, path: string}[]}[]}
 */
export function planUnits(files, format, formats) {
  const kinds = Object.fromEntries(formats.map(({ name, kind }) => [name, kind]));
  const byFolder = Map.groupBy(files, ({ path }) => path.split("/").slice(0, -1).join("/"));
  const byTop = Map.groupBy(files, ({ path }) => path.split("/").slice(0, -1)[0] ?? "");
  return [...byTop].flatMap(([top, all]) => {
    // The server takes folders within a folder; what lies deeper is a folder of its own.
    const isFlat = all.every(({ path }) => path.split("/").length <= (top ? 3 : 1));
    const groups = isFlat ? [[top, all]] : [...byFolder].filter(([folder]) => folder.split("/")[0] === top);
    return groups.flatMap(([folder, members]) => planFolder(folder, members, format, kinds));
  });
}

function planFolder(folder, members, format, kinds) {
  const alone = (each) => ({ name: each.path, folder: parentOf(each.path), format, files: [each] });
  const kind = format === "auto" ? folderKind(members) : kinds[format] === "folder" ? format : null;
  if (!kind) return members.map(alone);
  const isPart = ({ path }) => FOLDER_PARTS[kind]?.test(path) ?? true;
  const parts = members.filter(isPart);
  return [
    { name: folder || parts[0].path, folder, format: kind, files: parts },
    ...members.filter((each) => !isPart(each)).map(alone),
  ];
}

function parentOf(path) {
  return path.split("/").slice(0, -1).join("/");
}

function folderKind(members) {
  const sign = Object.keys(FOLDER_SIGNS).find((suffix) => members.some(({ path }) => path.endsWith(suffix)));
  return sign ? FOLDER_SIGNS[sign] : null;
}

/** What a file is, by its name and, for lines of JSON, by the first of them; null where nothing tells. */
export async function formatOf(file) {
  const name = file.name.toLowerCase();
  if (name.endsWith(".jsonl")) return formatOfLines(await file.slice(0, HEAD_BYTES).text());
  const suffix = Object.keys(SUFFIXES).find((each) => name.endsWith(each));
  return suffix ? SUFFIXES[suffix] : null;
}

function formatOfLines(head) {
  let first;
  try {
    first = JSON.parse(head.trimStart().split("\n", 1)[0]);
  } catch {
    return "text"; // the server says what is wrong with the line
  }
  const isFull = (value) => Array.isArray(value) && value.length > 0;
  if (first?.format) return isFull(first.entities) || isFull(first.events) ? "jsonl" : "text";
  return Array.isArray(first?.label ?? first?.labels ?? first?.relations) ? "doccano" : "text";
}

/** Send files to be read, one unit after the other; how it goes is in the library's `adding`. */
export async function addFiles(files) {
  if (!files.length) return setLibrary({ isAdding: true, paste: t("add.nothing") });
  const { format, asLayer, adding } = library();
  const units = planUnits(files, format, state.settings.formats.annotation);
  const earlier = adding?.items ?? [];
  const items = units.map((unit) => ({ ...unit, status: "waiting", added: 0, already: 0, notes: [] }));
  setLibrary({ isAdding: true, paste: null, adding: { items: [...earlier, ...items], isStopped: false } });
  if (earlier.some((item) => item.status === "waiting" || item.status === "reading")) return; // it goes on with these
  const already = [];
  for (let next = nextItem(); next; next = nextItem()) {
    const answer = await addUnit(next, asLayer.trim());
    already.push(...(answer?.already ?? []));
  }
  await listAgain(already);
}

function nextItem() {
  const { adding } = library();
  return adding && !adding.isStopped ? adding.items.find((item) => item.status === "waiting") : undefined;
}

/** What waits is not sent any more. */
export function stopAdding() {
  const { adding } = library();
  const stop = (item) =>
    item.status === "waiting" ? { ...item, status: "refused", reason: t("add.stopped"), files: [] } : item;
  setLibrary({ adding: { items: adding.items.map(stop), isStopped: true } });
}

function become(old, patch) {
  const { adding } = library();
  const changed = { ...old, ...patch };
  setLibrary({ adding: { ...adding, items: adding.items.map((item) => (item === old ? changed : item)) } });
  return changed;
}

/** Send a unit and keep what became of it; the server's answer, where there is one. */
async function addUnit(waiting, asLayer) {
  const item = become(waiting, { status: "reading" });
  try {
    const request = await requestOf(item, asLayer);
    const answer = await post("/api/import", request);
    const n = { added: answer.documents?.length ?? 0, already: answer.already?.length ?? 0 };
    become(item, { status: "added", ...n, notes: answer.notes ?? [], files: [] });
    return answer;
  } catch (error) {
    const reason = error instanceof Refusal ? error.message : explain(error);
    become(item, { status: "refused", reason, files: [] });
    return undefined;
  }
}

/** Why files are not even sent, in words for people. */
class Refusal extends Error {}

async function requestOf({ files, folder, format }, asLayer) {
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
  const key = files.length > 1 ? "add.folder_too_big" : "add.too_big";
  if (bytes > maxFileBytes()) throw new Refusal(t(key, { found: size(bytes), limit: size(maxFileBytes()) }));
  if (!bytes) throw new Refusal(t("add.empty_file"));
  let request;
  try {
    const found = format === "auto" ? await formatOf(files[0].file) : format;
    request = { format: found, files: await Promise.all(files.map((each) => encode(each, folder))) };
  } catch {
    throw new Refusal(t("add.unreadable"));
  }
  if (!request.format) throw new Refusal(t("add.unknown_kind"));
  return asLayer && request.format !== "text" ? { ...request, as_layer: asLayer } : request;
}

/** A file with its content in base64, named from its folder on. */
async function encode({ file, path }, folder) {
  const address = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
  return { name: folder ? path.slice(folder.length + 1) : path, content: address.slice(address.indexOf(",") + 1) };
}
