"""The operators' commands, and their answers."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot.health import Health
from bot.operate.blocks import (
    NoSuchClientError,
    NotBlockedError,
    all_blocks,
    block,
    unblock,
)
from bot.operate.dead_items import Dropping, failed_items, open_items, retry
from bot.operate.operators.commands import (
    HELP,
    WHICH,
    WHOM,
    Command,
    blocked_text,
    blocks_text,
    drop_button,
    drop_question,
    dropped_text,
    failed_text,
    id_text,
    is_confirmed,
    named_in,
    retried_text,
    status_text,
    unknown_text,
)
from bot.operate.operators.known_chats import OperatorsChats
from bot.operate.operators.messenger import Answer
from bot.operate.operators.pause import pause, resume
from bot.operate.status.machine import read_machine
from bot.operate.status.state import read_state
from storage.database import Database


class Actions:
    """Carries out commands, each by a method of its own."""

    def __init__(
        self,
        database: Database,
        health: Health,
        chats: OperatorsChats,
        now: Callable[[], datetime],
        dropping: Dropping,
        *,
        copies: Path | None = None,
    ) -> None:
        self._database = database
        self._health = health
        self._chats = chats
        self._dropping = dropping
        self._copies = copies
        self._now = now
        self._actions: dict[str, Callable[[Command], Awaitable[Answer]]] = {
            "status": self._status,
            "failed": self._failed,
            "retry": self._retry,
            "drop": self._drop,
            "block": self._block,
            "unblock": self._unblock,
            "id": self._id,
            "pause": self._pause,
            "resume": self._resume,
        }

    async def carry_out(self, command: Command) -> Answer:
        """Do what a command asks for; return the answer.

        Raises:
            StorageError: nothing was changed.
        """
        action = self._actions.get(command.name)
        return await action(command) if action else Answer(HELP)

    async def _status(self, _command: Command) -> Answer:
        machine = await read_machine(self._database, self._copies)
        state = await read_state(self._database, self._health, now=self._now())
        state = replace(state, machine=machine)
        turn = ("Resume", "resume") if self._health.is_paused else ("Pause", "pause")
        failed = (("Failed", "failed"),) if state.failures else ()
        return Answer(status_text(state), (*failed, turn))

    async def _failed(self, _command: Command) -> Answer:
        failures = await failed_items(self._database)
        buttons = (("Try all again", "retry"),) if failures else ()
        return Answer(failed_text(failures), buttons)

    async def _retry(self, command: Command) -> Answer:
        names = command.arguments or [item.name for item in await failed_items(self._database)]
        retried = await retry(self._database, names, lifetimes=self._dropping.lifetimes)
        count = len(retried)
        text = retried_text(count, len(names) - count)
        return Answer(text, (("Status", "status"),))

    async def _drop(self, command: Command) -> Answer:
        """Give items up, once that is confirmed."""
        names = named_in(command.arguments)
        if not names:
            return Answer(WHICH)
        if is_confirmed(command.arguments):
            dropped = await self._dropping.drop(self._database, names)
            unknown = [name for name in names if name not in dropped]
            return Answer(dropped_text(dropped, unknown), (("Status", "status"),))
        known = await open_items(self._database, names)
        unknown = [name for name in names if name not in known]
        if not known:
            return Answer("\n".join(unknown_text(unknown)))
        return Answer(drop_question(known, unknown), drop_button(known))

    async def _block(self, command: Command) -> Answer:
        """Stop a client; without one, list who is stopped."""
        if not command.arguments:
            return Answer(blocks_text(await all_blocks(self._database)))
        chat, *reason = command.arguments
        try:
            return Answer(blocked_text(await block(self._database, chat, reason=" ".join(reason))))
        except NoSuchClientError as error:
            return Answer(str(error))

    async def _unblock(self, command: Command) -> Answer:
        if not command.arguments:
            return Answer(WHOM)
        try:
            chat_id = await unblock(self._database, command.arguments[0])
        except (NoSuchClientError, NotBlockedError) as error:
            return Answer(str(error))
        return Answer(f"Client {chat_id} is no longer blocked.")

    async def _id(self, command: Command) -> Answer:
        return Answer(
            id_text(command.chat_id, self._chats, is_named=True, topic_id=command.topic_id)
        )

    async def _pause(self, _command: Command) -> Answer:
        await pause(self._database, self._health, now=self._now())
        return Answer(
            "Deliveries are paused, both ways. What arrives is kept.", (("Resume", "resume"),)
        )

    async def _resume(self, _command: Command) -> Answer:
        await resume(self._database, self._health, now=self._now())
        return Answer("Deliveries go on.", (("Status", "status"),))
