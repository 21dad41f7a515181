"""The local listener: status page, its button, metrics."""

import asyncio
import sqlite3
from contextlib import closing
from itertools import product

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


async def test_its_button_tries_a_dead_item_again(failure, admin, telegram, kommo, eventually):
    """A press in the browser delivers what had failed, and the page no longer lists it."""
    async with browser() as tab:
        await tab.open(admin)
        await tab.value("document.querySelector('form button').click()")
        await eventually(lambda: telegram.texts_to(ANN) == ["a secret offer"])
        await eventually(lambda: kommo.statuses_of(failure)[-1] == 1)
        await tab.open(admin)
        assert "outgoing-1" not in await tab.value("document.body.innerText")


async def test_its_other_button_gives_an_item_up_in_two_steps(
    failure, bridge, admin, telegram, kommo, eventually, command
):
    """It opens first and is pressed then; the item is gone, and a retry finds nothing."""
    async with browser() as tab:
        await tab.open(admin)
        text = await tab.value("document.body.innerText")
        assert "Ann" in text
        assert "wait until the client writes again" in text
        assert "It works, but 1 item could not be delivered" in text
        press = "document.querySelector('form[action=\"/drop\"] button')"
        assert await tab.value(f"{press}.checkVisibility()") is False
        await tab.value("document.querySelector('summary').click()")
        assert await tab.value(f"{press}.checkVisibility()") is True
        await tab.value(f"{press}.click()")
        await tab.until("document.body?.innerText.includes('None.')")
    _code, listed, _errors = await command("queue", "list")
    assert "nothing has failed" in listed
    assert telegram.texts_to(ANN) == []


async def test_what_waits_can_be_given_up_or_tried_at_once(
    bridge, admin, http, telegram, kommo, eventually
):
    """An item that failed and waits is on the page, with the same buttons."""
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    telegram.is_down = True
    await kommo.manager_says("an offer", to=CONVERSATION)
    page = ""
    async with asyncio.timeout(20):
        while "outgoing-1" not in page:
            await asyncio.sleep(0.05)
            page = await read(http, admin)
    assert "it is retried automatically" in page
    form = {"id": "outgoing-1", "csrf": bridge_secret(page)}
    async with http.post(f"{admin}/drop", data=form, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")
    telegram.is_down = False
    await kommo.manager_says("another", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["another"])


async def read(http, admin):
    """Return the page."""
    async with http.get(admin) as answer:
        return await answer.text()


async def test_it_tells_version_start_disk_and_the_last_copy(
    bridge, admin, http, tmp_path, command
):
    """A copy that was made by hand counts as well."""
    page = await read(http, admin)
    assert "running since" in page
    assert "Free disk space" in page
    assert "none yet" in page
    await command("backup", str(tmp_path / "copy.sqlite3"))
    assert "s ago</span>" in await read(http, admin)


@pytest.mark.parametrize("action", ["retry", "drop"])
@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        pytest.param({"id": "outgoing-1"}, {}, 403, id="without-the-secret"),
        pytest.param({"id": "outgoing-1", "csrf": "guess"}, {}, 403, id="with-a-guess"),
        pytest.param({"id": "outgoing-1"}, {"Host": "evil.example"}, 403, id="foreign-name"),
    ],
)
async def test_a_foreign_page_cannot_press_it(
    failure, admin, http, telegram, form, headers, status, action
):
    """Without the page's secret nothing is tried again, and nothing given up."""
    async with http.post(f"{admin}/{action}", data=form, headers=headers) as answer:
        assert answer.status == status
    assert telegram.texts_to(ANN) == []
    assert "outgoing-1" in await read(http, admin)


async def test_a_foreign_name_is_not_shown_the_page(bridge, admin, http):
    """A web page that points its own name here reads nothing."""
    async with http.get(admin, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403


async def test_an_item_that_is_gone_is_said_so(failure, admin, http):
    """A press for what no longer exists is a 404, whatever its name looks like."""
    async with http.get(admin) as answer:
        page = await answer.text()
    csrf = bridge_secret(page)
    names = ("outgoing-99", "incoming-99", "outgoing-" + "9" * 30, "else-1", "")
    for action, name in product(("retry", "drop"), names):
        async with http.post(f"{admin}/{action}", data={"id": name, "csrf": csrf}) as answer:
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
