"""The local listener: status page, its button, metrics."""

import asyncio
import sqlite3
from contextlib import closing

import aiohttp
import pytest

from tests.e2e.conftest import BOT_ID
from tests.service.browser import browser

ANN = 555
CONVERSATION = "tg:700001:555"


@pytest.fixture
def admin(ports):
    """The address of the local listener."""
    return f"http://127.0.0.1:{ports[1]}"


@pytest.fixture
async def http():
    """A client for it."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def failure(bridge, telegram, kommo, eventually):
    """A manager's answer that could not be delivered, as the client had blocked the bot."""
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    telegram.client_blocks(ANN)
    message_id = await kommo.manager_says("a secret offer", to=CONVERSATION)
    await eventually(lambda: -1 in kommo.statuses_of(message_id))
    telegram.client_unblocks(ANN)
    return message_id


async def test_the_page_works_on_a_phone_and_in_the_dark(failure, admin):
    """A real browser shows it whole on a small screen, in the colours asked for."""
    async with browser() as tab:
        await tab.size(360, 740)
        await tab.open(admin)
        text = await tab.value("document.body.innerText")
        assert "It works" in text
        assert "Kommo channel: ok" in text
        assert f"Bot {BOT_ID}: ok" in text
        assert "outgoing-1" in text
        assert "a secret offer" not in text
        assert await tab.value("document.documentElement.scrollWidth") <= 360
        assert await tab.value("performance.getEntriesByType('resource').length") == 0
        background = "getComputedStyle(document.body).backgroundColor"
        await tab.scheme("dark")
        dark = await tab.value(background)
        await tab.scheme("light")
        assert dark != await tab.value(background)
        assert (await tab.screenshot()).startswith(b"\x89PNG")


async def test_its_button_tries_a_dead_item_again(failure, admin, telegram, eventually):
    """A press in the browser delivers what had failed, and the page no longer lists it."""
    async with browser() as tab:
        await tab.open(admin)
        await tab.value("document.querySelector('form button').click()")
        await eventually(lambda: telegram.texts_to(ANN) == ["a secret offer"])
        await tab.open(admin)
        assert "outgoing-1" not in await tab.value("document.body.innerText")


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        pytest.param({"id": "outgoing-1"}, {}, 403, id="without-the-secret"),
        pytest.param({"id": "outgoing-1", "csrf": "guess"}, {}, 403, id="with-a-guess"),
        pytest.param({"id": "outgoing-1"}, {"Host": "evil.example"}, 403, id="foreign-name"),
    ],
)
async def test_a_foreign_page_cannot_press_it(
    failure, admin, http, telegram, form, headers, status
):
    """Without the page's secret nothing is tried again."""
    async with http.post(f"{admin}/retry", data=form, headers=headers) as answer:
        assert answer.status == status
    assert telegram.texts_to(ANN) == []


async def test_a_foreign_name_is_not_shown_the_page(bridge, admin, http):
    """A web page that points its own name here reads nothing."""
    async with http.get(admin, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403


async def test_an_item_that_is_gone_is_said_so(failure, admin, http):
    """A press for what no longer exists is a 404, whatever its name looks like."""
    async with http.get(admin) as answer:
        page = await answer.text()
    csrf = bridge_secret(page)
    for name in ("outgoing-99", "incoming-99", "outgoing-" + "9" * 30, "else-1", ""):
        async with http.post(f"{admin}/retry", data={"id": name, "csrf": csrf}) as answer:
            assert answer.status == 404


async def test_a_press_while_the_database_takes_nothing_is_said_so(
    failure, bridge, admin, http, monkeypatch, caplog
):
    """The page says that nothing was changed; there is no traceback."""
    monkeypatch.setattr("bot.operate.dead_items.PATIENCE_S", 0.0)
    async with http.get(admin) as answer:
        form = {"id": "outgoing-1", "csrf": bridge_secret(await answer.text())}
    locking = sqlite3.connect(
        bridge.settings.database, isolation_level=None, check_same_thread=False
    )
    with closing(locking) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # the bridge may be committing
        async with http.post(f"{admin}/retry", data=form) as answer:
            assert (answer.status, "nothing was changed" in await answer.text()) == (503, True)
        other.execute("ROLLBACK")
    assert "Traceback" not in caplog.text


async def test_metrics_tell_what_was_delivered_and_what_waits(failure, admin, http):
    """Attempts by bot, direction and outcome; queues; no name, no text, no chat."""
    async with http.get(f"{admin}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        text = await answer.text()
    lines = text.splitlines()
    assert (
        'kommo_telegram_attempts_total{bot="700001",direction="outgoing",'
        'outcome="undeliverable"} 1.0' in lines
    )
    assert 'kommo_telegram_queue_items{direction="outgoing",state="dead"} 1.0' in lines
    assert 'kommo_telegram_bot_works{bot="700001"} 1.0' in lines
    assert "kommo_telegram_channel_connected 1.0" in lines
    assert 'kommo_telegram_delivery_seconds_count{bot="700001",direction="incoming"}' in text
    assert "secret offer" not in text
    assert CONVERSATION not in text


def bridge_secret(page):
    """Return the secret of the page's forms."""
    return page.partition('name="csrf" value="')[2].partition('"')[0]


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics"])
@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("127.0.0.1", 200, id="number"),
        pytest.param("LOCALHOST:99", 200, id="localhost"),
        pytest.param("[::1]:8081", 200, id="number-of-six"),
        pytest.param("evil.example", 403, id="foreign-name"),
        pytest.param("localhost.evil.example", 403, id="looks-like-it"),
        pytest.param("127.0.0.1.evil.example", 403, id="looks-like-a-number"),
        pytest.param("", 403, id="empty"),
        pytest.param("[::1", 403, id="broken"),
    ],
)
async def test_it_answers_under_its_own_name_only(bridge, admin, http, path, host, status):
    """A web page that points a name of its own at this machine learns nothing."""
    async with http.get(f"{admin}{path}", headers={"Host": host}) as answer:
        assert answer.status in ({status} if status == 403 else {200, 503})
        assert "Server" not in answer.headers
