"""The managers' messages of which a webhook has told the bridge."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sandbox.kommo.model import Hook

TAKEN: Final = 200


class Told:
    """The messages of webhooks that were answered 200; Kommo posts each webhook once.

    Args:
        hooks: all that were posted, a list that grows.
    """

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self._hooks = hooks
        self._ids: set[str] = set()
        self._read = 0

    def __contains__(self, message_id: object) -> bool:
        while self._read < len(self._hooks):
            self._note(self._hooks[self._read])
            self._read += 1
        return message_id in self._ids

    def _note(self, hook: Hook) -> None:
        if hook.status == TAKEN:
            with suppress(ValueError, KeyError, TypeError):
                self._ids.add(json.loads(hook.sent)["message"]["message"]["id"])
