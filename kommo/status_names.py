"""The name of a delivery status on this account's host: set, or detected with the first status.

Kommo renamed the field, and hosts that know only one of the names are in use.
Reference: Kommo, Update message delivery status; Chats API updates.
"""

from collections.abc import Awaitable, Callable

from kommo.errors import HeldBackError, RejectedError, RequestError
from kommo.statuses import StatusField, StatusSetting

NEWER: StatusField = "status_code"
OLDER: StatusField = "delivery_status"

REFUSALS_OF_FORM = frozenset({400, 422})
STRIKES = 2
"""So often in a row a name that worked has to be refused, and the other taken, to be replaced:
a refusal may have another reason."""

WAIT_S = 0.2
"""How long further statuses wait while the first one finds out."""

Tell = Callable[[StatusField], Awaitable[None]]
Learned = Callable[[StatusField], Awaitable[None]]


async def _nothing(_: StatusField) -> None:
    """Do nothing."""


class StatusNames:
    """Tells statuses under the name that the host takes.

    Args:
        setting: a name, or "auto".
        known: the name that was found out earlier.
        on_learned: what to do with a name that was found out.
    """

    def __init__(
        self,
        setting: StatusSetting,
        known: StatusField | None = None,
        *,
        on_learned: Learned = _nothing,
    ) -> None:
        self._fixed: StatusField | None = None if setting == "auto" else setting
        self._known = known
        self._on_learned = on_learned
        self._is_proved = False
        self._is_asking = False
        self._strikes = 0

    async def tell(self, tell: Tell) -> None:
        """Tell a status; where its name is refused, under the other one at once.

        Raises:
            HeldBackError: another status is finding the name out.
            RequestError: what `tell` raised under the first name.
        """
        if self._fixed is not None:
            await tell(self._fixed)
        elif self._known is not None:
            await self._either(tell, self._known)
        elif self._is_asking:
            raise HeldBackError("the name of the status is being found out", retry_after_s=WAIT_S)
        else:
            self._is_asking = True
            try:
                await self._either(tell, NEWER)
            finally:
                self._is_asking = False

    async def _either(self, tell: Tell, first: StatusField) -> None:
        try:
            await tell(first)
        except RequestError as error:
            if error.status not in REFUSALS_OF_FORM or error.is_about_channel:
                raise
            await self._other(tell, OLDER if first == NEWER else NEWER, error)
        else:
            self._strikes = 0
            await self._learn(first)

    async def _other(self, tell: Tell, other: StatusField, refusal: RequestError) -> None:
        """Tell a status under the other name; where that is refused too, the name is not why."""
        try:
            await tell(other)
        except RejectedError:
            raise refusal from None
        self._strikes += 1
        if not self._is_proved or self._strikes >= STRIKES:
            self._strikes = 0
            await self._learn(other)

    async def _learn(self, name: StatusField) -> None:
        self._is_proved, is_news = True, name != self._known
        self._known = name
        if is_news:
            await self._on_learned(name)
