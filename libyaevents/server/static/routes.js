/** Addresses of the page: what stands behind the # and what it shows. */

const PLAIN = new Set(["agreement", "retraining", "help"]);

/** @returns {import("./state.js").Route} */
export function readRoute(hash) {
  const [name = "", first, second] = hash.replace(/^#\/?/, "").split("/").map(decode);
  if (name === "") return { name: "documents" };
  if (name === "documents" && first === undefined) return { name: "documents" };
  if (name === "documents" && /^\d+$/.test(first)) {
    return { name: "document", number: Number(first), layer: second || "shared" };
  }
  if (name === "pictures") return { name: "pictures", picture: first || "map" };
  return PLAIN.has(name) ? { name } : { name: "missing" };
}

/** The address of a document, for links. */
export function documentHref(number, layer = "shared") {
  return layer === "shared" ? `#/documents/${number}` : `#/documents/${number}/${encodeURIComponent(layer)}`;
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
