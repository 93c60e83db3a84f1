"""Annotated articles for the tests of the editor, and how a test points at their words."""

import base64
import json
from itertools import count
from typing import Any

from playwright.sync_api import Page, expect

from libyaevents.words import split_sentences, split_words
from tests.studio.conftest import Studio, wait_for_state
from tests.studio.pages import span

JSON = dict[str, Any]

# Emoji count two in a browser and one on the server; each article ends in a number: a text is kept once.
TEXT = (
    "قصفت طائرات مسيّرة 😀 مواقع «قوات حفتر» في سرت 🚀🚀 أمس.\n"
    "5 قتلى و3 جرحى في غارة على مطار معيتيقة الدولي بطرابلس، وفق وزارة الصحة بحكومة الوفاق.\n"
    "The New York Times quoted the head of UNSMIL."
)
_NUMBERS = count(1)


def add_article(studio: Studio) -> int:
    """Import the annotated article and return its number."""
    return add_document(studio, make_article(f"{TEXT}\nالنشرة {next(_NUMBERS)}"))


def make_article(text: str) -> JSON:
    """Return the article: names, of which two cross and one lies in another; and three events."""

    def entity(id: str, label: str, part: str) -> JSON:
        return {"id": id, "label": label, **span(text, part)}

    def event(
        id: str, type: str, part: str, factuality: str = "actual", **arguments: tuple[str, str | None]
    ) -> JSON:
        fillers = [
            {"role": role, **span(text, filler), **({"entity_id": name} if name else {})}
            for role, (filler, name) in arguments.items()
        ]
        return {
            "id": id,
            "type": type,
            "factuality": factuality,
            "trigger": span(text, part),
            "arguments": fillers,
        }

    return {
        "format": "libyaevents/1",
        "title": "غارة على سرت 😀",
        "published": "2020-06-06",
        "text": text,
        "sentences": split_sentences(text),
        "entities": [
            entity("T1", "WEAPON", "طائرات مسيّرة"),
            entity("T2", "MILITARY", "قوات حفتر"),
            entity("T3", "GPE", "سرت"),
            entity("T4", "QUANTITY", "5"),
            entity("T5", "FAC", "مطار معيتيقة الدولي"),
            entity("T6", "LOC", "الدولي بطرابلس"),
            entity("T7", "ORG", "وزارة الصحة بحكومة الوفاق"),
            entity("T8", "ORG", "بحكومة الوفاق"),
            entity("T9", "ORG", "New York Times"),
        ],
        "events": [
            event("E1", "AirStrike", "قصفت", Instrument=("طائرات مسيّرة", "T1"), Place=("سرت", "T3")),
            event("E2", "Kill", "قتلى", "possible", Quantity=("5", "T4")),
            event("E3", "AirStrike", "غارة", "negated"),
        ],
    }


def add_document(studio: Studio, document: JSON) -> int:
    """Import a document of the library's own format and return its number."""
    line = json.dumps(document, ensure_ascii=False).encode()
    files = [{"name": "a.jsonl", "content": base64.b64encode(line).decode()}]
    known = {item["number"] for item in studio.ask("/api/documents")["documents"]}
    studio.ask("/api/import", {"author": "سالم", "format": "jsonl", "files": files})
    (number,) = {item["number"] for item in studio.ask("/api/documents")["documents"]} - known
    return int(number)


def find_item(document: JSON, id: str) -> JSON:
    """Return the entity or event of an id."""
    (item,) = (each for each in [*document["entities"], *document["events"]] if each["id"] == id)
    return dict(item)


class Reader:
    """A person at a page that has an article open."""

    def __init__(self, page: Page, studio: Studio, number: int) -> None:
        self.page, self.studio, self.number = page, studio, number
        page.evaluate("(address) => { location.hash = address; }", f"#/documents/{number}")
        wait_for_state(page, f"state.open?.number === {number}")
        page.wait_for_selector(".text .w")
        self.text = str(studio.document(number)["text"])
        self.words = [self.text[start:end] for start, end in split_words(self.text)]

    def word(self, text: str) -> Any:
        """Return the first word of this text."""
        return self.page.locator(f'[data-word="{self.words.index(text)}"]')

    def center(self, text: str) -> tuple[float, float]:
        """Return the middle of a word on the screen."""
        self.word(text).scroll_into_view_if_needed()
        box = self.word(text).bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def click(self, text: str) -> None:
        """Click a word."""
        self.page.mouse.click(*self.center(text))

    def drag(self, first: str, last: str) -> None:
        """Drag from the middle of a word to the middle of another."""
        self.center(last)
        self.pull(self.center(first), last)

    def pull(self, start: tuple[float, float], last: str) -> None:
        """Press at a point and let go over a word."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*self.center(last), steps=6)
        self.page.mouse.up()

    def focus(self, id: str) -> None:
        """Click the label of an entity or event, and wait until the panel is of it, not of the last one."""
        kind = "entity" if id.startswith("T") else "trigger"
        self.page.locator(f'.tag.{kind}[data-id="{id}"]').click()
        expect(self.page.locator(f'.editor-panel.filled[data-id="{id}"]')).to_be_visible()

    def choose(self, typed: str) -> None:
        """Type into the menu that is open, and take its first label."""
        field = self.page.locator(".menu input")
        field.wait_for()
        field.fill(typed)
        field.press("Enter")
        self.page.locator(".menu").wait_for(state="detached")

    def saved(self) -> JSON:
        """Wait until all is saved and return what the server has."""
        wait_for_state(self.page, "state.open.saving === 'saved'")
        return dict(self.studio.document(self.number))

    def item(self, id: str) -> JSON:
        """Wait until all is saved and return an entity or event."""
        return find_item(self.saved(), id)
