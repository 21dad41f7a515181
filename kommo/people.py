"""Participants of a conversation, in our words; `wire()` returns Kommo's."""

from typing import Any

from kommo.ids import (
    KommoUserId,
    ParticipantId,
)
from kommo.payload import Payload, Text
from kommo.wire import present


class Profile(Payload):
    """How a client can be reached otherwise; copied to the contact of a new lead."""

    phone: Text | None = None
    email: Text | None = None


class Person(Payload):
    """A participant of a conversation. `ref_id` is what Kommo calls the person."""

    id: ParticipantId
    name: Text
    ref_id: KommoUserId | None = None
    avatar: str | None = None
    profile: Profile | None = None
    profile_link: str | None = None

    def wire(self) -> dict[str, Any]:
        """Return this in Kommo's words."""
        return present(super().wire())
