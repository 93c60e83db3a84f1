/**
 * Put my waiting changes on top of what others saved meanwhile, pure.
 *
 * Three ways: an item, a field of it, or an argument that only I changed takes my value; one that only they changed
 * keeps theirs; where both changed, mine is taken and listed, so that nothing is overwritten silently.
 */

import { applyPatch, find, freshId, patchOf, sameSpan, without } from "./annotation.js";

/**
 * @param {object[]} mine patches, oldest first, the first made on `base`
 * @param {object} base the document that both began with
 * @param {object} theirs the document now
 * @returns {{patches: object[], document: object, misfits: object[]}} `misfits`: {kind, item, theirs, reason:
 *   "removed" (they removed it; mine is left out) or "replaced" (both changed it; mine is taken)}
 */
export function rebase(mine, base, theirs) {
  const names = new Map();
  const misfits = [];
  const patches = [];
  let before = base;
  let document = theirs;
  for (const patch of mine) {
    const moved = rebaseOne(patch, before, document, { names, misfits });
    before = applyPatch(before, patch);
    if (isEmpty(moved)) continue;
    document = applyPatch(document, moved);
    patches.push(moved);
  }
  return { patches, document, misfits };
}

/** The document before some changes, from what each says was there before it; changes oldest first. */
export function rollBack(document, changes) {
  return changes.toReversed().reduce((later, { put, before }) => {
    const old = new Set([...(before?.entities ?? []), ...(before?.events ?? [])].map((item) => item.id));
    const added = [...(put?.entities ?? []), ...(put?.events ?? [])].map((item) => item.id).filter((id) => !old.has(id));
    return applyPatch(later, { put: before, remove: added });
  }, document);
}

function rebaseOne(patch, before, document, notes) {
  const entities = rebaseItems("entities", patch, before, document, notes);
  const events = rebaseItems("events", patch, before, document, notes);
  const remove = (patch.remove ?? []).map((id) => notes.names.get(id) ?? id).filter((id) => isThere(document, id));
  for (const id of remove) noteRemoval(id, before, document, notes);
  const moved = { ...patchOf(entities, events, remove), ...(patch.state && { state: patch.state }) };
  return mendLinks(document, moved, notes.names);
}

function rebaseItems(kind, patch, before, document, notes) {
  return (patch.put?.[kind] ?? []).flatMap((item) => {
    const id = notes.names.get(item.id) ?? item.id;
    const old = find(before[kind], item.id);
    const now = find(document[kind], id);
    if (old && !now) {
      notes.misfits.push({ kind, item, theirs: null, reason: "removed" });
      return [];
    }
    if (!old) return addItem(kind, item, document, notes);
    const merged = mergeItem(old, { ...item, id }, now);
    if (merged.isContested) notes.misfits.push({ kind, item, theirs: now, reason: "replaced" });
    return same(merged.item, now) ? [] : [merged.item];
  });
}

/** A new item of mine: theirs where they added the same, else under an id that is free. */
function addItem(kind, item, document, notes) {
  const twin = (document[kind] ?? []).find((other) => isTwin(kind, item, other));
  if (twin) {
    notes.names.set(item.id, twin.id);
    return [];
  }
  if (!find(document[kind], item.id)) return [item];
  const id = freshId(document[kind], kind === "entities" ? "T" : "E", [...notes.names.values()]);
  notes.names.set(item.id, id);
  return [{ ...item, id }];
}

function isTwin(kind, one, other) {
  if (kind === "entities") return one.label === other.label && sameSpan(one, other);
  return one.type === other.type && sameSpan(one.trigger, other.trigger) && !one.arguments?.length;
}

/** Merge an item that both sides have, field by field. */
function mergeItem(old, mine, theirs) {
  let isContested = false;
  const take = (key) => {
    if (key === "id") return theirs.id;
    if (key === "arguments") return mergeArguments(old.arguments, mine.arguments, theirs.arguments);
    if (same(old[key], mine[key])) return theirs[key];
    if (!same(old[key], theirs[key]) && !same(mine[key], theirs[key]) && mine[key] !== undefined) isContested = true;
    return mine[key];
  };
  // A span is one thing: its ends and its text are taken from the same side.
  const keys = new Set([...Object.keys(theirs), ...Object.keys(mine)]);
  const item = Object.fromEntries([...keys].map((key) => [key, take(key)]).filter(([, value]) => value !== undefined));
  return { item: "start" in mine ? { ...item, ...wholeSpan(old, mine, theirs) } : item, isContested };
}

function wholeSpan(old, mine, theirs) {
  const { start, end, text } = sameSpan(old, mine) ? theirs : mine;
  return { start, end, text };
}

function mergeArguments(old = [], mine = [], theirs = []) {
  const key = ({ role, start, end }) => `${role} ${start} ${end}`;
  const keysOf = (list) => new Set(list.map(key));
  const [inOld, inMine, inTheirs] = [keysOf(old), keysOf(mine), keysOf(theirs)];
  const kept = theirs.filter((argument) => inMine.has(key(argument)) || !inOld.has(key(argument)));
  const added = mine.filter((argument) => !inOld.has(key(argument)) && !inTheirs.has(key(argument)));
  return [...kept, ...added];
}

function noteRemoval(id, before, document, notes) {
  for (const kind of ["entities", "events"]) {
    const old = find(before[kind], id);
    const now = find(document[kind], id);
    if (old && now && !same(old, now)) notes.misfits.push({ kind, item: old, theirs: now, reason: "replaced" });
  }
}

/** Rename links to entities, and take away those to entities that are gone. */
function mendLinks(document, patch, names) {
  const after = applyPatch(document, patch);
  const ids = new Set((after.entities ?? []).map((entity) => entity.id));
  const put = new Set(patch.put.events.map((event) => event.id));
  const mend = (argument, isMine) => {
    if (argument.entity_id === undefined) return argument;
    const id = isMine ? names.get(argument.entity_id) ?? argument.entity_id : argument.entity_id;
    if (!ids.has(id)) return without(argument, "entity_id");
    return id === argument.entity_id ? argument : { ...argument, entity_id: id };
  };
  const events = (after.events ?? []).flatMap((event) => {
    const list = (event.arguments ?? []).map((argument) => mend(argument, put.has(event.id)));
    const isChanged = list.some((argument, index) => argument !== event.arguments[index]);
    if (!put.has(event.id) && !isChanged) return [];
    return [isChanged ? { ...event, arguments: list } : event];
  });
  return { ...patch, put: { ...patch.put, events } };
}

function isThere(document, id) {
  return Boolean(find(document.entities, id) || find(document.events, id));
}

function isEmpty(patch) {
  return !patch.state && !patch.remove.length && !patch.put.entities.length && !patch.put.events.length;
}

/** Whether two JSON values are equal, in whatever order their keys are. */
function same(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => same(one[key], other[key]));
}
