"""Messages both ways, and a tally of what became of them: by what the two servers saw."""

import asyncio
import random
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from sandbox.kommo.server import KommoServer
from sandbox.telegram.server import TelegramServer

BOT_ID = 700001


@dataclass(frozen=True)
class Tally:
    """What became of the messages."""

    from_clients: int
    from_managers: int
    lost: int
    repeated_in_kommo: int
    repeated_in_telegram: int
    out_of_order: int
    wrong_status: int

    def lines(self) -> list[str]:
        """Return one line for each figure."""
        return [f"{name.replace('_', ' '):22}{count:>8}" for name, count in asdict(self).items()]

    @property
    def is_clean(self) -> bool:
        """Tell whether every promise was kept."""
        broken = self.lost + self.repeated_in_kommo + self.out_of_order + self.wrong_status
        return broken == 0


@dataclass
class Traffic:
    """Clients and a manager who write to each other at random moments."""

    telegram: TelegramServer
    kommo: KommoServer
    clients: range
    chance: random.Random
    said: dict[int, list[str]] = field(default_factory=dict)
    answered: dict[int, list[str]] = field(default_factory=dict)
    ids: dict[str, Any] = field(default_factory=dict)

    def greet(self) -> None:
        """Let every client write a first message, which makes the conversations."""
        for client in self.clients:
            self.said[client], self.answered[client] = [], []
            self._client_says("hello", client)

    def is_known_to_kommo(self) -> bool:
        """Tell whether Kommo has all the conversations."""
        return all(conversation(client) in self.kommo.conversations for client in self.clients)

    async def flow(self, name: str, rounds: int, pause_s: float = 0.03) -> None:
        """Let everybody write so many messages."""
        await asyncio.gather(
            self._clients_write(name, rounds, pause_s), self._manager_writes(name, rounds, pause_s)
        )

    def has_arrived(self) -> bool:
        """Tell whether everything is where it belongs, its statuses too."""
        return all(
            set(self._in_kommo(client)) >= set(self.said[client])
            and set(self.telegram.texts_to(client)) >= set(self.answered[client])
            for client in self.clients
        ) and all(self._is_reported(text) for text in self.ids)

    def tally(self) -> Tally:
        """Count what became of all messages so far."""
        in_kommo = {client: self._in_kommo(client) for client in self.clients}
        in_telegram = {
            client: [t for t in self.telegram.texts_to(client) if t in self.ids]
            for client in self.clients
        }
        pairs = [(self.said[c], in_kommo[c]) for c in self.clients]
        pairs += [(self.answered[c], in_telegram[c]) for c in self.clients]
        return Tally(
            from_clients=sum(map(len, self.said.values())),
            from_managers=sum(map(len, self.answered.values())),
            lost=sum(len(set(sent) - set(arrived)) for sent, arrived in pairs),
            repeated_in_kommo=sum(map(_repeated, in_kommo.values())),
            repeated_in_telegram=sum(map(_repeated, in_telegram.values())),
            out_of_order=sum(_misplaced(sent, arrived) for sent, arrived in pairs),
            wrong_status=sum(not self._is_right(text) for text in self.ids),
        )

    def misplaced(self) -> list[str]:
        """Name what came behind something that was sent later, and what it came behind."""
        found = []
        for client in self.clients:
            for sent, arrived in (
                (self.said[client], self._in_kommo(client)),
                (self.answered[client], self.telegram.texts_to(client)),
            ):
                place = {text: number for number, text in enumerate(sent)}
                first = list(dict.fromkeys(text for text in arrived if text in place))
                for number, text in enumerate(first):
                    ahead = max(first[:number], key=place.__getitem__, default=text)
                    if place[ahead] > place[text]:
                        found.append(f"{text!r} came after {ahead!r}")
        return found

    async def _clients_write(self, name: str, rounds: int, pause_s: float) -> None:
        for number in range(rounds):
            for client in self.clients:
                self._client_says(f"client {client}, {name}, message {number}", client)
            await asyncio.sleep(self.chance.uniform(0, pause_s))

    def _client_says(self, text: str, client: int) -> None:
        self.telegram.client_says(text, chat_id=client, name=f"Client {client}")
        self.said[client].append(text)

    async def _manager_writes(self, name: str, rounds: int, pause_s: float) -> None:
        for number in range(rounds):
            for client in self.clients:
                await self._manager_says(f"manager to {client}, {name}, message {number}", client)
            await asyncio.sleep(self.chance.uniform(0, pause_s))

    async def _manager_says(self, text: str, client: int) -> None:
        """Write; what Kommo knows did not arrive is not expected to."""
        message_id = await self.kommo.manager_says(text, to=conversation(client))
        hooks = (hook for hook in reversed(self.kommo.hooks) if text.encode() in hook.sent)
        hook = next(hooks, None)  # none leaves while the integration is switched off
        if hook is not None and hook.status == 200:
            self.answered[client].append(text)
            self.ids[text] = message_id

    async def says_unheard(self, text: str, client: int) -> None:
        """Let the manager write what no webhook brings: it has to be read back."""
        self.ids[text] = await self.kommo.manager_says(text, to=conversation(client), hook=False)
        self.answered[client].append(text)

    def _in_kommo(self, client: int) -> list[str]:
        said = set(self.said[client])
        return [text for text in self.kommo.texts_in(conversation(client)) if text in said]

    def _is_reported(self, text: str) -> bool:
        return bool(self.kommo.statuses_of(self.ids[text]))

    def _is_right(self, text: str) -> bool:
        """Tell whether a message has the statuses of one that arrived: 1, or 1 and then 2.

        A kill may repeat a status, which changes nothing.
        """
        steps = [code for code, _ in groupby(self.kommo.statuses_of(self.ids[text]))]
        return steps in ([1], [1, 2])


def conversation(client: int) -> str:
    """Return our id of a client's conversation."""
    return f"tg:{BOT_ID}:{client}"


def _repeated(arrived: list[str]) -> int:
    return len(arrived) - len(set(arrived))


def _misplaced(sent: list[str], arrived: list[str]) -> int:
    """Count the messages that came before one that was sent earlier; repetitions aside."""
    first_time = list(dict.fromkeys(arrived))
    expected = [text for text in sent if text in set(arrived)]
    return sum(one != other for one, other in zip(first_time, expected, strict=True))
