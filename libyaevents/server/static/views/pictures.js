/** The map, the timeline and the claims of the articles at hand, as the library draws them. */

import { html } from "../html.js";
import { library, loadDocuments, scopeQuery, setLibrary } from "../library_actions.js";
import { t } from "../strings.js";
import { Heading, Mounted } from "./parts.js";
import { Scope } from "./scope.js";

const PICTURES = ["map", "timeline", "claims"];

export function Pictures({ state }) {
  const { picture } = state.route;
  const { scope, layer, isLoaded, drawn } = library();
  const query = scopeQuery(scope, layer);
  const address = query && `/api/pictures/${PICTURES.includes(picture) ? picture : "map"}?${query}`;
  return html`
    <${Mounted} onMount=${loadDocuments}>
      <div class="view">
        <${Heading} name="pictures" />
        <nav class="tabs" aria-label=${t("pictures.views")}>
          ${PICTURES.map((name) => html`
            <a key=${name} href=${`#/pictures/${name}`} aria-current=${name === picture ? "page" : null}>
              ${t(`pictures.${name}`)}
            </a>`)}
        </nav>
        <div class="row end">
          <${Scope} documents=${state.documents} id="picture" />
          ${address && html`<a class="button" href=${address} target="_blank" rel="noopener">${t("pictures.open")}</a>`}
        </div>
        ${isLoaded && !address && html`<p class="notice">${t("pictures.none")} <a href="#/">${t("retraining.to_documents")}</a></p>`}
        ${address && html`
          ${drawn !== address && html`<p role="status">${t("pictures.drawing")}</p>`}
          <iframe key=${address} class="picture-frame" src=${address} title=${t(`pictures.${picture}`)} sandbox="allow-popups"
            onLoad=${() => setLibrary({ drawn: address })}></iframe>`}
      </div>
    <//>`;
}
