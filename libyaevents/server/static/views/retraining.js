/** Training on what is done: what it takes, how it goes, what it changed, and which model is in use. */

import { html } from "../html.js";
import { asAuthor, library, loadDocuments, setLibrary, sharedLayer } from "../library_actions.js";
import { duration, t, visible } from "../strings.js";
import { estimateSeconds, leaveTraining, startTraining, stopTraining, switchModel, watchTraining } from "../training_actions.js";
import { Heading, Mounted } from "./parts.js";

const FEW = 20;
const STAGES = new Set(["preparing", "training", "measuring"]);
const VERDICTS = { accepted: "good", rejected: "warn", failed: "error", stopped: "warn" };

export function Retraining({ state }) {
  const { training } = library();
  const begin = () => Promise.all([loadDocuments(), watchTraining()]);
  return html`
    <${Mounted} onMount=${begin} onLeave=${leaveTraining}>
      <div class="view">
        <${Heading} name="retraining" />
        <${Model} state=${state} training=${training} />
        ${!training && html`<p role="status">${t("app.loading")}</p>`}
        ${training?.state === "running" && html`<${Running} training=${training} />`}
        ${training && training.state in VERDICTS && html`<${Outcome} training=${training} state=${state} />`}
        ${training && training.state !== "running" && html`<${Start} state=${state} training=${training} />`}
        ${training?.has_report && html`<${Report} training=${training} />`}
        ${training?.lines?.length > 0 && html`<${Lines} training=${training} />`}
      </div>
    <//>`;
}

function Model({ state, training }) {
  const { model, models } = state.settings;
  const { isSwitching } = library();
  // A model that was just accepted is offered beside its verdict.
  const isOffered = (name) => name === "retrained" && training?.state === "accepted";
  const others = models.filter((name) => name !== model.name && !isOffered(name));
  return html`
    <div class="row">
      <p>${t("retraining.in_use", { name: modelName(model.name) })}</p>
      ${isSwitching
        ? html`<p role="status">${t("retraining.switching")}</p>`
        : others.map((name) => html`
          <button key=${name} type="button" onClick=${() => asAuthor(() => switchModel(name))}>
            ${name === "retrained" ? t("retraining.use") : t("retraining.go_back", { name: modelName(name) })}
          </button>`)}
    </div>
    ${model.is_there === false && html`<p class="notice error" role="alert">${t("retraining.missing")}</p>`}`;
}

function modelName(name) {
  return name === "retrained" ? t("retraining.new_model") : name;
}

function Start({ state, training }) {
  const { isForced } = library();
  const n = state.documents.filter((item) => sharedLayer(item)?.state === "done").length;
  const key = { idle: "start", stopped: "resume" }[training.state] ?? "again";
  return html`
    <section class="panel">
      <p><strong>${t("retraining.before", { n })}</strong></p>
      ${n === 0
        ? html`<p>${t("retraining.none_done")}</p><p><a class="button primary" href="#/">${t("retraining.to_documents")}</a></p>`
        : html`
          <p>${t("retraining.estimate", { time: duration(estimateSeconds(n)) })}</p>
          ${n < FEW && html`<p class="quiet">${t("retraining.few")}</p>`}
          <label class="check">
            <input type="checkbox" checked=${Boolean(isForced)} aria-describedby="force-hint"
              onChange=${(event) => setLibrary({ isForced: event.target.checked })} />
            ${t("retraining.force")}
          </label>
          <p id="force-hint" class="quiet">${t("retraining.force_hint")}</p>
          <p><button type="button" class="primary" onClick=${() => asAuthor(() => startTraining(isForced))}>
            ${t(`retraining.${key}`)}
          </button></p>`}
    </section>`;
}

function Running({ training: { stage, step, n_steps, seconds } }) {
  const said = t("retraining.stage", { stage: STAGES.has(stage) ? t(`retraining.stage_${stage}`) : stage ?? "…" });
  return html`
    <section class="panel" aria-labelledby="running-title" aria-busy="true">
      <h2 id="running-title">${t("retraining.running")}</h2>
      <label for="training-progress">
        ${n_steps ? t("retraining.step", { step: step ?? 0, n: n_steps }) : said}
      </label>
      <progress id="training-progress" max=${n_steps || null} value=${n_steps ? step ?? 0 : null}></progress>
      <p class="facts">
        ${n_steps && stage && html`<span>${said}</span>`}
        <span>${t("retraining.elapsed", { time: duration(seconds ?? 0) })}</span>
      </p>
      <p><button type="button" onClick=${() => asAuthor(stopTraining)}>${t("retraining.stop")}</button></p>
    </section>`;
}

function Outcome({ training, state }) {
  const canUse = training.state === "accepted" && state.settings.model.name !== "retrained";
  return html`
    <div class=${`notice ${VERDICTS[training.state]}`} role="status">
      <p>${t(`retraining.${training.state}`)}</p>
      ${training.verdict && html`<p><bdi lang="en">${visible(training.verdict)}</bdi></p>`}
      ${canUse && html`
        <p><button type="button" class="primary" onClick=${() => asAuthor(() => switchModel("retrained"))}>
          ${t("retraining.use")}
        </button></p>`}
    </div>`;
}

function Report({ training }) {
  return html`
    <section class="stack" aria-labelledby="report-title">
      <div class="row">
        <h2 id="report-title" class="grow">${t("retraining.report")}</h2>
        <a class="button" href="/api/retraining/report" target="_blank" rel="noopener">${t("pictures.open")}</a>
      </div>
      <iframe key=${training.run} class="picture-frame" src="/api/retraining/report" sandbox="allow-popups"
        title=${t("retraining.report")}></iframe>
    </section>`;
}

function Lines({ training }) {
  return html`
    <details open=${training.state === "failed"}>
      <summary>${t("retraining.lines")}</summary>
      <pre class="log" tabindex="0" role="region" aria-label=${t("retraining.lines")}>${visible(training.lines.join("\n"))}</pre>
    </details>`;
}
