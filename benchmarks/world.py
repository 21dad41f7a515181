"""A Telegram and a Kommo for one bridge: as fast as Python can, and strict about what counts.

The sandbox's servers keep all that was ever said and check every field, which costs more than a
bridge does; these know four methods, check the signature of every call to Kommo, and count what
is new. They live in the process of the benchmark.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs
from uuid import UUID

from benchmarks.http import Answer, Request, answer, post_request, serving

CHANNEL_ID = "11111111-2222-4333-8444-555555555555"
ACCOUNT_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SCOPE_ID = f"{CHANNEL_ID}_{ACCOUNT_ID}"
SECRET = "fa4e" * 10
BOT_ID = 700001
TOKEN = f"{BOT_ID}:FAKE-TOKEN-FOR-BENCHMARKS-ONLY-00001"
POLL_S, BATCH = 10.0, 100
FIRST_CHAT = 1000
OK = answer(b'{"ok":true,"result":true}')
ME = {"id": BOT_ID, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}
WAIT_S = 600.0


class Tally:
    """What arrived: each thing once, with the moment; and who waits for how many."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self.repeated = 0
        self._wanted: tuple[int, asyncio.Event] | None = None

    def note(self, name: str) -> None:
        """Count one thing."""
        if name in self.at:
            self.repeated += 1
            return
        self.at[name] = time.perf_counter()
        if self._wanted is not None and len(self.at) >= self._wanted[0]:
            self._wanted[1].set()

    async def reach(self, count: int) -> None:
        """Wait until so many different things arrived."""
        event = asyncio.Event()
        self._wanted = (count, event)
        if len(self.at) < count:
            async with asyncio.timeout(WAIT_S):
                await event.wait()
        self._wanted = None


class Telegram:
    """The Bot API, as far as texts need it."""

    def __init__(self) -> None:
        self.sent = Tally()
        self.is_hanging = False
        self.message_id = 0
        self._update_id = 0
        self._updates: deque[tuple[int, bytes]] = deque()
        self._news = asyncio.Event()

    def say(self, chat_id: int, text: str) -> str:
        """Let a client write; return what the bridge calls the message."""
        self._update_id += 1
        message_id = self.next_message_id()
        person = {"id": chat_id, "first_name": f"Client {chat_id}"}
        message = {
            "message_id": message_id,
            "from": {**person, "is_bot": False},
            "chat": {**person, "type": "private"},
            "date": int(time.time()),
            "text": text,
        }
        update = json.dumps({"update_id": self._update_id, "message": message}).encode()
        self._updates.append((self._update_id, update))
        self._news.set()
        return f"tg:{BOT_ID}:{chat_id}:{message_id}"

    def pending(self) -> list[dict[str, object]]:
        """Return the updates that the bridge has not confirmed."""
        return [json.loads(content) for _number, content in self._updates]

    def waiting(self) -> int:
        """Return how many updates the bridge has not confirmed."""
        return len(self._updates)

    def next_message_id(self) -> int:
        """Return the number of the next message."""
        self.message_id += 1
        return self.message_id

    def handle(self, request: Request) -> Answer:
        """Answer one call."""
        method = request.path.rpartition("/")[2].lower()
        if request.path.split("/")[1] != f"bot{TOKEN}":
            return answer(b'{"ok":false,"error_code":401,"description":"Unauthorized"}', 401)
        fields = {key: value[0] for key, value in parse_qs(request.body.decode()).items()}
        match method:
            case "getupdates":
                return self._poll(fields)
            case "sendmessage":
                return self._send(fields)
            case "getme":
                return _result(ME)
            case "getuserprofilephotos":
                return _result({"total_count": 0, "photos": []})
        return OK

    def _send(self, fields: dict[str, str]) -> Answer:
        if self.is_hanging:
            return asyncio.get_running_loop().create_future()
        chat_id = int(fields["chat_id"])
        self.sent.note(fields["text"])
        chat = {"id": chat_id, "first_name": f"Client {chat_id}", "type": "private"}
        message = {
            "message_id": self.next_message_id(),
            "from": ME,
            "chat": chat,
            "date": int(time.time()),
            "text": fields["text"],
        }
        return _result(message)

    def _poll(self, fields: dict[str, str]) -> Answer:
        offset = int(fields.get("offset", 0))
        while self._updates and self._updates[0][0] < offset:
            self._updates.popleft()
        if self._updates:
            return self._batch()
        self._news.clear()
        return self._wait(min(float(fields.get("timeout", 0)), POLL_S))

    async def _wait(self, wait_s: float) -> bytes:
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            pass
        return self._batch()

    def _batch(self) -> bytes:
        batch = [self._updates[place][1] for place in range(min(BATCH, len(self._updates)))]
        return answer(b'{"ok":true,"result":[' + b",".join(batch) + b"]}")


class Kommo:
    """The Chats API, as far as texts and their statuses need it."""

    def __init__(self) -> None:
        self.shown = Tally()
        self.statuses = Tally()
        self.latency_s = 0.0
        self.is_down = False
        self.misordered = 0
        self.wrong = 0
        self._last: dict[str, int] = {}

    def handle(self, request: Request) -> Answer:
        """Answer one call; a wrong signature is refused and counted."""
        if not _is_signed(request):
            self.wrong += 1
            return answer(b'{"error_code":401}', 401)
        if self.is_down:
            return answer(b"{}", 503)
        if request.path.endswith("/connect"):
            return self._connect()
        if request.path.endswith("/delivery_status"):
            self.statuses.note(request.path.split("/")[-2])
            content = answer(b"")
        elif request.path.endswith("/chats"):
            content = answer(json.dumps({"id": str(UUID(int=1)), "user": {}}).encode())
        elif request.path.split("?")[0].endswith("/history"):
            content = answer(b'{"messages":[]}')
        else:
            content = self._show(json.loads(request.body)["payload"])
        return self._late(content) if self.latency_s else content

    def _connect(self) -> Answer:
        body = {"account_id": ACCOUNT_ID, "scope_id": SCOPE_ID, "title": "T"}
        return answer(json.dumps({**body, "hook_api_version": "v2"}).encode())

    def _show(self, payload: dict[str, str]) -> bytes:
        name, conversation = payload["msgid"], payload["conversation_id"]
        number = int(name.rpartition(":")[2])
        if number < self._last.get(conversation, 0):
            self.misordered += 1
        self._last[conversation] = number
        self.shown.note(name)
        return answer(
            json.dumps(
                {
                    "new_message": {
                        "conversation_id": _uuid(conversation),
                        "sender_id": str(UUID(int=1)),
                        "receiver_id": None,
                        "msgid": _uuid(name),
                        "ref_id": name,
                    }
                }
            ).encode()
        )

    async def _late(self, content: bytes) -> bytes:
        await asyncio.sleep(self.latency_s)
        return content


class World:
    """Both servers, and the hooks that Kommo posts."""

    def __init__(self, hook_port: int) -> None:
        self.telegram = Telegram()
        self.kommo = Kommo()
        self.telegram_url = ""
        self.kommo_url = ""
        self.hook_port = hook_port
        self._said = Counter[str]()

    @classmethod
    @asynccontextmanager
    async def open(cls, hook_port: int) -> AsyncIterator["World"]:
        """Serve both until the block is left."""
        world = cls(hook_port)
        async with (
            serving(world.telegram.handle) as world.telegram_url,
            serving(world.kommo.handle) as world.kommo_url,
        ):
            yield world

    def hooks(self, count: int, clients: int) -> list[bytes]:
        """Return the next hooks that tell of a manager's messages, as whole requests."""
        return [self._hook(number % clients + FIRST_CHAT) for number in range(count)]

    def _hook(self, chat_id: int) -> bytes:
        self._said["hooks"] += 1
        number = self._said["hooks"]
        now = time.time()
        body = json.dumps(
            {
                "account_id": ACCOUNT_ID,
                "time": int(now),
                "message": {
                    "receiver": {"id": str(UUID(int=2)), "client_id": f"tg:{chat_id}"},
                    "sender": {"id": str(UUID(int=3)), "name": "Manager"},
                    "conversation": {
                        "id": str(UUID(int=chat_id)),
                        "client_id": f"tg:{BOT_ID}:{chat_id}",
                    },
                    "timestamp": int(now),
                    "msec_timestamp": int(now * 1000),
                    "message": {
                        "id": str(UUID(int=number << 32)),
                        "type": "text",
                        "text": f"Answer number {number}: we deliver on weekdays",
                        "markup": None,
                        "tag": "",
                        "media": "",
                        "thumbnail": "",
                        "file_name": "",
                        "file_size": 0,
                    },
                },
            },
            separators=(",", ":"),
        ).encode()
        signature = hmac.digest(SECRET.encode(), body, "sha1").hex()
        headers = {"Content-Type": "application/json", "X-Signature": signature}
        return post_request(f"/webhooks/kommo/{SCOPE_ID}", body, headers)


def _uuid(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def _result(content: object) -> bytes:
    return answer(json.dumps({"ok": True, "result": content}).encode())


def _is_signed(request: Request) -> bool:
    """Check a call as Kommo does. Reference: Kommo, Chats API authorization and headers."""
    md5 = hashlib.md5(request.body, usedforsecurity=False).hexdigest()
    date = request.header("Date")
    path = request.path.partition("?")[0]
    parts = (request.method, md5, request.header("Content-Type"), date, path)
    expected = hmac.digest(SECRET.encode(), "\n".join(parts).encode(), "sha1").hex()
    return request.header("X-Signature") == expected
