/** Two readings of the same articles compared: scores by kind and label, and every place where they differ. */

import { openPlace } from "../goto.js";
import { html } from "../html.js";
import { layerNames, library, loadAgreement, loadDocuments, setLibrary } from "../library_actions.js";
import { documentHref } from "../routes.js";
import { label, layerName, number, percent, STRINGS, t, visible } from "../strings.js";
import { Heading, Mounted, Select } from "./parts.js";

const N_DIFFERENCES = 50;
const LABEL_KINDS = { entity: "entity", trigger: "event", argument: "role", factuality: "factuality" };

export function Agreement({ state }) {
  const names = layerNames();
  const { pair, agreement } = library();
  const [first, second] = pair ?? ["shared", names[1]];
  const begin = async () => {
    await loadDocuments();
    const [, other] = layerNames();
    if (pair) loadAgreement(...pair);
    else if (other) loadAgreement("shared", other);
  };
  const options = names.map((name) => [name, layerName(name)]);
  return html`
    <${Mounted} onMount=${begin}>
      <div class="view">
        <${Heading} name="agreement" />
        ${names.length < 2
          ? html`<p class="notice">${t("agreement.need_two")} <a href="#/">${t("retraining.to_documents")}</a></p>`
          : html`
            <div class="row">
              <${Select} id="first-layer" label=${t("agreement.first")} value=${first} options=${options}
                onChange=${(name) => loadAgreement(name, second)} />
              <${Select} id="second-layer" label=${t("agreement.second")} value=${second} options=${options}
                onChange=${(name) => loadAgreement(first, name)} />
            </div>
            <${Result} agreement=${agreement} first=${first} second=${second} documents=${state.documents} />`}
      </div>
    <//>`;
}

function Result({ agreement, first, second, documents }) {
  if (first === second) return html`<p class="notice warn" role="status">${t("agreement.same")}</p>`;
  if (agreement === "failed") return null;
  if (!agreement) return html`<p role="status">${t("agreement.working")}</p>`;
  if (!agreement.n_documents) return html`<p class="notice warn" role="status">${t("agreement.none_common")}</p>`;
  const scores = Object.entries(agreement.scores).map(([kind, score]) => ({ name: kindName(kind), kind, ...score }));
  const labels = agreement.labels.map((row) => ({ ...row, name: label(LABEL_KINDS[row.kind] ?? "entity", row.name) }));
  return html`
    <p>${t("agreement.over", { documents: t("count.documents", { n: agreement.n_documents }) })}</p>
    <${Scores} title=${t("agreement.scores")} head=${t("agreement.kind")} rows=${scores} />
    <${Differences} agreement=${agreement} first=${first} second=${second} documents=${documents} />
    <${Scores} title=${t("agreement.labels")} head=${t("agreement.label")} rows=${labels} hasKind />`;
}

function Scores({ title, head, rows, hasKind }) {
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${title}>
      <table>
        <caption>${title}</caption>
        <thead><tr>
          <th scope="col">${head}</th>
          ${hasKind && html`<th scope="col">${t("agreement.kind")}</th>`}
          <th scope="col" class="number">${t("agreement.f1")}</th>
          ${["first", "second", "both"].map((name) => html`
            <th key=${name} scope="col" class="number">${t(`agreement.in_${name}`)}</th>`)}
        </tr></thead>
        <tbody>${rows.map((row) => html`
          <tr key=${`${row.kind} ${row.name}`}>
            <th scope="row">${row.name}</th>
            ${hasKind && html`<td>${kindName(row.kind)}</td>`}
            <td class="number">${percent(row.f1)}</td>
            <td class="number">${count(row.n_first)}</td>
            <td class="number">${count(row.n_second)}</td>
            <td class="number">${count(row.n_both)}</td>
          </tr>`)}
        </tbody>
      </table>
    </div>`;
}

function count(n) {
  return n === undefined ? "–" : number(n);
}

function kindName(kind) {
  return `agreement.kind.${kind}` in STRINGS ? t(`agreement.kind.${kind}`) : visible(kind);
}

function Differences({ agreement, first, second, documents }) {
  const titles = new Map(documents.map((item) => [item.number, item.title || item.first_words]));
  const { shownDifferences = N_DIFFERENCES } = library();
  const all = agreement.documents.flatMap((item) => item.differences.map((difference) => ({ item, difference })));
  const shown = all.slice(0, shownDifferences);
  const groups = Map.groupBy(shown, ({ item }) => item);
  return html`
    <section class="panel" aria-labelledby="differences-title">
      <h2 id="differences-title">${t("agreement.differences")}: ${t("agreement.differences_of", { n: all.length })}</h2>
      ${!all.length && html`<p>${t("agreement.no_differences")}</p>`}
      ${[...groups].map(([item, members]) => html`
        <div key=${item.number} class="stack">
          <h3 dir="auto">${visible(titles.get(item.number) || item.id)} <small>F1 ${percent(item.f1)}</small></h3>
          <ul class="changes">
            ${members.map(({ difference }, place) => html`
              <${Difference} key=${place} number=${item.number} difference=${difference} first=${first} second=${second} />`)}
          </ul>
        </div>`)}
      ${all.length > shown.length && html`
        <button type="button" onClick=${() => setLibrary({ shownDifferences: all.length })}>
          ${t("agreement.more", { n: all.length - shown.length })}
        </button>`}
    </section>`;
}

function Difference({ number: document, difference, first, second }) {
  const { kind, start, end, text } = difference;
  const name = (value) => (value ? label(LABEL_KINDS[kind] ?? "entity", value) : t("agreement.nothing_there"));
  const open = (layer) => (event) => {
    event.preventDefault();
    openPlace({ number: document, layer, start, end });
  };
  return html`
    <li>
      <div><span class="badge">${kindName(kind)}</span> <strong dir="auto">${visible(text)}</strong>
        ${difference.event && html` <small>${t("agreement.of_event", { event: difference.event })}</small>`}</div>
      <div class="facts">
        ${[[first, difference.first], [second, difference.second]].map(([layer, value]) => html`
          <span key=${layer}>
            <a href=${documentHref(document, layer)} onClick=${open(layer)}>${layerName(layer)}</a>: ${name(value)}
          </span>`)}
      </div>
    </li>`;
}
