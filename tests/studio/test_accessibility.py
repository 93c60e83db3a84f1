"""Every view can be used by everybody: WCAG 2.2 AA as axe checks it, and no sideways scrolling on a phone."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.studio.conftest import OpenPage
from tests.studio.pages import clear, fill, go, new_context, set_language

VIEWS = ["#/", "#/agreement", "#/pictures/map", "#/retraining", "#/help"]
DIALOGS = ["author", "download", "history", "conflict", "help"]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL_RULES = {"runOnly": {"type": "tag", "values": TAGS}}
# A dark page differs from a light one in its colors alone.
COLOR_RULES = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    """Return what axe finds: the rule, the element, and what to do."""
    found = Axe().run(page, options={**options, "resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]}: {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def open_everything(page: Page) -> None:
    """Show what a view folds away, and on the list the panels for adding and for what was removed."""
    page.evaluate("""async () => {
        const { state } = await import("/static/state.js");
        const { loadQueue, setLibrary } = await import("/static/library_actions.js");
        if (state.route.name === "documents") {
            const counts = { added: 0, already: 1, notes: ["note"] };
            const item = { name: "أ.txt", status: "refused", reason: "السبب", ...counts };
            const adding = { items: [item, { ...item, status: "reading", notes: [] }] };
            setLibrary({ isAdding: true, adding, removed: state.documents[0], order: "queue" });
            await loadQueue();
        }
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        for (const details of document.querySelectorAll("details")) details.open = true;
    }""")


def open_dialog(page: Page, name: str) -> None:
    """Open a dialog over the first article, the one about conflicts with a conflict in it."""
    page.evaluate(
        """async (name) => {
        const { openDialog, updateOpen } = await import("/static/state.js");
        const empty = { put: {}, remove: [], before: {} };
        const change = { revision: 2, author: "منى", at: "2026-11-26T10:00:00Z", ...empty };
        updateOpen({ discarded: ["علّم سرت"], conflict: { changes: [change], mine: [change], before: {} } });
        openDialog(name);
    }""",
        name,
    )
    page.locator("dialog[open]").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["ar", "en"])
def test_every_view_is_accessible(open_page: OpenPage, browser: Browser, language: str, width: int) -> None:
    """Views and dialogs have no fault in light or dark, and no view is wider than the screen."""
    context = new_context(browser, viewport={"width": width, "height": 844})
    page = open_page(context=context)
    set_language(page, language)
    clear(page)
    faults = check(page, f"empty {language} {width}")
    document = f"#/documents/{fill(page)[0]}"
    for address in [*VIEWS, document]:
        go(page, address)
        page.locator("main h1").wait_for()
        open_everything(page)
        faults += check(page, f"{address} {language} {width}")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"{address} {language}: wider than {width}")
    for name in DIALOGS:
        open_dialog(page, name)
        faults += check(page, f"dialog {name} {language} {width}")
    context.close()
    assert not faults


def check(page: Page, name: str) -> list[str]:
    """Return the faults of what is shown, in light by every rule and in dark by the rule of colors."""
    faults = []
    for scheme, options in (("light", ALL_RULES), ("dark", COLOR_RULES)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        faults += [f"{name} {scheme}: {fault}" for fault in violations(page, options)]
    return faults
