/**
 * Edits of an annotation, pure: each takes a document (libyaevents/1) and gives the patch that makes the edit.
 *
 * A patch is `{put: {entities, events}, remove: [ids], state?}`, as the server takes it; null where nothing would
 * change. What a person touched loses its score and what was resolved from it, which the server works out anew.
 */

import { offsetsOf } from "./offsets.js";

/** The document with a patch applied; items keep their place, new ones stand at the end. */
export function applyPatch(document, patch) {
  const removed = new Set(patch.remove ?? []);
  return {
    ...document,
    entities: putItems(document.entities, patch.put?.entities, removed),
    events: putItems(document.events, patch.put?.events, removed),
  };
}

/** The patch that undoes a patch made on this document; `state` is that of the layer before. */
export function invertPatch(document, patch, state) {
  const before = itemsBefore(document, patch);
  const known = new Set([...before.entities, ...before.events].map((item) => item.id));
  const added = putIds(patch).filter((id) => !known.has(id));
  return { put: before, remove: added, ...(patch.state && { state }) };
}

/** The items that a patch puts or removes, as they are in the document. */
export function itemsBefore(document, patch) {
  const touched = new Set([...putIds(patch), ...(patch.remove ?? [])]);
  const pick = (items) => (items ?? []).filter((item) => touched.has(item.id));
  return { entities: pick(document.entities), events: pick(document.events) };
}

/** Mark a span as an entity; one that is there with the same span is retyped. */
export function addEntity(document, span, label) {
  const there = entityAt(document, span);
  if (there) return retypeEntity(document, there.id, label);
  const entity = { id: freshId(document.entities, "T"), label, ...mention(document, span) };
  return patchOf([entity], linkArguments(document, entity));
}

export function retypeEntity(document, id, label) {
  const entity = find(document.entities, id);
  return !entity || entity.label === label ? null : patchOf([{ ...touched(entity), label }]);
}

/** Move the ends of an entity; the arguments that it fills move along. */
export function moveEntity(document, id, span) {
  const entity = find(document.entities, id);
  if (!entity || sameSpan(entity, span) || entityAt(document, span)) return null;
  const moved = { ...touched(entity), ...mention(document, span) };
  // `core` is the span without clitics, which the old borders told.
  delete moved.core;
  const follow = (argument) =>
    argument.entity_id === id && sameSpan(argument, entity) ? { ...untimed(argument), ...spanFields(moved) } : argument;
  const events = changedEvents(document, (event) => event.arguments?.map(follow));
  return patchOf([moved], linkArguments({ ...document, events: mergeItems(document.events, events) }, moved, events));
}

/** Unmark an entity; arguments that it fills stay as phrases. */
export function removeEntity(document, id) {
  if (!find(document.entities, id)) return null;
  const unlink = (argument) => (argument.entity_id === id ? without(argument, "entity_id") : argument);
  return patchOf([], changedEvents(document, (event) => event.arguments?.map(unlink)), [id]);
}

/** Mark a span as the trigger of an event; where an event has this trigger, it is retyped. */
export function addEvent(document, span, type) {
  const there = (document.events ?? []).find((event) => sameSpan(event.trigger, span));
  if (there) return retypeEvent(document, there.id, type);
  const id = freshId(document.events, "E");
  return patchOf([], [{ id, type, trigger: mention(document, span), factuality: "actual", arguments: [] }]);
}

export function retypeEvent(document, id, type) {
  return changeEvent(document, id, (event) => (event.type === type ? null : { type }));
}

export function setFactuality(document, id, factuality) {
  return changeEvent(document, id, (event) => (event.factuality === factuality ? null : { factuality }));
}

export function moveTrigger(document, id, span) {
  return changeEvent(document, id, (event) =>
    sameSpan(event.trigger, span) ? null : { trigger: mention(document, span) });
}

export function removeEvent(document, id) {
  return find(document.events, id) ? patchOf([], [], [id]) : null;
}

/** Give a span a role in an event; nothing where it has it. */
export function addArgument(document, id, role, span) {
  return changeEvent(document, id, ({ arguments: list = [] }) =>
    list.some((argument) => argument.role === role && sameSpan(argument, span))
      ? null
      : { arguments: [...list, argumentOf(document, role, span)] });
}

export function setRole(document, id, index, role) {
  return changeArgument(document, id, index, (argument) =>
    argument.role === role ? null : { ...without(argument, "score"), role });
}

export function moveArgument(document, id, index, span) {
  return changeArgument(document, id, index, (argument) =>
    sameSpan(argument, span) ? null : argumentOf(document, argument.role, span));
}

export function removeArgument(document, id, index) {
  return changeEvent(document, id, ({ arguments: list = [] }) =>
    list[index] ? { arguments: list.toSpliced(index, 1) } : null);
}

/** Say how far the layer is: new, changed or done. */
export function setState(state) {
  return { ...patchOf([]), state };
}

/** The entity with exactly this span. */
export function entityAt(document, span) {
  return (document.entities ?? []).find((entity) => sameSpan(entity, span));
}

/** The words of a span. */
export function mentionText(document, { start, end }) {
  return offsetsOf(document.text).slice(start, end);
}

export function sameSpan(one, other) {
  return one.start === other.start && one.end === other.end;
}

export function find(items, id) {
  return (items ?? []).find((item) => item.id === id);
}

/** An id that no item has: T and one more than the highest number in use. */
export function freshId(items, letter, taken = []) {
  const pattern = new RegExp(`^${letter}(\\d{1,12})$`);
  const numbers = [...(items ?? []).map((item) => item.id), ...taken].map((id) => Number(pattern.exec(id)?.[1] ?? 0));
  return `${letter}${numbers.reduce((highest, value) => Math.max(highest, value), 0) + 1}`;
}

export function without(item, ...keys) {
  return Object.fromEntries(Object.entries(item).filter(([key]) => !keys.includes(key)));
}

export function patchOf(entities, events = [], remove = []) {
  return { put: { entities, events }, remove };
}

function changeEvent(document, id, change) {
  const event = find(document.events, id);
  const fields = event && change(event);
  return fields ? patchOf([], [{ ...touched(event), ...fields }]) : null;
}

function changeArgument(document, id, index, change) {
  return changeEvent(document, id, ({ arguments: list = [] }) => {
    const changed = list[index] && change(list[index]);
    return changed ? { arguments: list.with(index, changed) } : null;
  });
}

/** The events whose arguments a function changes; the others keep their identity and are left out. */
function changedEvents(document, changeArguments) {
  return (document.events ?? []).flatMap((event) => {
    const list = changeArguments(event) ?? [];
    return list.some((argument, index) => argument !== event.arguments[index])
      ? [{ ...touched(event), arguments: list }]
      : [];
  });
}

/** Events in which phrases that the entity covers exactly become the entity; and those given. */
function linkArguments(document, entity, given = []) {
  const link = (argument) =>
    argument.entity_id === undefined && sameSpan(argument, entity)
      ? { ...without(argument, "actor"), entity_id: entity.id }
      : argument;
  return mergeItems(given, changedEvents(document, (event) => event.arguments?.map(link)));
}

function argumentOf(document, role, span) {
  const entity = entityAt(document, span);
  return { role, ...mention(document, span), ...(entity && { entity_id: entity.id }) };
}

function mention(document, { start, end }) {
  return { start, end, text: mentionText(document, { start, end }) };
}

function spanFields({ start, end, text }) {
  return { start, end, text };
}

/** An item without its probability and without what was resolved from it. */
function touched(item) {
  return without(item, "score", "time", "place", "actor", "claim", "casualties");
}

function untimed(argument) {
  return without(argument, "score", "actor");
}

function putIds(patch) {
  return [...(patch.put?.entities ?? []), ...(patch.put?.events ?? [])].map((item) => item.id);
}

function putItems(items = [], put = [], removed = new Set()) {
  return mergeItems(items.filter((item) => !removed.has(item.id)), put);
}

/** Items with others put in: in place of those with the same id, else at the end. */
function mergeItems(items = [], put = []) {
  const byId = new Map(items.map((item) => [item.id, item]));
  for (const item of put) byId.set(item.id, item);
  return [...byId.values()];
}
