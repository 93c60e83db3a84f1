/** The dialog from which articles and events are downloaded, a line for what each format is for. */

import { Dialog } from "../dialog.js";
import { html } from "../html.js";
import { download, library } from "../library_actions.js";
import { formatName, STRINGS, t } from "../strings.js";
import { Scope } from "./scope.js";

/** What most people want comes first; the others as the server lists them. */
const FIRST = ["csv", "geojson", "incidents"];

export function Download({ state }) {
  const { annotation, rows, other } = state.settings.formats;
  const { downloaded } = library();
  const others = [...rows, ...other].filter((name) => !FIRST.includes(name));
  const events = [...FIRST.filter((name) => [...rows, ...other].includes(name)), ...others];
  return html`
    <${Dialog} title=${t("download.title")} wide>
      <div class="stack">
        <p class="quiet">${t("download.purpose")}</p>
        <div class="row end"><${Scope} documents=${state.documents} id="download" /></div>
        <div role="status">${downloaded && html`<${Told} downloaded=${downloaded} />`}</div>
        <${Formats} title=${t("download.rows")} formats=${events.map((name) => ({ name }))} />
        <${Formats} title=${t("download.annotation")} formats=${annotation} />
      </div>
    <//>`;
}

function Told({ downloaded: { name, losses } }) {
  return losses
    ? html`<p class="notice warn">${t("download.losses", { name, losses })}</p>`
    : html`<p class="notice good">${t("download.ready", { name })}</p>`;
}

function Formats({ title, formats }) {
  const { scope, layer, downloading } = library();
  return html`
    <h3>${title}</h3>
    <ul class="choices">
      ${formats.map(({ name, kind }) => html`
        <li key=${name}>
          <div><strong><bdi>${formatName(name)}</bdi></strong>${kind === "folder" && html` <small>(.zip)</small>`}
            <div class="quiet">${`format.${name}` in STRINGS ? t(`format.${name}`) : ""}</div></div>
          <button type="button" disabled=${downloading !== null} aria-label=${t("download.get", { name: formatName(name) })}
            onClick=${() => download(name, scope, layer)}>
            ${downloading === name ? t("download.working") : t("documents.download")}
          </button>
        </li>`)}
    </ul>`;
}
