"""Who writes in a story: a client in Telegram, and a manager in Kommo who answers."""

from typing import Any


class Client:
    """A client of the first bot; `conversation` is our id of their chat."""

    def __init__(self, telegram: Any, kommo: Any, eventually: Any, chat_id: int) -> None:
        self.chat_id = chat_id
        self.conversation = f"tg:700001:{chat_id}"
        self._telegram = telegram
        self._kommo = kommo
        self._eventually = eventually

    async def says(self, text: str, **more: Any) -> int:
        """Write, and wait for the conversation in Kommo; returns Telegram's message id."""
        message_id: int = self._telegram.client_says(text, chat_id=self.chat_id, **more)
        await self._eventually(lambda: self.conversation in self._kommo.conversations)
        return message_id


class Answer:
    """What a manager wrote; `id` is Kommo's."""

    def __init__(self, kommo: Any, eventually: Any, message_id: str) -> None:
        self.id = message_id
        self._kommo = kommo
        self._eventually = eventually

    async def has_statuses(self, *codes: int) -> None:
        """Wait until Kommo was told exactly these delivery statuses."""
        await self._eventually(lambda: self._kommo.statuses_of(self.id) == list(codes))

    async def is_delivered(self) -> None:
        """Wait until Kommo was told that it was delivered, and no more than that."""
        await self.has_statuses(1)


class Manager:
    """The Kommo user who answers."""

    def __init__(self, kommo: Any, eventually: Any) -> None:
        self._kommo = kommo
        self._eventually = eventually

    async def answers(self, client: Client, text: str) -> Answer:
        """Write to a client."""
        message_id = await self._kommo.manager_says(text, to=client.conversation)
        return Answer(self._kommo, self._eventually, message_id)
