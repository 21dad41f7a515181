"""How business accounts are connected, in words; and what their owners can do about it."""

from collections.abc import Collection

from storage.business import BusinessConnection

REMEDY = (
    "the owner opens Telegram: Settings, Telegram Business, Chatbots; connects the bot there, and "
    "lets it reply to messages"
)


def in_words(found: BusinessConnection) -> str:
    """Return how a connection is, for people."""
    if not found.is_enabled:
        return f"{found.name}: no longer connected"
    if not found.can_reply:
        return f"{found.name}: connected, but the bot may not reply"
    return f"{found.name}: connected" + ("" if found.can_read else "; it may not mark as read")


def trouble(found: BusinessConnection) -> str | None:
    """Return why answers cannot go out through an account; None when they can."""
    return None if found.can_be_used else in_words(found).removeprefix(f"{found.name}: ")


def is_shown(
    found: BusinessConnection, managers: Collection[int], *, has_channel_bot: bool
) -> bool:
    """Tell whether Kommo is shown what the owner writes: somebody has to be its author."""
    return has_channel_bot or found.business_user_id in managers
