/** What the server resolved: when and where it happened, who says so, figures; who or where a name is. */

import { html } from "../html.js";
import { day, label, number, t, visible } from "../strings.js";

/** The facts of an event, as a list of terms; a sentence where there are none. */
export function EventFacts({ event }) {
  if (!event) return html`<p class="quiet">${t("editor.facts_waiting")}</p>`;
  const rows = [
    event.time && ["when", html`<${Time} time=${event.time} />`],
    event.place && ["where", html`<${Place} place=${event.place} />`],
    event.claim && [event.claim.claimed_by ? "who" : "status", html`<${Claim} claim=${event.claim} />`],
    event.casualties?.length && ["figures", html`
      <ul>${event.casualties.map((figure, place) => html`<li key=${place}><${Figure} figure=${figure} /></li>`)}</ul>`],
  ];
  return html`<${Rows} rows=${rows.filter(Boolean)} />`;
}

/** What a name was resolved to. */
export function EntityFacts({ entity }) {
  if (!entity) return html`<p class="quiet">${t("editor.facts_waiting")}</p>`;
  const rows = [
    entity.place && ["place", html`<${Place} place=${entity.place} />`],
    entity.actor && ["actor", html`<${Actor} actor=${entity.actor} />`],
    entity.time && ["time", html`<${Time} time=${entity.time} />`],
  ];
  return html`<${Rows} rows=${rows.filter(Boolean)} />`;
}

function Rows({ rows }) {
  if (!rows.length) return html`<p class="quiet">${t("editor.facts_none")}</p>`;
  return html`
    <dl class="resolved">
      ${rows.map(([name, value]) => html`<div key=${name}><dt>${t(`editor.fact_${name}`)}</dt><dd>${value}</dd></div>`)}
    </dl>`;
}

function Time({ time }) {
  const notes = [time.precision && t(`editor.precision_${time.precision}`), time.inferred && t("editor.inferred")];
  return html`<${Said} text=${time.value ? dated(time.value) : time.text} /> <${Notes} notes=${notes} />`;
}

/** A value of ISO 8601 as a day where it is one; ranges and the rest as they are. */
function dated(value) {
  return value.split("/").map((part) => (/^\d{4}-\d\d-\d\d$/.test(part) ? day(part) : part)).join(" – ");
}

function Place({ place }) {
  const names = [...new Set([place.name, place.admin1, place.country].filter(Boolean))];
  const notes = [
    place.precision > 1 && t(`editor.place_precision_${place.precision}`),
    place.radius_km && t("editor.radius", { n: Math.round(place.radius_km) }),
  ];
  return html`
    <${Said} text=${names.join(t("editor.comma"))} />
    ${place.latitude !== undefined && html` <bdi dir="ltr" class="value">${place.latitude.toFixed(2)}, ${place.longitude.toFixed(2)}</bdi>`}
    ${" "}<${Notes} notes=${notes} />`;
}

function Actor({ actor }) {
  return html`<${Said} text=${actor.name} /> <${Notes} notes=${[actor.code, actor.side]} />`;
}

function Claim({ claim }) {
  const who = claim.claimed_by;
  const notes = [
    claim.status && t(`editor.status_${claim.status}`),
    claim.party === true && t("editor.party"),
    claim.party === false && t("editor.no_party"),
  ];
  return html`
    ${who && (typeof who === "string" ? html`<${Said} text=${who} />` : html`<${Actor} actor=${who} />`)}
    ${" "}<${Notes} notes=${notes} />`;
}

function Figure({ figure }) {
  const { kind, minimum, best, maximum, source } = figure;
  const range = minimum !== undefined && maximum !== undefined && minimum !== maximum;
  const value = best ?? minimum ?? maximum;
  const text = range ? `${number(minimum)}–${number(maximum)}` : value === undefined ? "–" : number(value);
  const notes = [
    !range && best === undefined && minimum !== undefined && t("editor.at_least"),
    !range && best === undefined && minimum === undefined && maximum !== undefined && t("editor.at_most"),
    source && t("editor.by_source", { source }),
  ];
  return html`${harm(kind)}: <bdi class="value">${text}</bdi> <${Notes} notes=${notes} />`;
}

function harm(kind) {
  const said = t(`editor.harm_${kind}`);
  return said === `editor.harm_${kind}` ? label("harm", kind) : said;
}

function Said({ text }) {
  return html`<bdi>${visible(text ?? "")}</bdi>`;
}

function Notes({ notes }) {
  const said = notes.filter(Boolean);
  return said.length ? html`<small>${said.map((note, place) => html`${place > 0 && " · "}<bdi>${visible(note)}</bdi>`)}</small>` : null;
}
