/** The list of articles: what is there, how far each is, and which to read next. */

import { addFiles, droppedFiles } from "../adding.js";
import { html } from "../html.js";
import {
  asAuthor, library, loadDocuments, loadQueue, removeDocument, restoreDocument, setLibrary, sharedLayer,
  shownDocuments, startLayer,
} from "../library_actions.js";
import { documentHref } from "../routes.js";
import { openDialog } from "../state.js";
import { day, layerName, t, visible, when } from "../strings.js";
import { Add, Begin } from "./add.js";
import { DropTarget } from "./drop.js";
import { Heading, Mounted, Select, setter } from "./parts.js";

const N_SHOWN = 100;
const STATES = ["new", "changed", "done"];

export function Documents({ state }) {
  const { isLoaded, isAdding, adding, removed } = library();
  const isEmpty = isLoaded && !state.documents.length;
  const onDrop = async (transfer) => {
    const files = await droppedFiles(transfer);
    asAuthor(() => addFiles(files));
  };
  return html`
    <${Mounted} onMount=${loadDocuments}>
      <${DropTarget} onDrop=${onDrop} />
      <div class="view">
        <${Heading} name="documents">${!isEmpty && html`<${Buttons} isAdding=${isAdding} documents=${state.documents} />`}<//>
        ${removed && html`<${Removed} item=${removed} />`}
        ${isEmpty && !isAdding && !adding && html`<${Begin} />`}
        ${(isAdding || adding) && html`<${Add} state=${state} />`}
        ${!isLoaded && html`<p>${t("app.loading")}</p>`}
        ${isLoaded && !isEmpty && html`<${Library} state=${state} />`}
      </div>
    <//>`;
}

/** Change the order; the one by worth asks the server. */
function setOrder(order) {
  setLibrary({ order });
  if (order === "queue") loadQueue();
}

function Buttons({ isAdding, documents }) {
  const { order } = library();
  const isWork = documents.length > 1 && order !== "queue";
  return html`
    <div class="row">
      <button type="button" class="primary" aria-expanded=${isAdding} onClick=${() => setLibrary({ isAdding: !isAdding })}>
        ${t("documents.add")}
      </button>
      ${isWork && html`<button type="button" onClick=${() => setOrder("queue")}>${t("queue.title")}</button>`}
      <button type="button" onClick=${() => openDialog("download")}>${t("documents.download")}</button>
    </div>`;
}

function Removed({ item }) {
  return html`
    <div class="notice row" role="status">
      <span class="grow">${t("documents.removed", { title: titleOf(item) })}</span>
      <button type="button" onClick=${() => asAuthor(() => restoreDocument(item))}>${t("documents.restore")}</button>
    </div>`;
}

function Library({ state }) {
  const { n_shown, order } = library();
  const shown = shownDocuments();
  const doubts = new Map(state.queue?.map((item) => [item.number, item]));
  return html`
    <${Filters} state=${state} />
    ${order === "queue" && html`<${Queue} state=${state} shown=${shown} />`}
    <p class="quiet" role="status">${t("documents.shown", { shown: shown.length, n: state.documents.length })}</p>
    ${shown.length
      ? html`<ul class="articles">
          ${shown.slice(0, n_shown).map((item) => html`
            <${Article} key=${item.number} item=${item} doubt=${doubts.get(item.number)} />`)}
        </ul>`
      : html`<p>${t("documents.none_match")} <button type="button" class="plain"
          onClick=${() => setLibrary({ filter: "", stateFilter: "" })}>${t("documents.show_all")}</button></p>`}
    ${shown.length > n_shown && html`
      <button type="button" onClick=${() => setLibrary({ n_shown: n_shown + N_SHOWN })}>${t("documents.more")}</button>`}`;
}

function Filters({ state }) {
  const { filter, stateFilter, order } = library();
  const count = (name) => state.documents.filter((item) => sharedLayer(item)?.state === name).length;
  const states = STATES.map((name) => [name, t("documents.state_count", { name: t(`state.${name}`), n: count(name) })]);
  const orders = ["added", "queue", "published"].map((name) => [name, t(`documents.order_${name}`)]);
  return html`
    <search class="row end">
      <div class="field grow">
        <label for="filter">${t("documents.filter")}</label>
        <input id="filter" type="search" dir="auto" value=${filter} placeholder=${t("documents.filter_hint")}
          onInput=${(event) => setLibrary({ filter: event.target.value, n_shown: N_SHOWN })} />
      </div>
      <${Select} id="state-filter" label=${t("documents.state")} value=${stateFilter} onChange=${setter("stateFilter")}
        options=${[["", t("documents.state_all", { n: state.documents.length })], ...states]} />
      <${Select} id="order" label=${t("documents.order")} value=${order} options=${orders} onChange=${setOrder} />
    </search>`;
}

function Queue({ state, shown }) {
  const { isQueueing } = library();
  const inQueue = new Set(state.queue?.map((item) => item.number));
  const first = shown.find((item) => inQueue.has(item.number));
  return html`
    <section class="panel" aria-labelledby="queue-title" aria-busy=${isQueueing}>
      <h2 id="queue-title">${t("queue.title")}</h2>
      <p class="quiet">${t("queue.purpose")}</p>
      ${isQueueing && html`<p role="status">${t("queue.working")}</p>`}
      ${!isQueueing && state.queue && !state.queue.length && html`<p>${t("queue.none")}</p>`}
      ${!isQueueing && first && html`
        <p><a class="button primary" href=${documentHref(first.number)}>${t("queue.open")}</a></p>`}
    </section>`;
}

function Article({ item, doubt }) {
  const layer = sharedLayer(item);
  const title = titleOf(item);
  return html`
    <li>
      <a class="article-title" href=${documentHref(item.number)} dir="auto">${title}</a>
      <span class=${`badge ${layer.state}`}>${t(`state.${layer.state}`)}</span>
      ${item.title && html`<span class="article-words wide" dir="auto">${visible(item.first_words)}</span>`}
      <div class="facts">
        ${item.source && html`<bdi>${visible(item.source)}</bdi>`}
        ${item.published && html`<span>${day(item.published)}</span>`}
        <span>${t("count.words", { n: item.n_words })}</span>
        <span>${t("count.events", { n: layer.n_events })}</span>
        <span>${t("count.entities", { n: layer.n_entities })}</span>
        ${layer.state !== "new" && layer.changed_by && html`
          <span>${t("documents.changed", { name: layer.changed_by, moment: when(layer.changed_at) })}</span>`}
        ${doubt && html`<strong>${t("queue.sentences", { n: doubt.uncertain_sentences.length })}</strong>`}
      </div>
      <${Options} item=${item} title=${title} />
    </li>`;
}

function Options({ item, title }) {
  const begin = (start) => () => asAuthor(() => startLayer(item, start));
  return html`
    <details class="options wide">
      <summary>${t("documents.options")}<span class="visually-hidden">: ${title}</span></summary>
      <div class="stack">
        ${item.layers.length > 1 && html`
          <p class="row"><span>${t("documents.layers")}:</span>
            ${item.layers.map(({ name, state }) => html`
              <a key=${name} href=${documentHref(item.number, name)}>${layerName(name)} (${t(`state.${state}`)})</a>`)}</p>`}
        <p class="quiet">${t("documents.own_hint")}</p>
        <div class="row">
          ${item.has_model_reading && html`
            <button type="button" onClick=${begin("model")}>${t("documents.own_model")}</button>`}
          <button type="button" onClick=${begin("empty")}>${t("documents.own_empty")}</button>
          <a class="button" href=${`/api/documents/${item.number}/page?layer=shared`} target="_blank" rel="noopener">
            ${t("documents.page")}
          </a>
          <button type="button" class="danger" onClick=${() => asAuthor(() => removeDocument(item))}>
            ${t("documents.remove")}
          </button>
        </div>
      </div>
    </details>`;
}

/** What an article is called: its title, else its first words. */
function titleOf(item) {
  return visible(item.title || item.first_words || item.id || t("documents.untitled"));
}
