"""What the tests of views need of a page: ask the server as the page does, fill the library, go somewhere."""

import base64
import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from uuid import uuid4

from playwright.sync_api import Browser, BrowserContext, Page

JSON = dict[str, Any]

PLACES = ("سرت", "مصراتة", "ترهونة")
_numbers = count(1)


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a browser's profile in which منى works; frames of pictures are sandboxed and have no storage."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(10_000)
    context.add_init_script("try { localStorage.setItem('libyaevents.author', 'منى'); } catch {}")
    return context


def ask(page: Page, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """GET a path of the API, or POST a body to it, with the page's own token and author."""
    script = """async ([path, body]) => {
        const api = await import("/static/api.js");
        return body === null ? api.get(path) : api.post(path, body);
    }"""
    return page.evaluate(script, [path, None if body is None else dict(body)])


def clear(page: Page) -> None:
    """Take every article out of the list, so that the studio is as it was at first."""
    script = """async () => {
        const { get, del } = await import("/static/api.js");
        const { documents } = await get("/api/documents");
        for (const { number } of documents) await del(`/api/documents/${number}`);
        await (await import("/static/library_actions.js")).loadDocuments();
    }"""
    page.evaluate(script)
    page.wait_for_function("() => document.querySelector('.steps') !== null")


def fill(page: Page) -> list[int]:
    """Add three articles that nothing else has, of which the last is done; return their numbers."""
    run = next(_numbers)
    import_documents(page, [make_document(f"{run}-{place}", place, run=run) for place in PLACES])
    numbers = [int(item["number"]) for item in ask(page, "/api/documents")["documents"]]
    revision = ask(page, f"/api/documents/{numbers[-1]}")["revision"]
    done = {"layer": "shared", "base": revision, "change_id": str(uuid4()), "state": "done"}
    ask(page, f"/api/documents/{numbers[-1]}/changes", done)
    page.evaluate("async () => (await import('/static/library_actions.js')).loadDocuments()")
    page.wait_for_function("() => document.querySelectorAll('.articles > li').length === 3")
    return numbers


def set_author(page: Page, name: str) -> None:
    """Say who is writing, as the dialog for it does."""
    page.evaluate("async (name) => (await import('/static/actions.js')).setAuthor(name)", name)


def set_language(page: Page, language: str) -> None:
    """Switch the language, as the button of the header does."""
    page.evaluate(
        "async (name) => { (await import('/static/actions.js')).setLanguage(name);"
        " await new Promise(requestAnimationFrame); }",
        language,
    )
    page.wait_for_function("(name) => document.documentElement.lang === name", arg=language)


def go(page: Page, address: str) -> None:
    """Follow a link within the page and wait for the view's title or the article's text."""
    page.evaluate("(address) => { location.hash = address; }", address)
    page.wait_for_function("(address) => location.hash === address", arg=address)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def encode_file(name: str, text: str) -> JSON:
    """Return a file as /api/import takes it."""
    return {"name": name, "content": base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()}


def import_documents(page: Page, documents: Sequence[JSON], **more: Any) -> Any:
    """Import annotated documents of the library's own format."""
    lines = "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)
    return ask(page, "/api/import", {"format": "jsonl", "files": [encode_file("a.jsonl", lines)], **more})


def span(text: str, part: str) -> JSON:
    """Return where a part of a text stands first, in code points."""
    start = text.index(part)
    return {"start": start, "end": start + len(part), "text": part}


def make_document(
    name: str, place: str, *, label: str = "GPE", type: str = "AirStrike", run: int = 0
) -> JSON:
    """Return an annotated article about an air strike at a place; `run` makes its text another."""
    text = f"قصفت طائرة مسيرة مستودعا في {place} فجر الجمعة، وقال مصدر عسكري إن {run + 3} جنود قتلوا."
    return {
        "format": "libyaevents/1",
        "id": name,
        "title": f"غارة على {place}",
        "published": "2020-06-07",
        "source": "وكالة التضامن",
        "text": text,
        "entities": [
            {"id": "T1", "label": label, **span(text, place)},
            {"id": "T2", "label": "QUANTITY", **span(text, str(run + 3))},
        ],
        "events": [
            {
                "id": "E1",
                "type": type,
                "factuality": "actual",
                "trigger": span(text, "قصفت"),
                "arguments": [
                    {"role": "Place", "entity_id": "T1", **span(text, place)},
                    {"role": "Source", **span(text, "مصدر عسكري")},
                ],
            }
        ],
    }
