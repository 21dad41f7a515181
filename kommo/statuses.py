"""Delivery statuses, in our words; `wire()` returns Kommo's.

Reference: Kommo, Update message delivery status.
"""

from enum import IntEnum
from typing import Any, Literal, Self

from pydantic import (
    model_validator,
)

from kommo.ids import (
    KommoMessageId,
)
from kommo.payload import Payload, Text
from kommo.wire import present

StatusField = Literal["delivery_status", "status_code"]


StatusSetting = Literal["auto", "status_code", "delivery_status"]
"""How the status is named: Kommo's pages disagree, and both are in use."""


class StatusCode(IntEnum):
    """What became of a manager's message."""

    DELIVERED = 1
    READ = 2
    ERROR = -1


class ErrorCode(IntEnum):
    """Why a manager's message was not delivered."""

    CHAT_DELETED = 901
    INTEGRATION_OFF = 902
    INTERNAL = 903
    NO_CONVERSATION = 904
    OTHER = 905


class DeliveryStatus(Payload):
    """What became of a manager's message; an error carries its code and a text for the manager."""

    kommo_message_id: KommoMessageId
    status: StatusCode
    error_code: ErrorCode | None = None
    error: Text | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        is_error = self.status is StatusCode.ERROR
        if is_error != (self.error_code is not None):
            raise ValueError("error_code belongs to an error, and only there")
        if self.error is not None and not is_error:
            raise ValueError("only an error carries a text")
        if self.error_code is ErrorCode.OTHER and not self.error:
            raise ValueError(f"{ErrorCode.OTHER} needs a text")
        return self

    def wire(self, status_field: StatusField = "delivery_status") -> dict[str, Any]:
        """Return this in Kommo's words, in the older or in the newer form."""
        message_id = self.kommo_message_id if status_field == "delivery_status" else None
        return present(
            {
                "msgid": message_id,
                status_field: int(self.status),
                "error_code": self.error_code and int(self.error_code),
                "error": self.error,
            }
        )
