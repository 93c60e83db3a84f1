/** The dialog that shows two changes of one article side by side, of which neither has overwritten the other. */

import { applyMine, takeTheirs } from "../actions.js";
import { describeChange } from "../describe.js";
import { Dialog } from "../dialog.js";
import { html } from "../html.js";
import { t, when } from "../strings.js";
import { Said } from "./history.js";

export function Conflict({ state }) {
  const conflict = state.open?.conflict;
  if (!conflict) return null;
  const mine = conflict.mine.flatMap((change) => describeChange({ before: conflict.before, ...change }));
  return html`
    <${Dialog} title=${t("conflict.title")} wide>
      <div class="stack">
        <p>${t("conflict.purpose")}</p>
        <div class="sides">
          <section class="side" aria-labelledby="theirs-title">
            <h3 id="theirs-title">${t("conflict.theirs")}</h3>
            ${conflict.changes.map((change) => html`
              <div key=${change.revision} class="stack">
                <p class="quiet">${t("conflict.by", { name: change.author, moment: when(change.at) })}</p>
                <${Said} sentences=${describeChange(change)} />
              </div>`)}
            <p><button type="button" aria-describedby="theirs-hint" onClick=${takeTheirs}>${t("conflict.take_theirs")}</button></p>
            <p id="theirs-hint" class="quiet">${t("conflict.take_theirs_hint")}</p>
          </section>
          <section class="side" aria-labelledby="mine-title">
            <h3 id="mine-title">${t("conflict.mine")}</h3>
            <${Said} sentences=${mine} />
            <p><button type="button" class="primary" aria-describedby="mine-hint" onClick=${applyMine}>
              ${t("conflict.apply_mine")}
            </button></p>
            <p id="mine-hint" class="quiet">${t("conflict.apply_mine_hint")}</p>
          </section>
        </div>
      </div>
    <//>`;
}
