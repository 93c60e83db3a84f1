/**
 * Changes that the server has not acknowledged, kept in the browser so that a crash or a closed tab loses none.
 *
 * Every tab has an outbox of its own; that of a tab which is gone is adopted by the next. An entry carries its
 * change_id, by which the server applies it once however often it is sent.
 */

const PREFIX = "libyaevents.outbox.";
const BEAT_PREFIX = "libyaevents.beat.";
const BEAT_MS = 4000;

/**
 * @typedef {object} Entry
 * @property {string} change_id
 * @property {number} number of the document
 * @property {string} layer
 * @property {number|null} base the revision it was made on; null: what the entry before it leads to
 * @property {object} put
 * @property {string[]} remove
 * @property {string} [state]
 * @property {object} before the items it touches, as they were
 * @property {string} author
 * @property {string} at
 * @property {boolean} [isAdopted] made in a tab that is gone
 */

export class Outbox {
  /** @param {Storage} storage @param {string} tab a name of this tab that no other has */
  constructor(storage, tab) {
    this.storage = storage;
    this.tab = tab;
    /** @type {Entry[]} */
    this.entries = [];
    /** Whether the browser keeps what is written here. */
    this.isKept = true;
  }

  /** The waiting entries of a layer, oldest first. */
  of(number, layer) {
    return this.entries.filter((entry) => entry.number === number && entry.layer === layer);
  }

  add(entry) {
    this.write([...this.entries, entry]);
  }

  /** Take out an entry; what follows it is based on the revision that it led to. */
  settle(changeId, revision) {
    const place = this.entries.findIndex((entry) => entry.change_id === changeId);
    if (place < 0) return;
    const { number, layer } = this.entries[place];
    const rest = this.entries.toSpliced(place, 1);
    const next = rest.findIndex((entry, index) => index >= place && entry.number === number && entry.layer === layer);
    if (next >= 0 && rest[next].base === null) rest[next] = { ...rest[next], base: revision };
    this.write(rest);
  }

  /** Put other entries in place of those of a layer. */
  replace(number, layer, entries) {
    const others = this.entries.filter((entry) => entry.number !== number || entry.layer !== layer);
    this.write([...others, ...entries]);
  }

  /** Take over what tabs left that are gone; true where there was something. */
  async adopt() {
    const tabs = storedTabs(this.storage).filter((tab) => tab !== this.tab);
    let found = false;
    for (const tab of tabs) {
      await whereGone(this.storage, tab, () => {
        const entries = readEntries(this.storage, tab).map((entry) => ({ ...entry, isAdopted: true }));
        const known = new Set(this.entries.map((entry) => entry.change_id));
        const added = entries.filter((entry) => !known.has(entry.change_id));
        this.write([...this.entries, ...added]);
        this.storage.removeItem(PREFIX + tab);
        this.storage.removeItem(BEAT_PREFIX + tab);
        found ||= added.length > 0;
      });
    }
    return found;
  }

  write(entries) {
    this.entries = entries;
    try {
      if (entries.length) this.storage.setItem(PREFIX + this.tab, JSON.stringify(entries));
      else this.storage.removeItem(PREFIX + this.tab);
      this.isKept = true;
    } catch {
      // Storage is full or forbidden: the entries are still sent, but a closed tab would lose them.
      this.isKept = false;
    }
  }
}

/** Show other tabs that this one lives: by a lock, or by a beat where the browser has none (plain http on a LAN). */
export function holdTab(storage, tab) {
  if (navigator.locks) {
    navigator.locks.request(PREFIX + tab, () => new Promise(() => {}));
    return;
  }
  const beat = () => {
    try {
      storage.setItem(BEAT_PREFIX + tab, String(Date.now()));
    } catch {
      // Without storage there is nothing to adopt either.
    }
  };
  beat();
  setInterval(beat, BEAT_MS);
}

/** A random UUID; crypto.randomUUID is missing on plain http. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

async function whereGone(storage, tab, work) {
  if (navigator.locks) {
    await navigator.locks.request(PREFIX + tab, { ifAvailable: true }, (lock) => lock && work());
  } else if (Date.now() - Number(storage.getItem(BEAT_PREFIX + tab) ?? 0) > 3 * BEAT_MS) {
    work();
  }
}

function storedTabs(storage) {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index));
  return keys.filter((key) => key?.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));
}

function readEntries(storage, tab) {
  try {
    const entries = JSON.parse(storage.getItem(PREFIX + tab) ?? "[]");
    return Array.isArray(entries) ? entries.filter((entry) => entry?.change_id) : [];
  } catch {
    return [];
  }
}
