/**
 * Every sentence of the page, in Arabic and English, and how numbers, times and labels are said.
 *
 * The tables are in strings/: one entry a line of text, both languages side by side. An entry that counts has a
 * form for each plural category of its language and is chosen by the value `n`.
 */

import { state } from "./state.js";
import { COMMON } from "./strings/common.js";
import { EDITOR } from "./strings/editor.js";
import { FORMAT_NAMES, GLOSSES } from "./strings/labels.js";
import { LIBRARY } from "./strings/library.js";
import { WORK } from "./strings/work.js";

export const STRINGS = { ...COMMON, ...LIBRARY, ...EDITOR, ...WORK };

/** Newsrooms of the region write Arabic with European digits. */
const LOCALES = { ar: "ar-u-nu-latn", en: "en" };

// Control characters and bidi overrides, which could reorder what a reader sees; the same as markup.visible. An
// isolate that is closed and holds none of them disturbs nothing: it is how sentences of this page hold values.
const UNSAFE = String.raw`\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ud800-\udfff`;
const ISOLATE_OR_UNSAFE = new RegExp(`(\u2068[^${UNSAFE}]*\u2069)|[${UNSAFE}]`, "gu");

function language() {
  return state.language === "en" ? "en" : "ar";
}

/**
 * The sentence of a key in the language of the page, with its values filled in.
 * @param {string} key
 * @param {Object<string, string|number>} [values] strings come from people and files: they are isolated from the
 *   direction of the sentence, and what could disturb it shows
 */
export function t(key, values = {}) {
  let entry = STRINGS[key]?.[language()];
  if (entry === undefined) return key;
  if (typeof entry === "object") {
    entry = entry[new Intl.PluralRules(language()).select(values.n ?? 0)] ?? entry.other;
  }
  return entry.replace(/\{(\w+)\}/g, (hole, name) => (name in values ? say(values[name]) : hole));
}

function say(value) {
  return typeof value === "number" ? number(value) : `\u2068${visible(String(value))}\u2069`;
}

export function number(value) {
  return new Intl.NumberFormat(LOCALES[language()]).format(value);
}

/** A share from 0 to 1 in percent, with one decimal; a dash where there is none. */
export function percent(share) {
  if (share === null || share === undefined || Number.isNaN(share)) return "–";
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return new Intl.NumberFormat(LOCALES[language()], digits).format(share * 100);
}

/** A moment (ISO 8601) as date and time of day where the reader is. */
export function when(moment) {
  const time = new Date(moment);
  if (!moment || Number.isNaN(time.getTime())) return "";
  return new Intl.DateTimeFormat(LOCALES[language()], { dateStyle: "long", timeStyle: "short" }).format(time);
}

/** A calendar day (ISO 8601), which is the same day everywhere. */
export function day(date) {
  const time = new Date(`${date}T00:00:00Z`);
  if (!date || Number.isNaN(time.getTime())) return "";
  return new Intl.DateTimeFormat(LOCALES[language()], { dateStyle: "long", timeZone: "UTC" }).format(time);
}

/** How long something takes, in words, rounded as a person would. */
export function duration(seconds) {
  if (seconds < 90) return t("time.seconds", { n: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return t("time.minutes", { n: Math.round(seconds / 60) });
  return t("time.hours", { n: Math.round(seconds / 3600) });
}

/** A size of a file. */
export function size(bytes) {
  if (bytes < 2 ** 20) return t("size.kilobytes", { n: Math.ceil(bytes / 1024) });
  return t("size.megabytes", { n: Math.round((bytes / 2 ** 20) * 10) / 10 });
}

/**
 * What a label means, in Arabic; empty for a label that the ontology does not have.
 * @param {"entity"|"event"|"role"|"factuality"} kind
 */
export function gloss(kind, name) {
  return Object.hasOwn(GLOSSES[kind] ?? {}, name) ? GLOSSES[kind][name] : "";
}

/** A label as the page says it: its name, in Arabic with its gloss. */
export function label(kind, name) {
  const meaning = language() === "ar" ? gloss(kind, name) : "";
  return meaning ? `${meaning} (${name})` : visible(String(name));
}

export function formatName(name) {
  return Object.hasOwn(FORMAT_NAMES, name) ? FORMAT_NAMES[name] : visible(name);
}

/** The name of a layer: the shared one has a name in each language, the others are called after a person. */
export function layerName(name) {
  return name === "shared" ? t("layer.shared") : t("layer.of", { name });
}

/** The text with control characters and bidi overrides shown by their code points (⟨U+202E⟩). */
export function visible(text) {
  const show = (mark) => `⟨U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  return String(text).replace(ISOLATE_OR_UNSAFE, (mark, isolate) => isolate ?? show(mark));
}
