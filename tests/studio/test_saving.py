"""No work is lost: crashes, closed tabs, lost answers, refusals, and two people at one article."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.studio.articles import Reader, add_article, find_item
from tests.studio.conftest import OpenPage, Studio

CHANGES = "**/api/documents/*/changes"
OUTBOX = """() => Object.keys(localStorage).filter((key) => key.startsWith('libyaevents.outbox.'))
    .flatMap((key) => JSON.parse(localStorage[key])).length"""


@pytest.fixture
def reader(page: Page, studio: Studio) -> Reader:
    """منى, who has just opened the article."""
    return Reader(page, studio, add_article(studio))


def retype(reader: Reader, id: str, label: str) -> None:
    """Focus a name and choose another type in the panel."""
    reader.focus(id)
    reader.page.locator("#entity-type").select_option(label)


def mine(studio: Studio, number: int) -> list[Any]:
    """Return the changes that منى made, oldest first."""
    return [change for change in studio.changes(number) if change["author"] == "منى"][::-1]


def labels(studio: Studio, number: int) -> dict[str, str]:
    """Return the stored type of each name."""
    return {entity["id"]: entity["label"] for entity in studio.document(number)["entities"]}


def wait_for_outbox(page: Page, n: int) -> None:
    """Wait until so many changes are kept in the browser."""
    page.wait_for_function(f"(n) => ({OUTBOX})() === n", arg=n)


class TestCrashes:
    """What happens while the server or the page is gone."""

    def test_kill_9_loses_nothing(self, studio: Studio, reader: Reader) -> None:
        """What was acknowledged outlives the server; what was not waits and is sent once it runs again."""
        retype(reader, "T1", "ORG")
        reader.saved()
        studio.kill()
        retype(reader, "T2", "ORG")
        retype(reader, "T3", "LOC")
        expect(reader.page.locator(".saving.waiting")).to_be_visible()
        studio.start()
        assert labels(studio, reader.number)["T1"] == "ORG"
        reader.page.evaluate("() => window.dispatchEvent(new Event('online'))")
        reader.saved()
        stored = labels(studio, reader.number)
        assert (stored["T1"], stored["T2"], stored["T3"]) == ("ORG", "ORG", "LOC")
        assert len(mine(studio, reader.number)) == 3
        assert reader.page.evaluate(OUTBOX) == 0

    def test_the_server_comes_back_by_itself(self, studio: Studio, reader: Reader) -> None:
        """The page tries again without being told, with the token of the new server."""
        studio.kill()
        retype(reader, "T1", "ORG")
        expect(reader.page.locator(".saving.waiting")).to_be_visible()
        studio.start()
        reader.saved()
        assert labels(studio, reader.number)["T1"] == "ORG"

    def test_a_closed_tab_keeps_what_waits(self, studio: Studio, reader: Reader, open_page: OpenPage) -> None:
        """Changes made without a connection are sent when the studio is next opened, wherever in it."""
        context = reader.page.context
        context.set_offline(True)
        retype(reader, "T1", "ORG")
        retype(reader, "T2", "ORG")
        wait_for_outbox(reader.page, 2)
        reader.page.close()
        assert mine(studio, reader.number) == []
        context.set_offline(False)
        page = open_page("#/", context=context)
        wait_for_outbox(page, 0)
        assert [change["put"]["entities"][0]["id"] for change in mine(studio, reader.number)] == ["T1", "T2"]
        again = Reader(page, studio, reader.number)
        expect(again.page.locator('.tag.entity[data-id="T1"]')).to_have_attribute("data-label", "ORG")

    def test_a_lost_answer_is_asked_for_again(self, studio: Studio, reader: Reader) -> None:
        """A change whose answer never came is sent again under its id, and applied once."""
        lost = []

        def lose(route: Route) -> None:
            route.fetch()
            lost.append(route.request.post_data)
            route.abort()

        reader.page.route(CHANGES, lose, times=1)
        retype(reader, "T1", "ORG")
        reader.saved()
        assert len(lost) == 1
        assert len(mine(studio, reader.number)) == 1

    def test_the_outbox_of_an_open_tab_is_its_own(
        self, studio: Studio, reader: Reader, open_page: OpenPage
    ) -> None:
        """A second tab leaves alone what waits in the first, and takes it over once that is closed."""
        reader.page.route(CHANGES, lambda route: route.abort())
        retype(reader, "T1", "ORG")
        wait_for_outbox(reader.page, 1)
        second = Reader(open_page("#/", context=reader.page.context), studio, reader.number)
        assert mine(studio, reader.number) == []
        reader.page.close()
        second.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
        wait_for_outbox(second.page, 0)
        assert labels(studio, reader.number)["T1"] == "ORG"
        expect(second.page.locator('.tag.entity[data-id="T1"]')).to_have_attribute("data-label", "ORG")

    def test_a_refusal_is_shown(self, studio: Studio, reader: Reader) -> None:
        """A change that the server refuses is told with its reason, kept as words, and taken back."""
        reader.page.route(
            CHANGES,
            lambda route: route.fulfill(status=422, json={"error": "expected a label, found none"}),
            times=1,
        )
        retype(reader, "T1", "ORG")
        dialog = reader.page.get_by_role("dialog")
        expect(dialog).to_contain_text("expected a label, found none")
        expect(dialog).to_contain_text("طائرات مسيّرة")
        dialog.get_by_role("button", name="إغلاق").first.click()
        expect(reader.page.locator('.tag.entity[data-id="T1"]')).to_have_attribute("data-label", "WEAPON")
        retype(reader, "T1", "LOC")
        reader.saved()
        assert labels(studio, reader.number)["T1"] == "LOC"

    def test_without_a_name_nothing_is_changed(self, studio: Studio, open_page: OpenPage) -> None:
        """Whoever has given no name is asked for it at the first change, which is then made."""
        reader = Reader(open_page(author=""), studio, add_article(studio))
        retype(reader, "T1", "ORG")
        reader.page.locator("#author-name").fill("هدى")
        reader.page.keyboard.press("Enter")
        reader.saved()
        assert studio.changes(reader.number)[0]["author"] == "هدى"


class TestConflicts:
    """Two people change one article."""

    @pytest.fixture
    def other(self, reader: Reader, studio: Studio, open_page: OpenPage) -> Reader:
        """عمر, who has the article open in a browser of his own, and changes what منى does not see yet."""
        other = Reader(open_page(author="عمر"), studio, reader.number)
        retype(other, "T3", "LOC")
        other.saved()
        return other

    def test_a_conflict_is_shown_and_nothing_overwritten(
        self, studio: Studio, reader: Reader, other: Reader
    ) -> None:
        """The dialog says who changed what, beside what is waiting; the server keeps what it had."""
        retype(reader, "T3", "FAC")
        dialog = reader.page.get_by_role("dialog")
        for text in ("عمر", "سرت", "LOC", "FAC"):
            expect(dialog).to_contain_text(text)
        assert labels(studio, reader.number)["T3"] == "LOC"
        assert mine(studio, reader.number) == []

    def test_theirs_is_taken(self, studio: Studio, reader: Reader, other: Reader) -> None:
        """The page shows theirs; mine stays as text in the history."""
        retype(reader, "T3", "FAC")
        reader.page.get_by_role("button", name="الأخذ بما حُفظ").click()
        reader.saved()
        assert labels(studio, reader.number)["T3"] == "LOC"
        expect(reader.page.locator('.tag.entity[data-id="T3"]')).to_have_attribute("data-label", "LOC")
        reader.page.get_by_role("button", name="السجل").click()
        expect(reader.page.get_by_role("dialog")).to_contain_text("FAC")
        assert mine(studio, reader.number) == []

    def test_mine_is_applied_on_top(self, studio: Studio, reader: Reader, other: Reader) -> None:
        """What one of us changed stays; what both changed is mine, and listed; new names stay too."""
        other.drag("مواقع", "مواقع")
        other.choose("FAC")
        other.saved()
        retype(reader, "T3", "FAC")
        reader.page.get_by_role("dialog").get_by_role("button", name="إغلاق").click()
        reader.page.locator(".saving.danger").click()
        reader.page.get_by_role("button", name="تطبيق تغييري فوقه").click()
        expect(reader.page.get_by_role("dialog")).to_contain_text("FAC")
        reader.page.get_by_role("dialog").get_by_role("button", name="إغلاق").first.click()
        document = reader.saved()
        assert find_item(document, "T3")["label"] == "FAC"
        assert find_item(document, "T10")["text"] == "مواقع"

    def test_new_marks_of_both_are_kept(self, studio: Studio, reader: Reader, other: Reader) -> None:
        """Two new names that would have one id are both there afterwards."""
        other.click("UNSMIL")
        other.choose("ORG")
        other.saved()
        reader.click("head")
        reader.choose("TITLE")
        reader.page.get_by_role("button", name="تطبيق تغييري فوقه").click()
        expect(reader.page.get_by_role("dialog")).to_have_count(0)
        document = reader.saved()
        assert find_item(document, "T10")["text"] == "UNSMIL"
        assert find_item(document, "T11")["text"] == "head"
        assert labels(studio, reader.number)["T3"] == "LOC"
