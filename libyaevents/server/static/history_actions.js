/** The history of the open document: read, and undone where nothing later is in the way. */

import { edit } from "./actions.js";
import { get } from "./api.js";
import { attempt, setLibrary } from "./library_actions.js";
import { send } from "./saving.js";
import { state } from "./state.js";

const PAGE = 200;

/** Read the newest changes, or those before what was read. */
export async function loadHistory(number, layer, earlier = null) {
  if (!earlier) setLibrary({ history: null });
  const query = new URLSearchParams({ layer });
  if (earlier) query.set("before", earlier.changes.at(-1).revision);
  const answer = await attempt(() => get(`/api/documents/${number}/changes?${query}`));
  if (!answer) return setLibrary({ history: earlier });
  const changes = [...(earlier?.changes ?? []), ...answer.changes];
  setLibrary({ history: { changes, hasMore: answer.changes.length === PAGE } });
}

/** Make the change that undoes one, as an edit like any other; the history shows it once it is saved. */
export async function undoChange(inverse) {
  const { number, layer } = state.open;
  edit(inverse, { focus: null, selection: null });
  await send();
  if (state.dialog?.name === "history") await loadHistory(number, layer);
}
