"""`make screenshots`: the sandbox's page, light, dark and narrow, and the status page."""

from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, expect

from scripts.status_sample import sample_page
from tests.e2e.browser import Visit, chromium, demo

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
STATUS = ViewportSize(width=820, height=900)
SHOTS = (
    ("page-light", DESK, "light"),
    ("page-dark", DESK, "dark"),
    ("page-narrow", PHONE, "dark"),
)


def main() -> None:
    """Play a conversation and take the pictures."""
    with chromium() as browser:
        _status_page(browser)
    with chromium() as browser, demo() as address:
        visit = Visit(browser, address, viewport=DESK)
        _converse(visit)
        visit.context.close()
        for name, viewport, scheme in SHOTS:
            visit = Visit(browser, address, viewport=viewport, color_scheme=scheme)
            _settle(visit)
            visit.page.screenshot(path=IMAGES / f"{name}.png")
            visit.context.close()


def _status_page(browser: Browser) -> None:
    """Take the picture of the whole status page."""
    tab = browser.new_page(viewport=STATUS)
    tab.set_content(sample_page())
    tab.screenshot(path=IMAGES / "status-page.png", full_page=True)
    tab.close()


def _converse(visit: Visit) -> None:
    """Let a client and the manager talk about a delivery."""
    visit.writes(visit.telegram, "Can you bring two of these on Thursday?")
    visit.attaches(visit.telegram, "A sample photo")
    expect(visit.kommo.get_by_role("log").locator("img.picture")).to_be_visible()
    visit.writes(visit.kommo, "With pleasure! Between 10 and 12?")
    visit.shown(visit.telegram, "With pleasure!")
    visit.writes(visit.telegram, "Perfect, thank you")
    visit.shown(visit.kommo, "Perfect, thank you")
    visit.attaches(visit.kommo, "Question with buttons")
    expect(visit.shown(visit.kommo, "Shall we call you back?")).to_contain_text("Delivered")


def _settle(visit: Visit) -> None:
    """Wait until everything is drawn."""
    visit.shown(visit.telegram, "Shall we call you back?")
    visit.shown(visit.kommo, "Shall we call you back?")
    visit.page.wait_for_timeout(1500)


if __name__ == "__main__":
    main()
