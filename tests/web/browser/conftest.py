"""A real Chromium before the running site: signed in as anybody of the cast, at desk or phone width.

Whatever a page complains of in the console (a script blocked by the content policy, a file that is missing) fails the
test that looked at it. Screenshots are kept under ``build/screenshots``.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from sqlalchemy import select
from waitress.server import create_server

from cast import Cast
from tenant.db import Database
from tenant.models import Staff
from tenant.services.passwords import hash_password
from tenant.unscoped import Reason, across_offices

PASSWORD = "纸上得来终觉浅-2026"
SIZES = {"desk": (1280, 800), "phone": (390, 844)}
CALM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Arguments that keep a browser on a machine without a screen or a network from reaching for either."""


@dataclass
class Visitor:
    """One person at one browser."""

    page: Page
    address: str
    shots: Path
    size: str
    expected: set[int] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str, *, status: int = 200) -> None:
        """Open a page that answers with ``status``."""
        self.expected.add(status)
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == status, (path, answer.status, answer.text()[:400])

    def sign_in(self, login: str) -> None:
        """Fill in the page for signing in."""
        self.open("/sign-in")
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.follow("form button")

    def shoot(self, name: str) -> None:
        """Keep a picture of the page as it is."""
        self.page.screenshot(path=self.shots / f"{name}-{self.size}.png", full_page=False)

    def follow(self, selector: str) -> None:
        """Click what leads to another page, and wait for it."""
        with self.page.expect_navigation():
            self.page.click(selector)

    def confirm(self) -> None:
        """Answer the dialog with its verb, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.click("dialog[open] button[value=yes]")

    def sees(self, words: str) -> bool:
        """Tell whether the page's main part says ``words``."""
        return words in self.page.inner_text("main")

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def listen(self) -> None:
        """Note what the page complains of; the answer of a page that was expected to refuse is no complaint."""
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))

    def _heard(self, message: ConsoleMessage) -> None:
        refused = any(f"status of {status}" in message.text for status in self.expected if status != 200)
        if message.type in {"error", "warning"} and not refused:
            self.complaints.append(f"{self.page.url}: {message.text}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; where it is missing the test fails."""
    with sync_playwright() as playwright:
        path = os.environ.get("WUGUAN_TEST_CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(CALM))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(app: Flask, database: Database, cast: Cast) -> Iterator[str]:
    """The site, served as in production; everybody of the cast knows the same password."""
    with across_offices(database, Reason.SETTING_UP) as session:
        secret = hash_password(PASSWORD)
        for person in session.scalars(select(Staff)):
            person.password_hash, person.must_change_password = secret, False
        session.commit()
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, name="site")
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(10)


@pytest.fixture(params=sorted(SIZES))
def size(request: pytest.FixtureRequest) -> str:
    """Each width once."""
    return str(request.param)


@pytest.fixture(scope="session")
def shots(pytestconfig: pytest.Config) -> Path:
    """Where the pictures go."""
    folder = pytestconfig.rootpath / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def cookies() -> dict[str, list]:
    """The cookies of who has signed in at this module's site."""
    return {}


@pytest.fixture
def visit(
    chromium: Browser, address: str, size: str, shots: Path, cookies: dict[str, list]
) -> Iterator[Callable[..., Visitor]]:
    """Return how to sit somebody down at a browser: ``visit("north-director")``; at the end nothing complained."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def seated(login: str | None = None, *, dark: bool = False, has_scripts: bool = True) -> Visitor:
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            locale="zh-CN",
            color_scheme="dark" if dark else "light",
            java_script_enabled=has_scripts,
        )
        contexts.append(context)
        visitor = Visitor(context.new_page(), address, shots, size)
        visitors.append(visitor)
        visitor.listen()
        if login is not None and login in cookies:
            context.add_cookies(cookies[login])
            visitor.open("/")
        elif login is not None:
            visitor.sign_in(login)
            cookies[login] = context.cookies()
        return visitor

    yield seated
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    for context in contexts:
        context.close()
    assert complaints == []
