/** The header: name, parts of the studio, language, and who is writing. */

import { setAuthor, setLanguage } from "./actions.js";
import { Dialog } from "./dialog.js";
import { html } from "./html.js";
import { closeDialog, openDialog } from "./state.js";
import { t } from "./strings.js";

const PARTS = [
  ["documents", "#/"],
  ["agreement", "#/agreement"],
  ["pictures", "#/pictures/map"],
  ["retraining", "#/retraining"],
  ["help", "#/help"],
];

export function Header({ state }) {
  const here = state.route.name === "document" ? "documents" : state.route.name;
  const other = state.language === "ar" ? "en" : "ar";
  return html`
    <header class="page-header">
      <a class="brand" href="#/">${t("app.name")}</a>
      <nav aria-label=${t("app.menu")}>
        ${PARTS.map(([name, href]) => html`
          <a key=${name} href=${href} aria-current=${name === here ? "page" : null}>${t(`nav.${name}`)}</a>`)}
      </nav>
      <span class="header-end">
        <${AuthorButton} state=${state} />
        <button type="button" class="quiet" lang=${other} onClick=${() => setLanguage(other)}>
          ${t("app.other_language")}
        </button>
      </span>
    </header>`;
}

function AuthorButton({ state }) {
  if (state.settings?.user) return html`<span class="author"><bdi>${state.settings.user}</bdi></span>`;
  return html`
    <button type="button" class="quiet author" onClick=${() => openDialog("author")}
      aria-label=${state.author ? `${t("app.author")}: ${state.author}` : null}>
      <bdi>${state.author || t("app.author")}</bdi>
    </button>`;
}

/** Asks for the name that is kept with every change. */
export function AuthorDialog({ state }) {
  const save = (event) => {
    event.preventDefault();
    const name = new FormData(event.target).get("author").trim();
    if (!name) return;
    const { then } = state.dialog ?? {};
    setAuthor(name);
    closeDialog();
    then?.();
  };
  return html`
    <${Dialog} title=${t("app.author")}>
      <form class="author-form" onSubmit=${save}>
        <label for="author-name">${t("app.author")}</label>
        <input id="author-name" name="author" required maxlength="64" dir="auto" autocomplete="nickname" autofocus
          value=${state.author} aria-describedby="author-hint" />
        <p id="author-hint" class="hint">${t("app.author_hint")}</p>
        <p class="buttons"><button type="submit" class="primary">${t("app.author_save")}</button></p>
      </form>
    <//>`;
}
