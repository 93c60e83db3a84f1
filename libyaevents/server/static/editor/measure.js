/** Widths of words and labels in pixels, measured once each. */

const LABEL_GAP_PX = 7;

let context = null;
let fonts = null;
const widths = new Map();

/** Width of a word or gap of the text. */
export function textWidth(text) {
  return width(text, "text");
}

/** Width of a label, with the distance to the next one. */
export function labelWidth(text) {
  return width(text, "label") + LABEL_GAP_PX;
}

/** Forget all widths: the size of the text has changed. */
export function forgetWidths() {
  fonts = null;
  widths.clear();
}

function width(text, font) {
  const key = `${font} ${text}`;
  let found = widths.get(key);
  if (found === undefined) {
    context ??= document.createElement("canvas").getContext("2d");
    fonts ??= readFonts();
    context.font = fonts[font];
    found = context.measureText(text).width;
    widths.set(key, found);
  }
  return found;
}

/** The sizes are those of editor.css: --text-size and --label-size. */
function readFonts() {
  const style = getComputedStyle(document.documentElement);
  const root = Number.parseFloat(style.fontSize);
  const size = (name) => root * (Number.parseFloat(style.getPropertyValue(name)) || 1);
  return {
    text: `${size("--text-size")}px ${style.getPropertyValue("--reading") || "serif"}`,
    label: `600 ${size("--label-size")}px ${style.getPropertyValue("--sans") || "sans-serif"}`,
  };
}
