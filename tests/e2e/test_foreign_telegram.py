"""The bridge with a Telegram that nobody here wrote: npm's telegram-test-api.

It is years older than the newest Bot API, leaves out what came since, tells times in other units,
answers a long poll at once, and knows few methods.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.conftest import TOKEN
from tests.ports import free_port
from tests.programs import program

SCRIPT = Path(__file__).parent.parent / "foreign/telegram.js"
MODULES = Path(__file__).parent.parent.parent / ".venv/node/node_modules"
ANN = {"id": 555, "first_name": "Ann", "username": "ann", "is_bot": False}
CHAT = {"id": 555, "first_name": "Ann", "username": "ann", "type": "private"}
CONVERSATION = "tg:700001:555"


class ForeignTelegram:
    """What its client does: writes, presses, and reads."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self._http = http
        self.received: list[dict[str, Any]] = []

    async def _post(self, method: str, body: dict[str, Any]) -> Any:
        async with self._http.post(f"{self.url}/{method}", json=body) as answer:
            return await answer.json()

    async def says(self, text: str) -> None:
        body = {"botToken": TOKEN, "date": int(time.time()), "from": ANN, "chat": CHAT}
        kind = "sendCommand" if text.startswith("/") else "sendMessage"
        entities = [{"offset": 0, "length": 6, "type": "bot_command"}]
        body |= {"text": text} | ({"entities": entities} if text.startswith("/") else {})
        await self._post(kind, body)

    async def presses(self, message_id: int, data: str) -> None:
        """Press a button: the query has no chat_instance, its message no date and no text."""
        message = {"from": ANN, "chat": CHAT, "message_id": message_id}
        body = {"botToken": TOKEN, "from": ANN, "message": message, "data": data}
        await self._post("sendCallback", body)

    async def reads(self) -> list[dict[str, Any]]:
        """Return all that the bot sent to the client."""
        answer = await self._post("getUpdates", {"token": TOKEN, "chatId": 555})
        self.received += answer["result"]
        return self.received


@pytest.fixture
async def telegram():
    """The foreign Telegram, as a process of its own."""
    node = program("nodejs", "node")
    if not (MODULES / "telegram-test-api").is_dir():
        message = "this test needs npm's telegram-test-api, which .ci/run installs"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        node,
        str(SCRIPT),
        str(port),
        env=os.environ | {"NODE_PATH": str(MODULES)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(20):
            assert process.stdout is not None
            assert await process.stdout.readline() == b"listening\n"
        async with aiohttp.ClientSession() as http:
            yield ForeignTelegram(f"http://127.0.0.1:{port}", http)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def test_a_conversation_with_a_button_crosses(bridge, telegram, kommo, eventually):
    """A start link, text both ways, a button and its press; every answer is told as delivered."""
    await telegram.says("/start spring")
    await telegram.says("Do you have it in blue?")
    await eventually(lambda: "Do you have it in blue?" in kommo.texts_in(CONVERSATION))
    assert any("spring" in text for text in kommo.texts_in(CONVERSATION))

    markup = {"mode": "inline", "buttons": [[{"text": "Order it"}]]}
    message_id = await kommo.manager_sends(
        type="text", text="Yes, we have", markup=markup, to=CONVERSATION
    )
    await eventually(lambda: 1 in kommo.statuses_of(message_id))
    (sent,) = await telegram.reads()
    assert sent["message"]["text"] == "Yes, we have"
    ((button,),) = sent["message"]["reply_markup"]["inline_keyboard"]
    assert button["text"] == "Order it"

    await telegram.presses(sent["messageId"], button["callback_data"])
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Order it")
    await eventually(lambda: kommo.statuses_of(message_id) == [1, 2])
    again = await kommo.manager_says("Thank you", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(again) == [1])
    assert [one["message"]["text"] for one in await telegram.reads()] == [
        "Yes, we have",
        "Thank you",
    ]
