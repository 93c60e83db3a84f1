/** A change in words: what was marked, retyped, moved or removed, as «أحمد: غيّر نوع الحدث …» says it. */

import { label, t } from "./strings.js";

/**
 * Say what a change did, a sentence for each thing.
 * @param {{put: {entities?: object[], events?: object[]}, remove?: string[],
 *   before: {entities?: object[], events?: object[]}, state?: string}} change as in GET …/changes
 * @returns {string[]}
 */
export function describeChange(change) {
  const said = [
    ...describeItems(change, "entities", describeEntity),
    ...describeItems(change, "events", describeEvent),
  ];
  if (change.state) said.push(t(`history.state_${change.state}`));
  return said.length ? said : [t("history.nothing")];
}

function describeItems(change, kind, describe) {
  const before = new Map((change.before?.[kind] ?? []).map((item) => [item.id, item]));
  const after = change.put?.[kind] ?? [];
  const removed = (change.remove ?? []).filter((id) => before.has(id)).map((id) => [before.get(id), null]);
  const put = after.map((item) => [before.get(item.id) ?? null, item]);
  return [...put, ...removed].flatMap(([old, now]) => describe(old, now));
}

function describeEntity(old, now) {
  const name = (item) => label("entity", item.label);
  if (!old) return [t("history.entity_added", { text: now.text, label: name(now) })];
  if (!now) return [t("history.entity_removed", { text: old.text, label: name(old) })];
  const said = [];
  if (old.start !== now.start || old.end !== now.end) {
    said.push(t("history.entity_moved", { before: old.text, text: now.text }));
  }
  if (old.label !== now.label) {
    said.push(t("history.entity_retyped", { text: now.text, before: name(old), label: name(now) }));
  }
  return said.length ? said : [t("history.other", { text: now.text })];
}

function describeEvent(old, now) {
  const name = (item) => label("event", item.type);
  if (!old) return [t("history.event_added", { text: now.trigger.text, label: name(now) })];
  if (!now) return [t("history.event_removed", { text: old.trigger.text, label: name(old) })];
  const { text } = now.trigger;
  const said = [];
  if (old.trigger.start !== now.trigger.start || old.trigger.end !== now.trigger.end) {
    said.push(t("history.event_moved", { before: old.trigger.text, text }));
  }
  if (old.type !== now.type) said.push(t("history.event_retyped", { text, before: name(old), label: name(now) }));
  if (old.factuality !== now.factuality) {
    const words = { before: label("factuality", old.factuality), label: label("factuality", now.factuality) };
    said.push(t("history.factuality", { text, ...words }));
  }
  said.push(...describeArguments(old, now));
  return said.length ? said : [t("history.other", { text })];
}

function describeArguments(old, now) {
  const key = ({ role, start, end }) => `${role} ${start} ${end}`;
  const missing = (some, others) => {
    const keys = new Set((others ?? []).map(key));
    return (some ?? []).filter((argument) => !keys.has(key(argument)));
  };
  const say = (name) => (argument) =>
    t(name, { text: now.trigger.text, label: label("role", argument.role), filler: argument.text });
  return [
    ...missing(old.arguments, now.arguments).map(say("history.argument_removed")),
    ...missing(now.arguments, old.arguments).map(say("history.argument_added")),
  ];
}

/** The ids of the entities and events that a change touched. */
export function touchedIds(change) {
  const items = [change.put, change.before].flatMap((side) => [...(side?.entities ?? []), ...(side?.events ?? [])]);
  return new Set([...items.map((item) => item.id), ...(change.remove ?? [])]);
}

/** The change that undoes a change. */
export function inverseOf(change) {
  const before = { entities: change.before?.entities ?? [], events: change.before?.events ?? [] };
  const old = new Set([...before.entities, ...before.events].map((item) => item.id));
  const added = [...(change.put?.entities ?? []), ...(change.put?.events ?? [])].map((item) => item.id);
  return { put: before, remove: added.filter((id) => !old.has(id)) };
}

/**
 * Which changes can be undone: those of things that no later change touches.
 * @param {object[]} changes newest first
 * @returns {boolean[]}
 */
export function undoable(changes) {
  const later = new Set();
  return changes.map((change) => {
    const ids = touchedIds(change);
    const isFree = ids.size > 0 && [...ids].every((id) => !later.has(id));
    for (const id of ids) later.add(id);
    return isFree;
  });
}
