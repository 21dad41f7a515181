"""Alerts as a JSON POST: the second way, for when no bot can tell them."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.logs import Redactor
from bot.settings import load
from tests.e2e.conftest import BOT_ID, TOKEN

ANN, BOSS = 555, 900
CONVERSATION = "tg:700001:555"
PATH = "/services/FAKE-KEY-FOR-TESTS-ONLY"


class Receiver:
    """A real server that takes alerts, or does not."""

    def __init__(self):
        self.bodies = []
        self.status = 200
        self.hits = 0
        self.hangs = False
        self.released = asyncio.Event()

    async def take(self, request):
        """Take a POST of JSON."""
        self.hits += 1
        if self.hangs:
            await self.released.wait()
        if self.status == 200:
            self.bodies.append(await request.json())
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})

    @asynccontextmanager
    async def serve(self):
        """Serve on loopback; yields the address."""
        application = web.Application()
        application.router.add_post(PATH, self.take)
        runner = web.AppRunner(application, shutdown_timeout=0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
        finally:
            self.released.set()
            await runner.cleanup()


@pytest.fixture
async def receiver(config, monkeypatch):
    """The receiver, named in the settings; looks, and tries after a failure, come often."""
    for name, often in (("ALERT_EVERY_S", 0.1), ("ENDS_EVERY_S", 0.1)):
        monkeypatch.setattr(f"bot.operate.jobs.{name}", often)
    monkeypatch.setattr("bot.operate.operators.webhook.FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr("bot.operate.operators.webhook.LONGEST_PAUSE_S", 0.2)
    found = Receiver()
    async with found.serve() as url:
        text = config.read_text(encoding="utf-8")
        operators = f'[operators]\nchat_ids = [{BOSS}]\nwebhook_url = "{url}"\n'
        config.write_text(f"{text}\n{operators}", encoding="utf-8")
        yield found


async def test_a_revoked_bot_is_told_by_the_webhook(receiver, bridge, telegram, eventually):
    """No bot can tell it; the POST says what is wrong and what to do, once, and its end."""
    telegram.revoke(BOT_ID)
    await eventually(lambda: receiver.bodies)
    body = receiver.bodies[0]
    assert sorted(body) == ["alerts", "at", "bridge", "over", "service", "text"]
    assert (body["service"], body["over"]) == ("kommo-telegram", [])
    assert body["bridge"] == bridge.settings.public_url
    assert body["alerts"][0]["key"] == f"bot:{BOT_ID}"
    assert "make a new one with @BotFather" in body["text"]
    assert TOKEN not in str(receiver.bodies)
    await asyncio.sleep(0.5)
    assert len(receiver.bodies) == 1


async def test_without_an_operators_chat_the_webhook_tells_all_the_same(
    receiver, config, bridge, telegram, kommo, eventually, command
):
    """An address alone is enough; what is over is posted too."""
    await bridge.stop()
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(f"chat_ids = [{BOSS}]\n", ""), encoding="utf-8")
    await bridge.start()
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    odd = {"ok": False, "error_code": 400, "description": "Bad Request: odd"}
    telegram.faults.fail("sendMessage", status=400, body=odd)
    await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: receiver.bodies)
    assert "1 outgoing item could not be delivered" in receiver.bodies[0]["text"]
    assert "an offer" not in str(receiver.bodies)
    await command("queue", "drop", "outgoing-1", "--yes")
    await eventually(lambda: len(receiver.bodies) == 2)
    assert receiver.bodies[1]["over"] == ["1 outgoing item could not be delivered"]


async def test_both_ways_are_used_and_neither_repeats_for_the_other(
    receiver, bridge, telegram, kommo, eventually
):
    """A chat that is told keeps nothing from the webhook, and the other way round."""
    telegram.client_says("/help", chat_id=BOSS)
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations and telegram.texts_to(BOSS))
    odd = {"ok": False, "error_code": 400, "description": "Bad Request: odd"}
    telegram.faults.fail("sendMessage", status=400, body=odd, chat_id=ANN)
    await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: receiver.bodies and len(telegram.texts_to(BOSS)) == 2)
    telegram.client_says("/drop outgoing-1 yes", chat_id=BOSS)
    await eventually(lambda: len(receiver.bodies) == 2)
    assert receiver.bodies[1]["alerts"] == []
    assert receiver.bodies[1]["over"] == ["1 outgoing item could not be delivered"]
    assert receiver.bodies[1]["text"] == "✅ Over: 1 outgoing item could not be delivered"


@pytest.mark.parametrize("status", [302, 403, 500])
async def test_a_receiver_that_fails_is_asked_again_and_holds_nobody_up(
    receiver, bridge, telegram, kommo, eventually, caplog, status
):
    """What was not taken is told later; the log names no key, and says it once."""
    receiver.status = status
    telegram.revoke(BOT_ID)
    await eventually(lambda: receiver.hits >= 3)
    assert receiver.bodies == []
    said = [line for line in caplog.messages if "webhook did not take" in line]
    assert said == [
        f"the operators' webhook did not take an alert: it answered {status}",
    ]
    receiver.status = 200
    await eventually(lambda: len(receiver.bodies) == 1)
    assert f"bot:{BOT_ID}" in str(receiver.bodies)


async def test_a_receiver_that_hangs_holds_nobody_up(
    receiver, bridge, telegram, kommo, eventually
):
    """Messages cross, operators are told in their chat, and the bridge stops in time."""
    receiver.hangs = True
    telegram.client_says("/help", chat_id=BOSS)
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations and telegram.texts_to(BOSS))
    odd = {"ok": False, "error_code": 400, "description": "Bad Request: odd"}
    telegram.faults.fail("sendMessage", status=400, body=odd, chat_id=ANN)
    await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: receiver.hits)
    await eventually(lambda: len(telegram.texts_to(BOSS)) == 2, within_s=5)
    await kommo.manager_says("another", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["another"], within_s=5)
    async with asyncio.timeout(5):
        await bridge.stop()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("ftp://alerts.example.com/x", "is not a web address", id="no-web"),
        pytest.param("http://alerts.example.com/x", "is http; only https", id="not-safe"),
        pytest.param("https://a:b@alerts.example.com/x", "contains more than", id="with-login"),
        pytest.param("https://alerts.example.com/x#y", "contains more than", id="with-a-mark"),
    ],
)
async def test_a_wrong_address_is_named_without_its_value(config, command, url, words):
    """The setting's path, what is wrong, what is expected."""
    text = config.read_text(encoding="utf-8")
    config.write_text(f'{text}\n[operators]\nwebhook_url = "{url}"\n', encoding="utf-8")
    code, _output, errors = await command("config", "show")
    assert code == 2
    assert f"operators.webhook_url: {words}" in errors.replace("\n", " ")
    assert url not in errors


@pytest.mark.parametrize("rest", [PATH, "?sig=FAKE-KEY-FOR-TESTS-ONLY", f"{PATH}?a=b"])
async def test_the_key_in_an_address_is_shown_nowhere(config, command, rest):
    """`config show` masks it, and logs take it out."""
    text = config.read_text(encoding="utf-8")
    url = f"https://alerts.example.com{rest}"
    config.write_text(f'{text}\n[operators]\nwebhook_url = "{url}"\n', encoding="utf-8")
    code, output, _errors = await command("config", "show")
    assert code == 0
    assert "https://alerts.example.com/" in output
    assert "FAKE-KEY" not in output
    redact = Redactor(load(config, {}).secrets())
    assert "FAKE-KEY" not in redact(f"POST {url} failed: {rest}")


def test_no_address_is_no_webhook(config):
    """The empty text of the example means none."""
    text = config.read_text(encoding="utf-8")
    config.write_text(f'{text}\n[operators]\nwebhook_url = ""\n', encoding="utf-8")
    assert load(config, {}).operators.webhook_url is None
