"""The sandbox's page in a headless Chromium, as a person uses it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.programs import program

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_MS = 30_000
ADDRESS = re.compile(r"in a browser: +(http://127\.0\.0\.1:\d+)")
AXE = Path(__file__).parents[2] / ".venv/node/node_modules/axe-core/axe.min.js"


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo as a process of its own; yield the address of its page."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "bot", "demo"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    lines: list[str] = []
    try:
        while not (found := ADDRESS.search(lines[-1] if lines else "")):
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
        reader = Thread(target=lambda: lines.extend(process.stdout or ()))
        reader.start()
        yield found[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    reader.join(timeout=60)
    process.stdout.close()
    assert "Traceback" not in "".join(lines), "".join(lines)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless Chromium."""
    path = program("chromium", "chromium", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """Somebody who looks at the page; keeps what a browser complains about."""

    def __init__(self, browser: Browser, address: str, **options) -> None:
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        self.complaints: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)
        self.address = address
        self.page.goto(address)
        self.telegram = self.page.get_by_role("region", name="Telegram")
        self.bridge = self.page.get_by_role("region", name="Bridge")
        self.kommo = self.page.get_by_role("region", name="Kommo")

    def _console(self, message) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _failed(self, request) -> None:
        is_left = request.url.endswith("/events")  # the stream ends when the page is left
        if not is_left:
            self.complaints.append(f"{request.url}: {request.failure}")

    def _answered(self, response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.url}: {response.status}")

    def writes(self, side: Locator, text: str) -> None:
        """Write a text on one side and send it."""
        side.get_by_label("Message").fill(text)
        side.get_by_role("button", name="Send").click()

    def attaches(self, side: Locator, entry: str) -> None:
        """Choose something from the menu beside the text box."""
        side.get_by_label("Attach", exact=True).click()
        side.get_by_role("button", name=entry, exact=True).click()

    def new_client(self) -> None:
        """Take another client's phone."""
        self.telegram.get_by_role("button", name="Another client").click()

    def opens(self, name: str) -> None:
        """Open a conversation of the inbox."""
        self.kommo.get_by_role("list", name="Inbox").get_by_role("button", name=name).click()

    def client(self) -> str:
        """Return the name of the client whose phone it is."""
        return self.telegram.locator("[aria-pressed=true].chip").inner_text().split("\n")[-1]

    def shown(self, side: Locator, text: str) -> Locator:
        """Return the message with a text on one side, once it is there."""
        item = side.get_by_role("log").get_by_role("listitem").filter(has_text=text).last
        expect(item).to_be_visible()
        return item

    def counters(self) -> list[str]:
        """Return what the counter says: lost, doubled, out of order."""
        return [
            self.bridge.get_by_label(name, exact=True).inner_text()
            for name in ("Lost", "Doubled", "Out of order")
        ]
