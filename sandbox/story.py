"""The demo's conversation, and what the two servers saw of it.

Nothing here is told by the bridge: what a client and a manager see comes from the servers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from sandbox.kommo.server import KommoServer
from sandbox.telegram.server import TelegramServer

ANN, BOB = 555, 556
PATIENCE_S = 15.0
LONG_TEXT = "Our price list. " + "One line of many that do not fit into one message. " * 120

TEXT_WIDTH = 34
STATUS_WORDS = {1: "delivered", 2: "read", -1: "error"}

Say = Callable[[str], None]


@dataclass
class Story:
    """A conversation between two clients and a manager, with its transcript."""

    telegram: TelegramServer
    kommo: KommoServer
    say: Say
    failures: list[str] = field(default_factory=list)

    async def client_writes(self, text: str, *, chat_id: int, name: str) -> None:
        """Let a client write, and see it arrive in Kommo."""
        before = len(self._texts_in_kommo(chat_id))
        self.telegram.client_says(text, chat_id=chat_id, name=name)
        arrived = await self._eventually(
            lambda: text in self._texts_in_kommo(chat_id)[before:],
            f"{name}'s message did not arrive in Kommo",
        )
        self._line(f"{name} → Kommo", text, "shown to the manager" if arrived else "missing")

    async def manager_answers(self, text: str, *, chat_id: int, expected: list[int]) -> None:
        """Let the manager answer, and see it arrive in Telegram and its status in Kommo."""
        before = len(self.telegram.texts_to(chat_id))
        message_id = await self.kommo.manager_says(text, to=self._conversation(chat_id))
        wanted = expected[-1] > 0
        if wanted:
            await self._eventually(
                lambda: (
                    "".join(self.telegram.texts_to(chat_id)[before:]).replace(" ", "")
                    == text.replace(" ", "")
                ),
                "the manager's message did not arrive in Telegram",
            )
        await self._eventually(
            lambda: self.kommo.statuses_of(message_id) == expected,
            f"the status {expected} did not arrive in Kommo",
        )
        parts = len(self.telegram.texts_to(chat_id)) - before
        note = self._status_words(message_id)
        if parts > 1:
            note += f", in {parts} parts"
        self._line("Manager → Telegram", text, note or "no status")
        self._last = message_id

    async def was_read(self) -> None:
        """See that the client's answer marked the manager's last message as read."""
        message_id = self._last
        await self._eventually(
            lambda: self.kommo.statuses_of(message_id) == [1, 2],
            "the manager's message was not marked as read",
        )
        self._line("Kommo", "(the manager's message)", self._status_words(message_id))

    def _conversation(self, chat_id: int) -> str:
        """Return the id that the bridge gave to a chat: the one whose messages name the client."""
        bot_id = self.telegram.bot().id
        for conversation_id in self.kommo.conversations:
            if conversation_id.endswith(f":{bot_id}:{chat_id}"):
                return conversation_id
        raise LookupError(f"Kommo knows no conversation with {chat_id}")

    def _texts_in_kommo(self, chat_id: int) -> list[str]:
        try:
            return self.kommo.texts_in(self._conversation(chat_id))
        except LookupError:
            return []

    async def _eventually(self, is_true: Callable[[], bool], failure: str) -> bool:
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not is_true():
            if asyncio.get_running_loop().time() > deadline:
                self.failures.append(failure)
                self.say(f"  MISSING: {failure}")
                return False
            await asyncio.sleep(0.02)
        return True

    def _status_words(self, message_id: str) -> str:
        """Return what Kommo was told of a message, in words and in its own numbers."""
        message = next(
            one
            for conversation_id in self.kommo.conversations
            for one in self.kommo.messages_in(conversation_id)
            if one.id == message_id
        )
        words = []
        for status in message.statuses:
            word = f"{STATUS_WORDS.get(status.code, 'unknown')} ({status.code})"
            if status.error_code:
                word = f"error {status.error_code}: {status.error}"
            words.append(word)
        return ", ".join(words)

    def _line(self, who: str, text: str, note: str) -> None:
        shown = text if len(text) <= TEXT_WIDTH else f"{text[: TEXT_WIDTH - 1]}…"
        self.say(f"  {who:<19} {shown:<{TEXT_WIDTH}}  {note}")

    _last: str = ""


async def tell(
    telegram: TelegramServer,
    kommo: KommoServer,
    *,
    say: Say,
    stop: asyncio.Event,
    pause_s: float = 0.0,
    look_at: Callable[[int], None] = lambda _: None,
) -> bool:
    """Play the conversation; tell whether every message and status arrived.

    Args:
        telegram: where clients write.
        kommo: where the manager answers.
        say: prints a line.
        stop: ends it early.
        pause_s: between the acts, for somebody who watches.
        look_at: told whose conversation the next act is in.
    """
    story = Story(telegram, kommo, say)
    say("A conversation, as the sandbox's Telegram and Kommo saw it:\n")
    for chat_id, act in _acts(story):
        if stop.is_set() or story.failures:
            break
        look_at(chat_id)
        await act()
        await asyncio.sleep(pause_s)
    is_whole = not story.failures and not stop.is_set()
    say("\nEverything arrived." if is_whole else "\nNot everything arrived.")
    return is_whole


def _acts(story: Story) -> list[tuple[int, Callable[[], Awaitable[None]]]]:
    """Return whose conversation each act is in, and the act."""
    hello = "Hello Ann, yes: on weekdays from 9 to 18."
    return [
        (ANN, lambda: story.client_writes("Hi! Do you deliver? 🚚", chat_id=ANN, name="Ann")),
        (ANN, lambda: story.manager_answers(hello, chat_id=ANN, expected=[1])),
        (ANN, lambda: story.client_writes("Great, thank you!", chat_id=ANN, name="Ann")),
        (ANN, story.was_read),
        (ANN, lambda: story.manager_answers(LONG_TEXT.strip(), chat_id=ANN, expected=[1])),
        (BOB, lambda: _unblock(story)),
        (BOB, lambda: story.client_writes("Привет, есть скидки?", chat_id=BOB, name="Bob")),
        (BOB, lambda: _block(story)),
        (
            BOB,
            lambda: story.manager_answers("Yes, 10 % until Friday.", chat_id=BOB, expected=[-1]),
        ),
    ]


async def _block(story: Story) -> None:
    story.telegram.client_blocks(BOB)
    story.say("  (Bob blocks the bot.)")


async def _unblock(story: Story) -> None:
    """Let Bob use the bot again, if the story was told before."""
    peer = story.telegram.peers.get(BOB)
    if peer is not None and story.telegram.bot().id in peer.blocked:
        story.telegram.client_unblocks(BOB)
        story.say("  (Bob uses the bot again.)")


def invitation(page_url: str, telegram_url: str, kommo_url: str) -> str:
    """Return how to go on by hand."""
    return f"""
Go on by hand, in a browser:   {page_url}

Or from another terminal:

  Ann writes:            curl -d 'Is it open today?' {telegram_url}/sandbox/client/says
  the manager answers:   curl -d 'Yes, until 18.' {kommo_url}/sandbox/manager/says
  what Ann sees:         curl {telegram_url}/sandbox/client/{ANN}
  what Kommo shows:      curl {kommo_url}/sandbox/conversations
"""


async def is_ok(url: str) -> bool:
    """Tell whether a page answers 200."""
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            return answer.status == 200  # noqa: PLR2004 - HTTP's own number
    except (aiohttp.ClientError, TimeoutError):
        return False
