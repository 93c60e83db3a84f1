/** Which articles, and which reading of them: shared by pictures and downloads. */

import { html } from "../html.js";
import { layerNames, library, setLibrary, shownDocuments } from "../library_actions.js";
import { layerName, t } from "../strings.js";
import { Select, setter } from "./parts.js";

export function Scope({ documents, id }) {
  const { scope, layer } = library();
  const names = layerNames();
  const isDone = (item) => item.layers.some((each) => each.name === layer && each.state === "done");
  const options = [
    ["all", t("download.all", { n: documents.length })],
    ["done", t("download.done", { n: documents.filter(isDone).length })],
    ["shown", t("download.shown", { n: shownDocuments().length })],
  ];
  return html`
    <${Select} id=${`${id}-scope`} label=${t("download.which")} value=${scope} options=${options} onChange=${setter("scope")} />
    ${names.length > 1 && html`
      <${Select} id=${`${id}-layer`} label=${t("download.layer")} value=${layer}
        options=${names.map((name) => [name, layerName(name)])} onChange=${(name) => setLibrary({ layer: name })} />`}`;
}
