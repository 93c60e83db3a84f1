"""The studio without a mouse: from adding an article to marking it as done."""

import pytest
from playwright.sync_api import Page, expect

from tests.studio.articles import Reader, add_article, find_item
from tests.studio.conftest import OpenPage, Studio
from tests.studio.pages import clear, span

STATE = "async () => (await import('/static/state.js')).state.open"
FOCUSED = (
    "() => document.activeElement?.getAttribute('aria-label') || document.activeElement?.textContent.trim()"
)


@pytest.fixture
def reader(page: Page, studio: Studio) -> Reader:
    """Somebody who has just opened the article; the text has the focus."""
    reader = Reader(page, studio, add_article(studio))
    expect(page.locator(".text")).to_be_focused()
    return reader


def press(reader: Reader, *keys: str) -> None:
    """Press keys one after another."""
    for key in keys:
        reader.page.keyboard.press(key)


def cursor(reader: Reader) -> str:
    """Return the word that the cursor is on."""
    return reader.words[int(reader.page.evaluate(STATE)["cursor"])]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(60):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never came to {selector}; it stands at {page.evaluate(FOCUSED)!r}")


def test_from_adding_to_done(studio: Studio, open_page: OpenPage) -> None:
    """An article is pasted, read, corrected and marked as done with keys alone."""
    page = open_page("#/", permissions=["clipboard-read", "clipboard-write"])
    page.locator("h1").wait_for()
    clear(page)  # another article would be opened next
    tab_to(page, "main button")
    page.keyboard.press("Enter")
    tab_to(page, "textarea")
    page.keyboard.insert_text("التقى وفد الأعيان رئيس البلدية في زوارة صباح الأحد.")
    page.keyboard.press("Tab")
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    expect(page.locator(".text")).to_be_focused()
    number = page.evaluate(STATE)["number"]
    reader = Reader(page, studio, number)
    press(reader, "Control+Home", "ArrowLeft", "Shift+ArrowLeft", "KeyE")
    reader.choose("org")
    entities = reader.saved()["entities"]
    assert {"label": "ORG", **span(reader.text, "وفد الأعيان")}.items() <= max(
        (entity for entity in entities if entity["start"] == 6), key=lambda entity: int(entity["end"])
    ).items()
    press(reader, "KeyD")
    page.locator(".view-documents").wait_for()
    assert studio.ask(f"/api/documents/{number}")["state"] == "done"


class TestMoving:
    """The cursor in the text."""

    def test_arrows_follow_the_direction_of_the_text(self, reader: Reader) -> None:
        """Left is the next word of Arabic and the one before of English."""
        press(reader, "ArrowLeft", "ArrowLeft")
        assert cursor(reader) == "مسيّرة"
        press(reader, "ArrowRight")
        assert cursor(reader) == "طائرات"
        reader.click("quoted")
        press(reader, "Escape", "ArrowRight")
        assert cursor(reader) == "the"
        press(reader, "ArrowLeft", "ArrowLeft")
        assert cursor(reader) == "Times"

    def test_lines_sentences_and_ends(self, reader: Reader) -> None:
        """Home and End go to the ends of the line, with Ctrl of the text; Ctrl and arrows go by sentence."""
        press(reader, "End")
        assert cursor(reader) == "."
        press(reader, "Home", "ArrowDown")
        assert cursor(reader) in {"5", "قتلى"}
        press(reader, "ArrowUp")
        assert cursor(reader) == "قصفت"
        press(reader, "Control+ArrowLeft")
        assert cursor(reader) == "5"
        press(reader, "Control+ArrowRight")
        assert cursor(reader) == "قصفت"
        press(reader, "Control+End")
        assert cursor(reader) == reader.words[-1]

    def test_the_cursor_is_said_aloud(self, reader: Reader) -> None:
        """A screen reader hears the word with its labels."""
        press(reader, "ArrowLeft")
        spoken = reader.page.locator("[aria-live=polite]")
        expect(spoken).to_contain_text("طائرات")
        expect(spoken).to_contain_text("WEAPON")

    def test_the_text_is_one_tab_stop(self, reader: Reader) -> None:
        """Tab leaves the text for the panel."""
        press(reader, "Tab")
        assert reader.page.evaluate("() => document.activeElement.closest('.editor-panel') !== null")


class TestMarking:
    """Marking with keys."""

    def test_next_and_previous_mark(self, reader: Reader) -> None:
        """N and P walk over the marks in the order of the text."""
        names = []
        for key in ("KeyN", "KeyN", "KeyN", "KeyP"):
            press(reader, key)
            names.append(reader.page.evaluate(STATE)["focus"]["id"])
        assert names == ["E1", "T1", "T2", "T1"]

    def test_an_event_with_a_role_and_factuality(self, reader: Reader) -> None:
        """V makes an event, R gives a role to the name at the cursor, F says how far it is a fact."""
        reader.click("quoted")
        press(reader, "Escape", "KeyV")
        reader.choose("request")
        press(reader, "ArrowLeft", "KeyR", "Digit1")
        press(reader, "KeyF", "Digit3")
        event = reader.item("E4")
        assert (event["type"], event["factuality"]) == ("Request", "possible")
        assert event["arguments"] == [
            {"role": "Agent", "entity_id": "T9", **span(reader.text, "New York Times")}
        ]

    def test_brackets_move_the_ends(self, reader: Reader) -> None:
        """] and [ move the end of the focused mark; with Shift they move its start."""
        press(reader, "KeyN", "KeyN", "BracketRight")
        assert reader.item("T1")["text"] == "طائرات مسيّرة 😀"
        press(reader, "BracketLeft", "Shift+BracketRight")
        document = reader.saved()
        assert find_item(document, "T1")["text"] == "مسيّرة"
        assert find_item(document, "E1")["arguments"][0]["text"] == "مسيّرة"

    def test_delete_and_undo(self, reader: Reader) -> None:
        """Delete takes the focused mark away; Ctrl+Z brings it back and Ctrl+Y takes it away again."""
        press(reader, "KeyN", "Delete")
        assert "E1" not in {event["id"] for event in reader.saved()["events"]}
        press(reader, "Control+z")
        assert reader.item("E1")["type"] == "AirStrike"
        press(reader, "Control+y")
        assert "E1" not in {event["id"] for event in reader.saved()["events"]}

    def test_keys_of_an_arabic_keyboard(self, reader: Reader) -> None:
        """The key that writes ث is E by its place; ؟ opens the list of keys."""
        fire = """([code, key]) => document.activeElement.dispatchEvent(
            new KeyboardEvent('keydown', { code, key, bubbles: true, cancelable: true }))"""
        reader.page.evaluate(fire, ["KeyE", "ث"])
        reader.choose("سلاح")
        assert reader.item("T10")["label"] == "WEAPON"
        reader.page.evaluate(fire, ["Slash", "؟"])
        expect(reader.page.get_by_role("dialog")).to_be_visible()
        press(reader, "Escape")
        expect(reader.page.get_by_role("dialog")).to_have_count(0)

    def test_escape_leaves_the_menu_to_the_text(self, reader: Reader) -> None:
        """After the menu is closed the text has the focus again, with what was selected."""
        press(reader, "Shift+ArrowLeft", "Enter")
        expect(reader.page.get_by_role("combobox", name="اسم أو حدث")).to_be_focused()
        press(reader, "Escape")
        expect(reader.page.locator(".text")).to_be_focused()
        assert reader.page.evaluate(STATE)["selection"]["last"] == 1
