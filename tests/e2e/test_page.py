"""The sandbox's page: a person tries the bridge by hand, in a browser."""

import http.client
import json
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Visit, chromium, demo


@pytest.fixture(scope="module")
def stage():
    """One demo and one browser for all tests here; each has a client of its own."""
    with ExitStack() as stack:
        browser = stack.enter_context(chromium())
        yield browser, stack.enter_context(demo())


@pytest.fixture
def visit(stage):
    """Somebody who looks at the page with a new client's phone; the browser has no complaints."""
    browser, address = stage
    visit = Visit(browser, address, viewport={"width": 1440, "height": 900})
    visit.new_client()
    yield visit
    visit.context.close()
    assert visit.complaints == []


def begun(visit, text="Hi"):
    """Let the client write, and the manager open the conversation."""
    visit.writes(visit.telegram, text)
    visit.opens(visit.client())
    visit.shown(visit.kommo, text)


def asks(address, path, *, method="GET", body=None, **headers):
    """Ask the page something; return the status."""
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    content = json.dumps(body or {}).encode()
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content)
    answer = connection.getresponse()
    connection.close()
    return answer.status


def test_a_newcomer_gets_an_answer(visit):
    """Text crosses both ways; the manager sees Delivered, and Read once the client answers."""
    begun(visit, "Do you deliver?")
    visit.writes(visit.kommo, "Yes, on weekdays.")
    visit.shown(visit.telegram, "Yes, on weekdays.")
    answer = visit.shown(visit.kommo, "Yes, on weekdays.")
    expect(answer).to_contain_text("Delivered")
    visit.writes(visit.telegram, "Thank you!")
    visit.shown(visit.kommo, "Thank you!")
    expect(answer).to_contain_text("Read")
    assert visit.counters() == ["0", "0", "0"]


def test_a_reload_loses_nothing(visit):
    """Who reloads the page has the same client and the same conversation before them."""
    begun(visit, "Before the reload")
    visit.page.reload()
    visit.shown(visit.telegram, "Before the reload")
    visit.shown(visit.kommo, "Before the reload")


def test_kill_and_recovery(visit):
    """What both sides write while the bridge is dead arrives after its start, once, in order."""
    begun(visit)
    visit.bridge.get_by_role("button", name="Kill the bridge").click()
    expect(visit.bridge.get_by_text("Not running")).to_be_visible()
    for number in (1, 2, 3):
        visit.writes(visit.telegram, f"question {number}")
        visit.writes(visit.kommo, f"answer {number}")
    expect(visit.shown(visit.kommo, "answer 3")).to_contain_text("Sent")
    visit.bridge.get_by_role("button", name="Start the bridge").click()
    visit.shown(visit.kommo, "question 3")
    visit.shown(visit.telegram, "answer 3")
    expect(visit.shown(visit.kommo, "answer 3")).to_contain_text("Delivered")
    assert visit.counters() == ["0", "0", "0"]


def test_an_error_says_why(visit):
    """A manager reads why an answer did not arrive, also on hover."""
    begun(visit)
    visit.telegram.get_by_label("More for this client").click()
    visit.telegram.get_by_role("button", name="Block or unblock the bot").click()
    expect(visit.telegram.get_by_text("has blocked this bot")).to_be_visible()
    visit.writes(visit.kommo, "Are you there?")
    words = "Error: The client has blocked the bot."
    answer = visit.shown(visit.kommo, "Are you there?")
    expect(answer).to_contain_text(words)
    expect(answer.get_by_title(words)).to_be_visible()
    visit.telegram.get_by_role("button", name="Unblock it").click()
    expect(visit.telegram.get_by_label("Message")).to_be_visible()


@pytest.mark.parametrize("name", ["Telegram is down", "Kommo is down"])
def test_an_outage_holds_messages_back(visit, name):
    """While a server is down its messages wait; they arrive when it is there again."""
    begun(visit)
    switch = visit.bridge.get_by_label(name)
    switch.check()
    side, other = (visit.kommo, visit.telegram)
    if name.startswith("Kommo"):
        side, other = other, side
    visit.writes(side, "during the outage")
    visit.shown(side, "during the outage")
    visit.page.wait_for_timeout(500)
    assert "during the outage" not in other.get_by_role("log").inner_text()
    switch.uncheck()
    visit.shown(other, "during the outage")
    assert visit.counters() == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="the page's own"),
        pytest.param({"Host": "evil.example"}, 421, id="a foreign name"),
        pytest.param({"Host": "evil.example:80"}, 421, id="a foreign name with a port"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="a foreign page"),
        pytest.param({"Origin": "null"}, 403, id="a page without an origin"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, 403, id="another port of this machine"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/static/main.js"),
        ("POST", "/switches"),
        ("POST", "/kommo/sandbox/contacts"),
    ],
)
def test_only_this_machines_browser_may_use_it(stage, method, path, headers, status):
    """A foreign Host or Origin is refused, whatever is asked."""
    given = asks(stage[1], path, method=method, body={"name": "slow", "is_on": False}, **headers)
    assert given == status


def test_the_page_shows_the_story(visit):
    """Played from the page, the scripted conversation arrives whole."""
    play = visit.bridge.get_by_role("button", name="Play the story")
    play.click()
    expect(play).to_be_disabled()
    expect(visit.bridge.get_by_text("Everything arrived.", exact=True)).to_be_visible(
        timeout=60_000
    )
    expect(play).to_be_enabled()
    assert visit.counters() == ["0", "0", "0"]
