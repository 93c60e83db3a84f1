"""The documentation site: it builds without a warning, and needs nothing from elsewhere."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

import libyaevents

ROOT = Path(__file__).parents[1]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# What a browser fetches by itself: scripts, styles, pictures, fonts. Links to follow are another thing.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc="?(?:https?:)?//[^>]*"""
    r"""|<link\b(?![^>]*\brel="?canonical)[^>]*\bhref="?(?:https?:)?//[^>]*"""
    r"""|(?:@import\s|url\()["']?(?:https?:)?//[^)]*"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning fails the build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    """Each page of docs/ is a page of the site, and so are those that it leads to outside."""
    pages = {path.relative_to(site).as_posix() for path in site.glob("**/*.html")}
    assert {f"{path.stem}.html" for path in ROOT.glob("docs/*.md")} <= pages
    outside = {"index.html", "CHANGELOG.html", "models/compact/index.html"}
    assert {f"repository/{page}" for page in outside} | {"commands.html"} <= pages


def test_site_loads_nothing_from_elsewhere(site: Path) -> None:
    """No page fetches a script, a style, a picture or a font from another host."""
    texts = {
        path: path.read_text(encoding="utf-8") for path in site.rglob("*") if path.suffix in (".html", ".css")
    }
    found = {path.name: FETCHED.findall(text)[:1] for path, text in texts.items() if FETCHED.search(text)}
    assert len(texts) > 30
    assert found == {}


def test_docstrings_are_in_the_site(site: Path) -> None:
    """The page of the API holds a section for every public name."""
    page = (site / "api.html").read_text(encoding="utf-8")
    ids = set(re.findall(r'id="?([\w.]+)', page))
    public = {getattr(libyaevents, name) for name in libyaevents.__all__ if name != "__version__"}
    names = {f"libyaevents.{each.__name__}" for each in public}
    assert names <= ids | {f"libyaevents.{each.rpartition('.')[2]}" for each in ids}


def test_arabic_page_is_right_to_left(site: Path) -> None:
    """The Arabic quickstart has its direction and its language, and its markup was read."""
    page = (site / "quickstart-ar.html").read_text(encoding="utf-8")
    assert re.search(r'<div dir="?rtl"? lang="?ar"?', page)
    assert 'id="التثبيت"' in page
    assert "```" not in page


@pytest.mark.skipif(
    BROWSER is None and not os.environ.get("LIBYAEVENTS_REQUIRE_BROWSER"), reason="no browser on the path"
)
def test_search_works_from_a_file(site: Path) -> None:
    """Opened without a server, the site finds English and Arabic words, and asks no host for anything."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        for word, title in (
            ("fingerprint", "Work without a network"),
            ("الاستوديو", "البداية السريعة"),
        ):
            page.goto((site / "index.html").as_uri())
            box = page.get_by_role("textbox", name="Search")
            box.fill(word)
            box.press("End")  # the theme reads the box when a key is let go
            found = page.locator(".md-search-result__item").filter(has_text=title).first
            found.wait_for(timeout=20_000)
        browser.close()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
