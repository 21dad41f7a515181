"""The simplest bridge that keeps nothing: what the real one is measured against.

aiogram's stock polling, plain httpx, an aiohttp handler; texts only; no database. What fails is
lost, and two messages of one client may overtake each other.
"""

import asyncio
import hashlib
import hmac
import json
import sys
import time
from email.utils import formatdate
from typing import Any

import httpx
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from aiohttp import web

AT_A_TIME = 10
"""Updates under way: without a limit httpx's pool is slower by the square of what waits for it."""


class Bare:
    """Both directions; every argument is a string of the command line."""

    def __init__(self, telegram_url: str, kommo_url: str, token: str, scope: str, secret: str):
        session = AiohttpSession(api=TelegramAPIServer.from_base(telegram_url))
        self.bot = Bot(token, session=session)
        self._http = httpx.AsyncClient(base_url=kommo_url, timeout=60)
        self._scope = scope
        self._secret = secret.encode()

    async def incoming(self, message: Message) -> None:
        """Show a client's text in Kommo."""
        chat_id = message.chat.id
        conversation_id = f"tg:{self.bot.id}:{chat_id}"
        await self._call(
            "",
            {
                "event_type": "new_message",
                "payload": {
                    "timestamp": int(message.date.timestamp()),
                    "msec_timestamp": int(time.time() * 1000),
                    "msgid": f"{conversation_id}:{message.message_id}",
                    "conversation_id": conversation_id,
                    "sender": {"id": f"tg:{chat_id}", "name": message.chat.full_name},
                    "message": {"type": "text", "text": message.text},
                    "silent": False,
                },
            },
        )

    async def outgoing(self, request: web.Request) -> web.Response:
        """Send a manager's text to Telegram, and tell Kommo that it was delivered."""
        body = await request.read()
        signature = hmac.digest(self._secret, body, "sha1").hex()
        if not hmac.compare_digest(signature, request.headers.get("X-Signature", "")):
            return web.Response(status=403)
        event = json.loads(body)["message"]
        chat_id = int(event["conversation"]["client_id"].rpartition(":")[2])
        await self.bot.send_message(chat_id, event["message"]["text"])
        status = {"msgid": event["message"]["id"], "delivery_status": 1}
        await self._call(f"/{event['message']['id']}/delivery_status", status)
        return web.Response()

    async def health(self, _request: web.Request) -> web.Response:
        """Say that it works."""
        return web.json_response({"status": "ok"})

    async def _call(self, path: str, data: dict[str, Any]) -> None:
        path = f"/v2/origin/custom/{self._scope}{path}"
        body = json.dumps(data).encode()
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        date, kind = formatdate(usegmt=True), "application/json"
        signed = "\n".join(("POST", md5, kind, date, path)).encode()
        headers = {
            "Date": date,
            "Content-Type": kind,
            "Content-MD5": md5,
            "X-Signature": hmac.digest(self._secret, signed, "sha1").hex(),
        }
        answer = await self._http.post(path, content=body, headers=headers)
        answer.raise_for_status()


async def main(port: str, *arguments: str) -> None:
    """Run until a signal."""
    bare = Bare(*arguments)
    dispatcher = Dispatcher()
    dispatcher.message.register(bare.incoming, F.text)
    application = web.Application()
    application.router.add_post("/webhooks/kommo/{scope_id}", bare.outgoing)
    application.router.add_get("/healthz", bare.health)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port)).start()
    await dispatcher.start_polling(bare.bot, tasks_concurrency_limit=AT_A_TIME)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
