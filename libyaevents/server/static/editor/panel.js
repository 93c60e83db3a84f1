/** What is focused: its type, its roles, and what was resolved; where nothing is, the events of the text. */

import { edit } from "../actions.js";
import * as annotation from "../annotation.js";
import { html } from "../html.js";
import { updateOpen } from "../state.js";
import { label, percent, t, visible } from "../strings.js";
import * as commands from "./commands.js";
import { EntityFacts, EventFacts } from "./facts.js";
import { hueOf } from "./layout.js";
import { rolesFor } from "./menu.js";

export function Panel({ open, ontology }) {
  const { focus, document } = open;
  const items = focus?.kind === "entity" ? document.entities : document.events;
  const item = focus && annotation.find(items, focus.id);
  return html`
    <aside class=${item ? "editor-panel filled" : "editor-panel"} data-id=${item?.id} aria-label=${t("editor.panel")}>
      ${!item && html`<${Overview} open=${open} ontology=${ontology} />`}
      ${item && focus.kind === "entity" && html`<${EntityPanel} key=${item.id} entity=${item} open=${open} ontology=${ontology} />`}
      ${item && focus.kind === "event" && html`<${EventPanel} key=${item.id} event=${item} open=${open} ontology=${ontology} />`}
    </aside>`;
}

function Overview({ open, ontology }) {
  const events = (open.document.events ?? []).toSorted((one, other) => one.trigger.start - other.trigger.start);
  return html`
    <p class="quiet">${t("editor.hint")}</p>
    <h2>${t("count.events", { n: events.length })}</h2>
    <ul class="event-list">
      ${events.map((event) => html`
        <li key=${event.id}>
          <button type="button" class="plain-row" onClick=${() => commands.focusOn("event", event.id)}>
            <span class=${`swatch event hue${hueOf(ontology.event_types, event.type)}`} aria-hidden="true"></span>
            <bdi class="said">${visible(event.trigger.text)}</bdi>
            <span class="quiet">${label("event", event.type)}</span>
          </button>
        </li>`)}
    </ul>`;
}

function Head({ title, kind, onClose = commands.leaveFocus }) {
  return html`
    <div class="panel-head">
      <h2><small>${t(`editor.kind_${kind}`)}</small> <bdi class="said">${visible(title)}</bdi></h2>
      <button type="button" class="quiet" onClick=${onClose}>${t("action.close")}</button>
    </div>`;
}

function EntityPanel({ entity, open, ontology }) {
  const names = ontology.entity_types.map(({ name }) => name);
  const retype = (name) => edit(annotation.retypeEntity(open.document, entity.id, name));
  return html`
    <${Head} title=${entity.text} kind="entity" />
    <${Choice} id="entity-type" name=${t("editor.type")} kind="entity" value=${entity.label} options=${names} onChange=${retype} />
    <${Score} item=${entity} />
    <h3>${t("editor.resolved")}</h3>
    <${EntityFacts} entity=${factsOf(open, "entities", entity.id)} />
    <${Ends} />
    <${RemoveButton} name=${t("editor.remove_entity")} />`;
}

function EventPanel({ event, open, ontology }) {
  const names = ontology.event_types.map(({ name }) => name);
  const retype = (name) => edit(annotation.retypeEvent(open.document, event.id, name));
  return html`
    <${Head} title=${event.trigger.text} kind="event" />
    <${Choice} id="event-type" name=${t("editor.type")} kind="event" value=${event.type} options=${names} onChange=${retype} />
    <${FactualityChoice} value=${event.factuality} values=${ontology.factuality} />
    <${Score} item=${event} />
    <h3>${t("editor.arguments")}</h3>
    <${Arguments} event=${event} focus=${open.focus} ontology=${ontology} />
    <${Assign} event=${event} open=${open} ontology=${ontology} />
    <h3>${t("editor.resolved")}</h3>
    <${EventFacts} event=${factsOf(open, "events", event.id)} />
    <${Ends} />
    <${RemoveButton} name=${open.focus.argument === undefined ? t("editor.remove_event") : t("editor.remove_argument")} />`;
}

/** A label to choose: the browser's own list, which every device knows how to show. */
function Choice({ id, name, kind, value, options, onChange }) {
  return html`
    <div class="field">
      <label for=${id}>${name}</label>
      <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
        ${options.map((option) => html`<option key=${option} value=${option} selected=${option === value}>${label(kind, option)}</option>`)}
        ${!options.includes(value) && html`<option value=${value} selected>${visible(value)}</option>`}
      </select>
    </div>`;
}

function FactualityChoice({ value, values }) {
  return html`
    <fieldset class="factuality">
      <legend>${t("editor.factuality")}</legend>
      ${values.map(({ name }) => html`
        <label key=${name} class="check">
          <input type="radio" name="factuality" value=${name} checked=${name === value} onChange=${() => commands.setFactuality(name)} />
          <span>${label("factuality", name)}</span>
        </label>`)}
    </fieldset>`;
}

function Arguments({ event, focus, ontology }) {
  const roles = rolesFor(ontology, event.type);
  if (!event.arguments?.length) return html`<p class="quiet">${t("editor.no_arguments")}</p>`;
  return html`
    <ul class="arguments">
      ${event.arguments.map((argument, index) => html`
        <li key=${`${argument.role} ${argument.start} ${argument.end}`} class=${focus.argument === index ? "chosen" : ""}>
          <${Choice} id=${`role-${index}`} name=${html`<span class="visually-hidden">${t("editor.role_of", { text: argument.text })}</span>`}
            kind="role" value=${argument.role} options=${roles} onChange=${(role) => commands.setArgumentRole(index, role)} />
          <button type="button" class="plain-row" aria-pressed=${focus.argument === index}
            onClick=${() => commands.focusOn("event", event.id, focus.argument === index ? undefined : index)}>
            <bdi class="said">${visible(argument.text)}</bdi>
          </button>
          <button type="button" class="quiet" aria-label=${t("editor.remove_role_of", { text: argument.text })}
            onClick=${() => commands.removeArgument(index)}>×</button>
        </li>`)}
    </ul>`;
}

/** Roles to give: one is chosen here, and then what fills it in the text. */
function Assign({ event, open, ontology }) {
  const typical = ontology.event_types.find(({ name }) => name === event.type)?.typical_roles ?? [];
  const roles = rolesFor(ontology, event.type);
  if (open.assigning) {
    return html`
      <p class="assign-now" role="status">
        <span>${t("editor.assign_now", { role: label("role", open.assigning.role) })}</span>
        <button type="button" onClick=${() => updateOpen({ assigning: null })}>${t("action.cancel")}</button>
      </p>`;
  }
  const others = roles.filter((role) => !typical.includes(role));
  return html`
    <div class="assign" role="group" aria-label=${t("editor.assign")}>
      ${typical.map((role) => html`
        <button key=${role} type="button" class="chip" onClick=${() => commands.startAssigning(role)}>
          <span aria-hidden="true">+</span> ${label("role", role)}
        </button>`)}
      <select aria-label=${t("editor.assign_other")} value="" onChange=${(event) => commands.startAssigning(event.target.value)}>
        <option value="" selected>${t("editor.assign_other")}</option>
        ${others.map((role) => html`<option key=${role} value=${role}>${label("role", role)}</option>`)}
      </select>
    </div>`;
}

/** The ends of the focused mark, for fingers and for those who point with the keyboard. */
function Ends() {
  const buttons = [["start", -1], ["start", 1], ["end", -1], ["end", 1]];
  return html`
    <div class="ends" role="group" aria-label=${t("editor.ends")}>
      <span class="quiet" aria-hidden="true">${t("editor.ends")}</span>
      ${buttons.map(([side, step]) => {
        const grows = (side === "end") === step > 0;
        return html`
          <button key=${`${side} ${step}`} type="button" onClick=${() => commands.moveEnd(side, step)}>
            ${t(`editor.${side}_${grows ? "out" : "in"}`)}
          </button>`;
      })}
    </div>`;
}

function RemoveButton({ name }) {
  return html`<p><button type="button" class="danger" onClick=${commands.removeFocused}>${name}</button></p>`;
}

function Score({ item }) {
  if (item.score === undefined) return null;
  return html`<p class="quiet">${t("editor.score", { score: percent(item.score) })}</p>`;
}

/** The same item in the enriched document, once the server has read what is shown. */
function factsOf(open, kind, id) {
  return open.facts && annotation.find(open.facts[kind], id);
}
