/** Retraining as the page follows it: begun, watched once a second while it runs, stopped, its model used. */

import { del, get, post } from "./api.js";
import { attempt, library, setLibrary } from "./library_actions.js";
import { notify, state, update } from "./state.js";
import { t } from "./strings.js";

const POLL_MS = 1000;
let timer = 0;

/** Ask how the retraining stands, again and again while it runs. */
export async function watchTraining() {
  clearTimeout(timer);
  const answer = await attempt(() => get("/api/retraining"));
  if (answer) setLibrary({ training: answer });
  const isOpen = state.route?.name === "retraining";
  if (isOpen && (answer?.state === "running" || !answer)) timer = setTimeout(watchTraining, POLL_MS);
}

export function leaveTraining() {
  clearTimeout(timer);
}

export async function startTraining(force) {
  const answer = await attempt(() => post("/api/retraining", force ? { force: true } : {}));
  if (answer === undefined) return;
  update({ notice: null });
  await watchTraining();
}

export async function stopTraining() {
  await attempt(() => del("/api/retraining", {}));
  await watchTraining();
}

/** Read with another model from now on. */
export async function switchModel(name) {
  setLibrary({ isSwitching: true });
  const answer = await attempt(() => post("/api/model", { model: name }));
  if (answer !== undefined) {
    const settings = await attempt(() => get("/api/state"));
    if (settings) {
      update({ settings });
      notify("info", t("retraining.switched", { name: settings.model.name }));
    }
  }
  setLibrary({ isSwitching: false });
}

/** About how long training on so many articles takes on two cores: 40 s for one, 2 to 3 minutes for 50. */
export function estimateSeconds(n) {
  return 40 + 2.2 * (n - 1);
}

export function isRunning() {
  return library().training?.state === "running";
}
