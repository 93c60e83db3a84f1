"""Correcting an article by mouse and touch: what is drawn, and what the server has afterwards."""

import json
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from libyaevents.words import split_sentences, split_words
from tests.studio.articles import Reader, add_article, add_document, find_item
from tests.studio.conftest import OpenPage, Studio
from tests.studio.pages import span

OVERLAPS = """() => {
    const boxes = [...document.querySelectorAll('.tag')]
        .map((tag) => [tag.dataset.label, tag.getBoundingClientRect()]);
    return boxes.flatMap(([name, one], place) => boxes.slice(place + 1)
        .filter(([, other]) => one.left < other.right - 1 && other.left < one.right - 1
            && one.top < other.bottom - 1 && other.top < one.bottom - 1)
        .map(([other]) => `${name} over ${other}`));
}"""


@pytest.fixture
def reader(page: Page, studio: Studio) -> Reader:
    """Somebody who has just opened the article."""
    return Reader(page, studio, add_article(studio))


@pytest.fixture(scope="module")
def article_number(studio: Studio) -> int:
    """The packaged article, in which nearly every line has names and events."""
    line = files("libyaevents").joinpath("data/article.jsonl").read_text(encoding="utf-8").splitlines()[0]
    return add_document(studio, json.loads(line))


@pytest.fixture(scope="module")
def long_number(studio: Studio) -> int:
    """An article of two thousand words, many of them marked."""
    return add_document(studio, make_long())


class TestDrawing:
    """What is seen of an article."""

    def test_the_text_is_whole(self, reader: Reader) -> None:
        """Every character of the text stands in it once, whatever marks nest and cross."""
        shown = reader.page.evaluate(
            "() => [...document.querySelectorAll('.text .line')].map((line) => line.textContent).join('\\n')"
        )
        assert shown == reader.text

    def test_every_mark_has_its_label(self, reader: Reader) -> None:
        """Nested and crossing marks keep a label each; factuality stands beside the type."""
        labels = reader.page.locator(".tag").evaluate_all("(tags) => tags.map((tag) => tag.dataset.label)")
        document = reader.studio.document(reader.number)
        assert sorted(label for label in labels if " · " not in label and label != "AirStrike") == sorted(
            entity["label"] for entity in document["entities"]
        )
        assert {"Kill · possible", "AirStrike · negated"} <= set(labels)

    @pytest.mark.parametrize("width", [1280, 390])
    def test_labels_do_not_collide(
        self, studio: Studio, open_page: OpenPage, article_number: int, width: int
    ) -> None:
        """No label lies over another, with an event focused and its roles shown, on laptop and phone."""
        page = open_page(viewport={"width": width, "height": 844})
        for number in (article_number, add_article(studio)):
            reader = Reader(page, studio, number)
            assert page.evaluate(OVERLAPS) == []
            reader.focus("E1")
            page.locator(".tag.argument").first.wait_for()
            assert page.evaluate(OVERLAPS) == []

    def test_paragraphs_have_their_own_direction(self, reader: Reader) -> None:
        """Arabic runs from the right and English from the left."""
        directions = reader.page.locator(".text .line").evaluate_all(
            "(lines) => lines.map((line) => getComputedStyle(line).direction)"
        )
        assert directions == ["rtl", "rtl", "ltr", "rtl"]

    def test_the_panel_tells_what_was_resolved(self, reader: Reader) -> None:
        """An event shows when and where it happened, a place where it lies."""
        reader.focus("E1")
        facts = reader.page.locator(".resolved")
        expect(facts).to_contain_text("6 يونيو 2020")
        expect(facts).to_contain_text("سرت")
        reader.focus("T3")
        expect(facts).to_contain_text("31.2")


class TestMarking:
    """Adding and changing marks."""

    def test_offsets_count_code_points(self, reader: Reader) -> None:
        """A name marked behind emoji has the offsets that Python counts, and so do the emoji themselves."""
        reader.drag("بحكومة", "الوفاق")
        reader.choose("MILITARY")
        assert find_item(reader.saved(), "T8") == {
            "id": "T8",
            "label": "MILITARY",
            **span(reader.text, "بحكومة الوفاق"),
        }
        reader.drag("UNSMIL", "of")
        reader.choose("ORG")
        assert reader.item("T10") == {"id": "T10", "label": "ORG", **span(reader.text, "of UNSMIL")}
        reader.drag("😀", "مواقع")
        reader.choose("WEAPON")
        assert reader.item("T11") == {"id": "T11", "label": "WEAPON", **span(reader.text, "😀 مواقع")}

    def test_shift_and_click_extend(self, reader: Reader) -> None:
        """Shift and a click select from the cursor to the word."""
        reader.click("مواقع")
        reader.page.keyboard.press("Escape")
        reader.page.keyboard.down("Shift")
        reader.click("حفتر")
        reader.page.keyboard.up("Shift")
        reader.choose("LOC")
        assert reader.item("T10")["text"] == "مواقع «قوات حفتر"

    def test_an_event_gets_its_roles(self, reader: Reader) -> None:
        """A word becomes an event; a name, and then a phrase, get roles in it."""
        reader.click("quoted")
        reader.choose("Accuse")
        panel = reader.page.locator(".editor-panel")
        panel.get_by_role("button", name="Agent").click()
        reader.page.locator('.tag.entity[data-id="T9"]').click()
        panel.get_by_role("button", name="Topic").click()
        reader.drag("the", "head")
        event = reader.item("E4")
        assert (event["type"], event["factuality"]) == ("Accuse", "actual")
        assert event["trigger"] == span(reader.text, "quoted")
        assert event["arguments"] == [
            {"role": "Agent", "entity_id": "T9", **span(reader.text, "New York Times")},
            {"role": "Topic", **span(reader.text, "the head")},
        ]

    def test_an_event_is_corrected_in_the_panel(self, reader: Reader) -> None:
        """Type, factuality and a role are changed, and a role is taken away, each with one control."""
        reader.focus("E1")
        reader.page.locator("#event-type").select_option("Shelling")
        reader.page.get_by_role("radio", name="possible").check()
        reader.page.locator("#role-1").select_option("Destination")
        reader.page.locator(".arguments li").first.get_by_role("button", name="إزالة").click()
        event = reader.item("E1")
        assert (event["type"], event["factuality"]) == ("Shelling", "possible")
        assert [(each["role"], each["entity_id"]) for each in event["arguments"]] == [("Destination", "T3")]

    def test_a_handle_moves_the_end_of_a_name(self, reader: Reader) -> None:
        """Dragging the end of a name changes its words, and the role that it fills moves along."""
        reader.focus("T1")
        handle = reader.page.locator(".handle.end").bounding_box()
        assert handle is not None
        reader.pull((handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2), "مواقع")
        document = reader.saved()
        assert find_item(document, "T1")["text"] == "طائرات مسيّرة 😀 مواقع"
        moved = find_item(document, "E1")["arguments"][0]
        assert (moved["text"], moved["entity_id"]) == ("طائرات مسيّرة 😀 مواقع", "T1")

    def test_deleting_a_name_leaves_the_phrase(self, reader: Reader) -> None:
        """An argument that the name filled stays, without it."""
        reader.focus("T3")
        reader.page.get_by_role("button", name="حذف الاسم").click()
        document = reader.saved()
        assert "T3" not in {entity["id"] for entity in document["entities"]}
        assert find_item(document, "E1")["arguments"][1] == {"role": "Place", **span(reader.text, "سرت")}

    def test_undo_and_redo(self, reader: Reader) -> None:
        """Undoing every edit gives back the document as it was; doing them again gives the same as before."""
        before = reader.studio.document(reader.number)
        reader.focus("E1")
        reader.page.locator("#event-type").select_option("Clash")
        reader.page.keyboard.press("Escape")
        reader.focus("T3")
        reader.page.get_by_role("button", name="حذف الاسم").click()
        after = reader.saved()
        undo = reader.page.get_by_role("button", name="تراجع")
        undo.click()
        undo.click()
        expect(undo).to_be_disabled()
        assert same_marks(reader.saved(), before)
        redo = reader.page.get_by_role("button", name="إعادة")
        redo.click()
        redo.click()
        expect(redo).to_be_disabled()
        assert same_marks(reader.saved(), after)
        mine = [change for change in reader.studio.changes(reader.number) if change["author"] == "منى"]
        assert len(mine) == 6

    def test_clicking_again_goes_to_the_mark_below(self, reader: Reader) -> None:
        """Where marks lie over each other, each click focuses the next."""
        for name in ("الدولي بطرابلس", "مطار معيتيقة الدولي", "الدولي بطرابلس"):
            reader.click("الدولي")
            expect(reader.page.locator(".panel-head .said")).to_have_text(name)
            # Two clicks in a moment are a double click, which selects the word.
            start = reader.page.evaluate("() => performance.now()")
            reader.page.wait_for_function("(start) => performance.now() - start > 450", arg=start)

    def test_a_double_click_selects_a_marked_word(self, reader: Reader) -> None:
        """It opens the menu for the word itself, so that a mark can be put within a mark."""
        reader.page.mouse.dblclick(*reader.center("طائرات"))
        reader.choose("NORP")
        assert reader.item("T10")["text"] == "طائرات"

    def test_a_finger_marks_too(self, studio: Studio, open_page: OpenPage) -> None:
        """On a phone a tap opens the menu from below; it and the panel leave no sideways scrolling."""
        page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
        reader = Reader(page, studio, add_article(studio))
        page.touchscreen.tap(*reader.center("مواقع"))
        page.get_by_role("option", name="معلم جغرافي").tap()
        assert reader.item("T10")["label"] == "LOC"
        expect(page.locator(".editor-panel.filled")).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


class TestLongArticles:
    """Two thousand words stay fluent."""

    def test_an_edit_draws_one_paragraph(self, page: Page, studio: Studio, long_number: int) -> None:
        """Retyping a name touches nothing outside its paragraph."""
        reader = Reader(page, studio, long_number)
        reader.focus("T1")
        page.evaluate("""() => {
            window.touched = new Set();
            const lineOf = (node) => (node.nodeType === 1 ? node : node.parentElement).closest('.line');
            const note = ({ target }) => window.touched.add(lineOf(target)?.dataset.first);
            const what = { subtree: true, childList: true, attributes: true, characterData: true };
            const observer = new MutationObserver((records) => records.forEach(note));
            observer.observe(document.querySelector('.text'), what);
        }""")
        page.locator("#entity-type").select_option("LOC")
        assert reader.item("T1")["label"] == "LOC"
        assert page.evaluate("() => [...window.touched]") == ["0"]

    def test_opening_and_editing_take_little_time(self, page: Page, studio: Studio, long_number: int) -> None:
        """Opening takes less than a second of script and an edit less than 200 ms, on a busy machine."""
        reader = Reader(page, studio, long_number)
        times = page.evaluate(TIMES, long_number)
        assert len(reader.words) >= 2000
        assert times["open"] < 1000
        assert times["edit"] < 200


TIMES = """async (number) => {
    const { state, update } = await import('/static/state.js');
    const { openDocument, edit } = await import('/static/actions.js');
    const { retypeEntity } = await import('/static/annotation.js');
    const drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    const shown = state.open;
    update({ open: null });
    await drawn();
    let start = performance.now();
    update({ open: shown });
    await drawn();
    const open = performance.now() - start;
    const label = state.open.document.entities[0].label === 'ORG' ? 'GPE' : 'ORG';
    start = performance.now();
    edit(retypeEntity(state.open.document, 'T1', label));
    await drawn();
    return { open, edit: performance.now() - start };
}"""


def make_long() -> dict[str, Any]:
    """Return an article of two thousand words in 41 paragraphs, with two names and an event in each."""
    line = (
        "قصفت طائرات مسيرة مواقع قوات حفتر في سرت أمس " + "وقال مصدر عسكري إن القوات تقدمت نحو المدينة " * 5
    )
    text = "\n".join([line.strip()] * 41)
    lines = [offset for offset in range(len(text)) if text.startswith("قصفت", offset)]

    def mark(offset: int, part: str) -> dict[str, Any]:
        start = text.index(part, offset)
        return {"start": start, "end": start + len(part), "text": part}

    names = [mark(offset, part) for offset in lines for part in ("قوات حفتر", "سرت")]
    assert len(split_words(text)) >= 2000
    return {
        "text": text,
        "sentences": split_sentences(text),
        "entities": [{"id": f"T{i}", "label": "GPE", **name} for i, name in enumerate(names, 1)],
        "events": [
            {"id": f"E{i}", "type": "AirStrike", "trigger": mark(offset, "قصفت"), "factuality": "actual"}
            for i, offset in enumerate(lines, 1)
        ],
    }


def same_marks(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two documents have the same entities and events, in whatever order."""
    return all(
        sorted(one[kind], key=lambda item: str(item["id"]))
        == sorted(other[kind], key=lambda item: str(item["id"]))
        for kind in ("entities", "events")
    )
