"""The views around the editor: adding, list, queue, agreement, pictures, downloads, training, history."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, Route, expect

from libyaevents.ontology import load_ontology
from tests.studio.conftest import OpenPage
from tests.studio.pages import (
    JSON,
    ask,
    clear,
    fill,
    go,
    import_documents,
    make_document,
    new_context,
    set_language,
)

STATIC = Path(__file__).parents[2] / "libyaevents" / "server" / "static"
ARTICLE = "اندلعت اشتباكات في ضواحي ترهونة صباح السبت، وأصيب خمسة مدنيين بحسب الهلال الأحمر."


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One user for all tests, whose browser need not fetch every script anew."""
    context = new_context(browser, timezone_id="UTC")
    yield context
    context.close()


@pytest.fixture
def page(open_page: OpenPage, context: BrowserContext) -> Iterator[Page]:
    """An empty studio in Arabic, at the width of a laptop."""
    page = open_page(context=context)
    clear(page)
    yield page
    page.close()


@pytest.fixture
def library(page: Page) -> Page:
    """A studio with three articles, of which the last is done."""
    fill(page)
    return page


TABLES = """async () => {
    const { STRINGS } = await import("/static/strings.js");
    return STRINGS;
}"""


def holes(entry: Any) -> set[str]:
    """Return the names of the values that a sentence takes, over all its forms."""
    return set(re.findall(r"\{(\w+)\}", json.dumps(entry, ensure_ascii=False)))


class TestStrings:
    """What the page says."""

    def test_both_languages_say_everything(self, page: Page) -> None:
        """Each entry has Arabic and English, which take the same values but for a count that is a word."""
        for key, entry in page.evaluate(TABLES).items():
            assert set(entry) == {"ar", "en"}, key
            assert holes(entry["ar"]) == holes(entry["en"]), key

    def test_counts_have_every_form_of_arabic(self, page: Page) -> None:
        """An entry that counts says two, few and many, as Arabic does."""
        counted = [entry for entry in page.evaluate(TABLES).values() if isinstance(entry["ar"], dict)]
        assert counted
        assert all(set(entry["ar"]) - {"zero"} == {"one", "two", "few", "many", "other"} for entry in counted)

    def test_every_key_that_the_page_uses_is_there(self, page: Page) -> None:
        """No view asks for a sentence that no table has."""
        used = {
            key
            for file in STATIC.rglob("*.js")
            for key in re.findall(r"\bt\(\s*\"([\w.]+)\"", file.read_text("utf-8"))
        }
        assert used
        assert used <= set(page.evaluate(TABLES))

    def test_every_label_has_a_gloss(self, page: Page) -> None:
        """The labels of the ontology are glossed in Arabic, each differently within its kind."""
        ontology = load_ontology()
        labels = {
            "entity": ontology.entity_labels,
            "event": ontology.event_labels,
            "role": ontology.role_labels,
            "factuality": ontology.factuality_labels,
        }
        script = """async (labels) => {
            const { gloss } = await import("/static/strings.js");
            return Object.entries(labels).map(([kind, names]) => names.map((name) => gloss(kind, name)));
        }"""
        for glosses in page.evaluate(script, {kind: list(names) for kind, names in labels.items()}):
            assert all(glosses)
            assert len(set(glosses)) == len(glosses)

    def test_an_unclosed_override_in_a_value_is_shown(self, page: Page) -> None:
        """A name that holds a bidi override cannot reorder the sentence around it."""
        script = """async () => {
            const { t } = await import("/static/strings.js");
            return t("layer.of", { name: "سالم\\u2069\\u202e" });
        }"""
        assert page.evaluate(script) == "قراءة \u2068سالم⟨U+2069⟩⟨U+202E⟩\u2069"


class TestAdding:
    """Articles that are pasted, opened or dropped."""

    def test_an_empty_studio_offers_three_ways_to_begin(self, page: Page) -> None:
        """Who comes first can paste, open files, or try the example, which opens read."""
        for name in ("لصق مقالة", "فتح ملفات", "تجربة المثال المرفق"):
            expect(page.get_by_role("heading", name=name)).to_be_visible()
        page.get_by_role("button", name="تجربة المثال المرفق").click()
        expect(page).to_have_url(re.compile(r"#/documents/\d+$"))
        expect(page.locator("main")).to_contain_text("كتيبة أبناء الوادي")

    def test_a_pasted_article_keeps_its_date_title_and_source(self, page: Page) -> None:
        """What is given with the text stands in the list; the same text is kept once."""
        for _ in range(2):
            go(page, "#/")
            page.evaluate(
                "async () => (await import('/static/library_actions.js')).setLibrary({ isAdding: true })"
            )
            page.get_by_label("نص المقالة").fill(ARTICLE)
            page.get_by_label("تاريخ النشر").fill("2020-06-06")
            page.get_by_label("العنوان").fill("اشتباكات قرب ترهونة")
            page.get_by_label("المصدر").fill("شبكة الرصيف")
            page.get_by_role("button", name="إضافة وقراءة").click()
            expect(page).to_have_url(re.compile(r"#/documents/\d+$"))
        go(page, "#/")
        item = page.locator(".articles > li").filter(has_text="اشتباكات قرب ترهونة")
        expect(item).to_have_count(1)
        expect(item).to_contain_text("شبكة الرصيف")
        expect(item).to_contain_text("6 يونيو 2020")

    def test_nothing_pasted_is_said_beside_the_field(self, page: Page) -> None:
        """The fault is tied to the field, for screen readers too."""
        page.get_by_role("button", name="لصق مقالة").click()
        field = page.get_by_label("نص المقالة")
        expect(field).to_be_focused()
        page.get_by_role("button", name="إضافة وقراءة").click()
        expect(page.get_by_role("alert").filter(has_text="الصق نص المقالة أولا")).to_be_visible()
        assert field.get_attribute("aria-invalid") == "true"

    def test_a_refused_file_stops_no_other(self, page: Page) -> None:
        """What cannot be read stays listed with its reason; the rest is added, what is there already told."""
        files: list[FilePayload] = [
            {"name": "أ.txt", "mimeType": "text/plain", "buffer": ARTICLE.encode()},
            {"name": "مكسور.txt", "mimeType": "text/plain", "buffer": b"%PDF-1.7\n\x00\x01"},
            {"name": "صورة.png", "mimeType": "image/png", "buffer": b"\x89PNG"},
            {"name": "فارغ.txt", "mimeType": "text/plain", "buffer": b""},
            {"name": "ب.txt", "mimeType": "text/plain", "buffer": (ARTICLE + " وتجددت ليلا.").encode()},
            {"name": "ج.txt", "mimeType": "text/plain", "buffer": ARTICLE.encode()},
        ]
        page.locator("input[type=file][multiple]").set_input_files(files)
        panel = page.locator("section.panel").filter(has_text="ما لم يُضف")
        expect(panel).to_contain_text("أُضيفت مقالتان")
        expect(panel).to_contain_text("مقالة واحدة موجودة من قبل")
        expect(panel).to_contain_text("رُفضت 3 ملفات")
        told = panel.locator(".refused").first.locator("li")
        expect(told.filter(has_text="مكسور.txt")).to_contain_text("PDF")
        expect(told.filter(has_text="صورة.png")).to_contain_text("لا يُعرف نوعه")
        expect(told.filter(has_text="فارغ.txt")).to_contain_text("الملف فارغ")
        expect(page.locator(".articles > li")).to_have_count(2)

    def test_dropped_files_have_a_target_and_a_limit(self, page: Page) -> None:
        """While files are over the page it says so; one over the limit is refused before it is sent."""
        sent: list[int] = []
        page.on("request", lambda request: sent.append(len(request.post_data or "")))
        script = """() => {
            window.transfer = new DataTransfer();
            window.transfer.items.add(new File([new ArrayBuffer(25 * 2 ** 20)], "ضخم.txt"));
            const init = { dataTransfer: window.transfer, bubbles: true, cancelable: true };
            window.dispatchEvent(new DragEvent("dragenter", init));
        }"""
        page.evaluate(script)
        expect(page.locator(".drop-now")).to_be_visible()
        page.evaluate("""() => {
            const init = { dataTransfer: window.transfer, bubbles: true, cancelable: true };
            window.dispatchEvent(new DragEvent("drop", init));
        }""")
        expect(page.locator(".drop-now")).to_have_count(0)
        expect(page.locator(".refused")).to_contain_text("حجمه")
        expect(page.locator(".refused")).to_contain_text("25 ميغابايت")
        assert max(sent, default=0) < 1_000_000

    def test_files_are_told_apart(self, page: Page) -> None:
        """A folder of an annotation tool goes as a whole, other files alone; JSON tells what it is."""
        script = """async () => {
            const { planUnits, formatOf } = await import("/static/adding.js");
            const formats = [{ name: "brat", kind: "folder" }, { name: "jsonl", kind: "file" }];
            const plan = (...paths) => planUnits(paths.map((path) => ({ path })), "auto", formats)
                .map(({ name, format, files }) => [name, format, files.length]);
            const line = async (value) => formatOf(new File([JSON.stringify(value)], "a.jsonl"));
            return [
                plan("a.txt", "b.jsonl"),
                plan("مشروع/a.txt", "مشروع/a.ann", "مشروع/annotation.conf", "مشروع/صورة.png", "وحده.txt"),
                plan("m/x/a.txt", "m/x/a.ann", "m/y/b.txt"),
                [await line({ text: "x" }), await line({ text: "x", label: [[0, 1, "GPE"]] }),
                 await line({ format: "libyaevents/1", text: "x", events: [{}] }),
                 await line({ format: "libyaevents/1", text: "x" })],
            ];
        }"""
        assert page.evaluate(script) == [
            [["a.txt", "auto", 1], ["b.jsonl", "auto", 1]],
            [["مشروع", "brat", 3], ["مشروع/صورة.png", "auto", 1], ["وحده.txt", "auto", 1]],
            [["m", "brat", 3]],
            ["text", "doccano", "jsonl", "text"],
        ]


class TestList:
    """The list, its filters, and what is most worth reading."""

    def test_the_filters_find_by_words_and_state(self, library: Page) -> None:
        """Words of a title, source or text, and the state of the shared reading."""
        library.get_by_label("بحث في القائمة").fill("سرت")
        expect(library.locator(".articles > li")).to_have_count(1)
        library.get_by_label("بحث في القائمة").fill("لا شيء كهذا")
        library.get_by_role("button", name="إظهار الكل").click()
        expect(library.locator(".articles > li")).to_have_count(3)
        library.get_by_label("الحالة").select_option("done")
        expect(library.locator(".articles > li")).to_have_count(1)

    def test_the_queue_says_what_to_read_first(self, library: Page) -> None:
        """The order by worth leaves out what is done and counts uncertain sentences; the editor gets them."""
        library.get_by_label("الترتيب").select_option("queue")
        expect(library.get_by_role("link", name="افتح الأولى")).to_be_visible()
        expect(library.locator(".articles .facts strong")).to_have_count(2)
        queue = library.evaluate("async () => (await import('/static/state.js')).state.queue")
        assert len(queue) == 2
        assert all(sentences for sentences in (item["uncertain_sentences"] for item in queue))

    def test_a_removed_article_can_be_put_back(self, library: Page) -> None:
        """Removing hides; the page offers to put it back at once."""
        item = library.locator(".articles > li").filter(has_text="سرت")
        item.locator("summary").click()
        item.get_by_role("button", name="حذف من القائمة").click()
        expect(library.locator(".articles > li")).to_have_count(2)
        library.get_by_role("button", name="إرجاعها").click()
        expect(library.locator(".articles > li")).to_have_count(3)


class TestAgreement:
    """Two readings compared."""

    def test_one_reading_is_no_comparison(self, library: Page) -> None:
        """The view says how a second reading is made."""
        go(library, "#/agreement")
        expect(library.locator("main")).to_contain_text("المقارنة تحتاج إلى قراءتين")

    def test_differences_lead_into_the_text(self, library: Page) -> None:
        """Another's annotation of the same article is compared; a difference is a link to its place."""
        document = ask(library, f"/api/documents/{ask(library, '/api/documents')['documents'][0]['number']}")[
            "document"
        ]
        document["entities"][0]["label"] = "LOC"
        import_documents(library, [document], as_layer="ليلى")
        go(library, "#/agreement")
        expect(library.get_by_role("table")).to_have_count(2)
        difference = library.locator(".changes > li").first
        expect(difference).to_contain_text("سرت")
        expect(difference).to_contain_text("GPE")
        expect(difference).to_contain_text("LOC")
        difference.get_by_role("link", name="قراءة \u2068ليلى\u2069").click()
        expect(library).to_have_url(re.compile(r"#/documents/\d+/%D9%84%D9%8A%D9%84%D9%89$"))


class TestPicturesAndDownloads:
    """What is made of the articles at hand."""

    @pytest.mark.parametrize("picture", ["map", "timeline", "claims"])
    def test_a_picture_shows_the_articles(self, library: Page, picture: str) -> None:
        """Each picture is drawn in its frame, which runs no scripts."""
        go(library, f"#/pictures/{picture}")
        frame = library.frame_locator("iframe")
        expect(frame.locator("body")).to_contain_text("مصراتة")
        assert library.locator("iframe").get_attribute("sandbox") == "allow-popups"

    def test_a_file_comes_whole(self, library: Page) -> None:
        """The table of events is downloaded, and what the choice of articles is, is said."""
        library.get_by_role("button", name="تنزيل", exact=True).click()
        with library.expect_download() as download:
            library.get_by_role("button", name="تنزيل \u2068CSV\u2069").click()
        rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
        assert len(rows) == 3
        expect(library.locator("dialog .notice")).to_be_visible()

    def test_what_a_format_cannot_hold_is_said(self, library: Page) -> None:
        """Columns have no place for scores; the dialog says so."""
        document = make_document("مشكوك", "درنة")
        document["events"][0]["score"] = 0.75
        import_documents(library, [document])
        library.get_by_role("button", name="تنزيل", exact=True).click()
        with library.expect_download():
            library.get_by_role("button", name="تنزيل \u2068CoNLL-U Plus\u2069").click()
        expect(library.locator("dialog .notice.warn")).to_contain_text("ما لم تتسع له هذه الصيغة")


class TestTraining:
    """Retraining, as the page follows it; the training itself is tested in tests/server."""

    IDLE: ClassVar[JSON] = {"state": "idle", "step": None, "n_steps": None, "lines": []}

    def follow(self, page: Page, **status: Any) -> None:
        """Open the view over a training that stands so."""
        answer = {**self.IDLE, "has_report": False, "verdict": None, "run": "1", **status}
        page.route("**/api/retraining", lambda route: route.fulfill(json=answer))
        go(page, "#/retraining")

    def test_without_done_articles_it_says_what_to_do(self, page: Page) -> None:
        """There is nothing to train on, and no button to press in vain."""
        go(page, "#/retraining")
        expect(page.locator("main")).to_contain_text("لا مقالة مكتملة بعد")
        expect(page.get_by_role("button", name="بدء التدريب")).to_have_count(0)

    def test_before_it_says_how_long(self, library: Page) -> None:
        """How many articles are done, and about how long training on them takes."""
        go(library, "#/retraining")
        expect(library.locator("main")).to_contain_text("مقالة مكتملة واحدة")
        expect(library.locator("main")).to_contain_text("نحو \u206840 ثانية\u2069")

    def test_progress_is_followed(self, library: Page) -> None:
        """The bar stands where the training is, and the view asks again by itself."""
        steps = iter(range(120, 400, 80))
        answer = {**self.IDLE, "state": "running", "stage": "train", "n_steps": 400, "seconds": 75}
        answer |= {
            "lines": ["info: trained 120 of 400 steps"],
            "has_report": False,
            "verdict": None,
            "run": "1",
        }

        def reply(route: Route) -> None:
            route.fulfill(json={**answer, "step": next(steps, 399)})

        library.route("**/api/retraining", reply)
        go(library, "#/retraining")
        expect(library.get_by_role("progressbar")).to_have_js_property("value", 120)
        expect(library.get_by_role("progressbar")).to_have_js_property("value", 200)
        expect(library.get_by_role("button", name="إيقاف التدريب")).to_be_visible()

    def test_an_accepted_model_is_offered(self, library: Page) -> None:
        """After the verdict and the report, the new model is taken with one button."""
        used: list[Any] = []

        def use(route: Route) -> None:
            used.append(route.request.post_data_json)
            route.fulfill(json={"model": "retrained"})

        library.route("**/api/model", use)
        library.route("**/api/retraining/report", lambda route: route.fulfill(body="<p>F1</p>"))
        self.follow(library, state="accepted", has_report=True, verdict="accepted: no label got worse")
        expect(library.locator(".notice.good")).to_contain_text("accepted: no label got worse")
        expect(library.frame_locator("iframe").locator("p")).to_have_text("F1")
        library.get_by_role("button", name="استعمال النموذج الجديد").click()
        library.wait_for_function(
            "() => !document.querySelector('main').textContent.includes('جارٍ تحميل النموذج')"
        )
        assert [body["model"] for body in used] == ["retrained"]

    @pytest.mark.parametrize("state", ["rejected", "failed", "stopped"])
    def test_any_other_end_says_what_now(self, library: Page, state: str) -> None:
        """The verdict says what became of the present model, and training can be begun again."""
        self.follow(library, state=state, lines=["error: out of memory"])
        expect(library.locator("main .notice").first).to_be_visible()
        expect(library.get_by_role("button", name=re.compile("التدريب"))).to_have_count(1)


class TestHistory:
    """Who changed what when."""

    def test_a_change_is_told_in_words_and_undone(self, library: Page) -> None:
        """A retyped event is said with both types; undoing it is a change of its own."""
        number = self.retype(library, "Shelling")
        go(library, f"#/documents/{number}")
        library.locator("main h1").wait_for()
        library.evaluate("async () => (await import('/static/state.js')).openDialog('history')")
        first = library.locator("dialog .changes > li").first
        expect(first).to_contain_text("منى")
        expect(first).to_contain_text("غيّر نوع الحدث «\u2068قصفت\u2069» من")
        expect(first).to_contain_text("AirStrike")
        expect(first).to_contain_text("Shelling")
        first.get_by_role("button", name="تراجع").click()
        expect(library.locator("dialog .changes > li").nth(1)).to_contain_text("تغيّر بعدها")
        document = ask(library, f"/api/documents/{number}?layer=shared")["document"]
        assert document["events"][0]["type"] == "AirStrike"

    def retype(self, page: Page, type: str) -> int:
        """Give the only event of the first article another type; return the article's number."""
        number = ask(page, "/api/documents")["documents"][0]["number"]
        opened = ask(page, f"/api/documents/{number}?layer=shared")
        event = {**opened["document"]["events"][0], "type": type}
        body = {"layer": "shared", "base": opened["revision"], "put": {"entities": [], "events": [event]}}
        ask(page, f"/api/documents/{number}/changes", {**body, "remove": [], "change_id": str(uuid4())})
        return int(number)


class TestLanguage:
    """Arabic by default, English beside it."""

    def test_both_directions_hold_the_same_views(self, library: Page) -> None:
        """Switching turns the page around and keeps the view."""
        assert library.evaluate("document.documentElement.dir") == "rtl"
        library.get_by_role("button", name="English").click()
        expect(library.get_by_role("heading", name="Articles", exact=True)).to_be_visible()
        assert library.evaluate("[document.documentElement.lang, document.documentElement.dir]") == [
            "en",
            "ltr",
        ]
        set_language(library, "ar")
        expect(library.get_by_role("heading", name="المقالات", exact=True)).to_be_visible()
