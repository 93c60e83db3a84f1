"""A studio that runs as its users run it, and a browser to use it with."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_TIMEOUT_S = 60
# Longer than any step takes on a busy machine; a step that never comes fails after it.
STEP_TIMEOUT_MS = 15_000

OpenPage = Callable[..., Page]


class Studio:
    """A server process with its data folder; it can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [sys.executable, "-m", "libyaevents", "serve", "--data", str(self.folder)]
        log = self.folder.parent / f"{self.folder.name}.log"
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                stderr=stream,
                stdout=stream,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                urlopen(f"{self.url}/api/state", timeout=10).close()
                return
            except (URLError, ConnectionError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"the server did not start: {log.read_text('utf-8')[-2000:]}")
                time.sleep(0.05)

    def kill(self) -> None:
        """End the process as a crash does: no handler of it runs."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        """Ask the process to end, and wait for it."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """GET a path, or POST a body to it as the page does."""
        headers = {"Content-Type": "application/json"}
        if body is not None:
            with urlopen(f"{self.url}/", timeout=10) as answer:
                page = answer.read().decode()
            match = re.search(r'name="libyaevents-token" content="([^"]+)"', page)
            assert match is not None, page[:500]
            headers["X-Libyaevents-Token"] = match[1]
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.url + path, data, headers), timeout=60) as answer:
            return json.load(answer)

    def document(self, number: int) -> Any:
        """Return the document of a number as it is stored."""
        return self.ask(f"/api/documents/{number}")["document"]

    def changes(self, number: int) -> list[Any]:
        """Return what was changed in a document, newest first."""
        return list(self.ask(f"/api/documents/{number}/changes")["changes"])


def wait_for_state(page: Page, condition: str) -> None:
    """Wait until an expression about the page's `state` is true, hearing of its changes as the page does."""
    page.evaluate(
        """async ([timeout]) => {
        const { state, subscribe } = await import("/static/state.js");
        const isTrue = () => CONDITION;
        await new Promise((done, fail) => {
            const timer = setTimeout(() => fail(new Error(`never true: ${isTrue}`)), timeout);
            const check = () => isTrue() && (clearTimeout(timer), leave(), done());
            const leave = subscribe(() => check());
            check();
        });
    }""".replace("CONDITION", condition),
        [STEP_TIMEOUT_MS],
    )


@pytest.fixture(scope="package")  # no longer: while it runs, no other test can run an event loop
def browser() -> Iterator[Browser]:
    """Chromium, headless."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = f"no browser: expected one of {', '.join(BROWSERS)} on the PATH"
        if os.environ.get("LIBYAEVENTS_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Chromium has no sandbox for root, which is who runs in many containers.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def studio(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A server with the shipped model and an empty data folder, one for each module."""
    studio = Studio(tmp_path_factory.mktemp("studio") / "data")
    studio.folder.mkdir()
    studio.start()
    yield studio
    studio.stop()


@pytest.fixture
def open_page(studio: Studio, browser: Browser) -> Iterator[OpenPage]:
    """Open pages of the studio; a script that fails in one of them fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(
        address: str = "#/", *, author: str = "منى", context: BrowserContext | None = None, **options: Any
    ) -> Page:
        if context is None:
            options = {"viewport": {"width": 1280, "height": 800}, **options}
            context = browser.new_context(**options)
            context.set_default_timeout(STEP_TIMEOUT_MS)
            contexts.append(context)
            keep = "localStorage.getItem('libyaevents.author') ?? localStorage.setItem('libyaevents.author', "
            context.add_init_script(f"{keep}{json.dumps(author)})")
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{studio.url}/{address}")
        page.wait_for_selector("main")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The studio's first view, in Arabic, at the width of a laptop, used by منى."""
    page = open_page()
    wait_for_state(page, "state.settings !== null")
    return page
