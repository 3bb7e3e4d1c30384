"""Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_confmat.report.page.page import write_page
from pytest_confmat.result import GateResult

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Without these a browser looks for updates, and waits where there is no network.
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    api = pytest.importorskip(
        "playwright.sync_api", reason="the page is not tried in a browser: pip install playwright"
    )
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("the page is not tried in a browser: install Chromium")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(_QUIET))
        yield browser
        browser.close()


class Opened:
    """A page in a browser, and what went wrong with it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.problems: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.problems.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", lambda dialog: self.problems.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self.requests.append(request.url))

    def table(self, name: str) -> list[list[str]]:
        """Texts of a table's cells, of the rows that are shown."""
        return self.page.evaluate(
            "id => [...document.getElementById(id).rows].filter(row => !row.hidden)"
            ".map(row => [...row.cells].map(cell => cell.textContent.trim()))",
            name,
        )

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def examples(self) -> list[str]:
        return self.page.locator("#examples-list li div.mono").all_text_contents()


@pytest.fixture
def open_page(chromium, tmp_path):
    """Opens the page of a result from a file, and fails the test if anything goes wrong in it."""
    opened = []

    def open_it(result: GateResult, scheme: str = "light", fragment: str = "") -> Opened:
        path = tmp_path / "report.html"
        write_page(result, path)
        context = chromium.new_context(
            color_scheme=scheme, viewport={"width": 1200, "height": 1000}
        )
        found = Opened(context.new_page())
        opened.append((context, found))
        found.page.goto(path.as_uri() + fragment)
        found.page.wait_for_selector("html[data-ready]", state="attached")
        return found

    yield open_it
    problems = [problem for _, found in opened for problem in found.problems]
    requests = [url for _, found in opened for url in found.requests]
    for context, _ in opened:
        context.close()
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []


@pytest.fixture
def open_served(chromium, tmp_path):
    """Opens the page of a result from a server that sends a policy of its own."""
    servers, contexts = [], []

    def open_it(result: GateResult, policy: str) -> Any:
        write_page(result, tmp_path / "report.html")

        class Handler(SimpleHTTPRequestHandler):
            def end_headers(self) -> None:
                self.send_header("Content-Security-Policy", policy)
                super().end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        contexts.append(chromium.new_context())
        page = contexts[-1].new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/report.html")
        return page

    yield open_it
    for context in contexts:
        context.close()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def page_folder() -> Path:
    return Path(__file__).parents[3] / "pytest_confmat/report/page"
