"""Content without a counterpart in Kommo → a short text about it. Pure.

Reference: Bot API, Message (service messages).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiogram.types import (
    Checklist,
    Dice,
    Game,
    GiftInfo,
    Giveaway,
    GiveawayWinners,
    Invoice,
    Message,
    MessageAutoDeleteTimerChanged,
    Poll,
    RefundedPayment,
    Story,
    SuccessfulPayment,
    UniqueGiftInfo,
    WebAppData,
)

from bot.translate.names import chat_name, person_name
from bot.words import counted

NOT_KNOWN = "not known to this version of the bridge"

SILENT = frozenset(
    {
        "chat_background_set",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_closed",
        "forum_topic_reopened",
        "general_forum_topic_hidden",
        "general_forum_topic_unhidden",
        "chat_owner_changed",
        "chat_owner_left",
    }
)
"""Kinds that tell a manager nothing: how the client arranges the chat on the screen."""

QUIET = frozenset(
    {
        "boost_added",
        "channel_chat_created",
        "checklist_tasks_added",
        "checklist_tasks_done",
        "community_chat_added",
        "community_chat_joined",
        "community_chat_removed",
        "connected_website",
        "delete_chat_photo",
        "direct_message_price_changed",
        "gift_upgrade_sent",
        "giveaway_completed",
        "giveaway_created",
        "group_chat_created",
        "left_chat_member",
        "managed_bot_created",
        "message_auto_delete_timer_changed",
        "migrate_from_chat_id",
        "migrate_to_chat_id",
        "new_chat_members",
        "new_chat_photo",
        "new_chat_title",
        "paid_message_price_changed",
        "pinned_message",
        "poll_option_added",
        "poll_option_deleted",
        "proximity_alert_triggered",
        "refunded_payment",
        "suggested_post_approval_failed",
        "suggested_post_approved",
        "suggested_post_declined",
        "suggested_post_paid",
        "suggested_post_refunded",
        "supergroup_chat_created",
        "video_chat_ended",
        "video_chat_participants_invited",
        "video_chat_scheduled",
        "video_chat_started",
        "write_access_allowed",
    }
)
"""Kinds that Telegram tells of and the client did not say: they make no lead, and call nobody."""

SAID = frozenset(
    {
        "animation",
        "audio",
        "chat_shared",
        "checklist",
        "contact",
        "dice",
        "document",
        "game",
        "gift",
        "giveaway",
        "giveaway_winners",
        "invoice",
        "live_photo",
        "location",
        "paid_media",
        "passport_data",
        "photo",
        "poll",
        "rich_message",
        "sticker",
        "story",
        "successful_payment",
        "text",
        "unique_gift",
        "user_shared",
        "users_shared",
        "venue",
        "video",
        "video_note",
        "voice",
        "web_app_data",
    }
)
"""Kinds that the client sent, gave, shared or paid: words to a manager."""

FIXED: Mapping[str, str] = {
    "pinned_message": "[The client pinned a message.]",
    "write_access_allowed": "[The client allowed the bot to write.]",
    "passport_data": "[The client sent Telegram Passport data, which is not read.]",
    "users_shared": "[The client shared users with the bot.]",
    "chat_shared": "[The client shared a chat with the bot.]",
    "giveaway_created": "[A giveaway was created.]",
    "giveaway_completed": "[A giveaway was completed.]",
    "checklist_tasks_added": "[Tasks were added to a checklist.]",
    "checklist_tasks_done": "[Tasks of a checklist were marked.]",
}


def notice(message: Message) -> str:
    """Return a text for a message without counterpart; none when there is nothing to tell."""
    kind = _kind(message)
    if kind in SILENT:
        return ""
    if kind in FIXED:
        return FIXED[kind]
    if kind in READERS:
        return READERS[kind](getattr(message, kind))
    return f"[{_name(message, kind)}]"


def is_quiet(message: Message) -> bool:
    """Tell whether a message is none of the client's words, so that it is to call nobody.

    What this version does not know may be what the client says; what holds nothing is not.
    """
    kind = _kind(message)
    return kind in QUIET or (kind == "unknown" and not message.model_extra)


def tells_events_only(names: Iterable[str]) -> bool:
    """Tell whether what a message holds, by the names of its fields, is none of the client's.

    Reference: Bot API, Message (service messages).
    """
    held = set(names)
    return bool(held & (QUIET | SILENT)) and not held & SAID


def _kind(message: Message) -> str:
    return str(getattr(message.content_type, "value", message.content_type))


def _name(message: Message, kind: str) -> str:
    """Name a kind that has no text of its own; a kind of the future by its field."""
    unknown = sorted(message.model_extra or {})
    if kind == "unknown" and unknown:
        return f"{', '.join(unknown).replace('_', ' ')}: {NOT_KNOWN}"
    return kind.replace("_", " ")


def poll(asked: Poll) -> str:
    """Return a poll as a text: the question, what is said of it, and the options."""
    kind = "quiz" if asked.type == "quiz" else "poll"
    state = ", closed" if asked.is_closed else ""
    options = [
        f"• {option.text}" + (f" ({option.voter_count})" if option.voter_count else "")
        for option in asked.options
        if option.text
    ]
    said = [asked.description] if asked.description else []
    return "\n".join([f"[{kind}{state}] {asked.question}", *said, *options])


def _dice(thrown: Dice) -> str:
    return f"[dice] {thrown.emoji} {thrown.value}"


def _story(shown: Story) -> str:
    owner = chat_name(shown.chat)
    of = f" of {owner}" if owner else ""
    return f"[story{of}: Telegram does not show stories to bots]"


def _checklist(shown: Checklist) -> str:
    tasks = [f"{'☑' if task.completion_date else '☐'} {task.text}" for task in shown.tasks]
    return "\n".join([f"[checklist] {shown.title}", *tasks])


def _giveaway(shown: Giveaway) -> str:
    prize = f": {shown.prize_description}" if shown.prize_description else ""
    winners = f" for {counted(shown.winner_count, 'winner')}" if shown.winner_count else ""
    is_dated = shown.winners_selection_date.timestamp() > 0
    until = f", until {shown.winners_selection_date.date().isoformat()}" if is_dated else ""
    return f"[giveaway{winners}{until}]{prize}"


def _giveaway_winners(shown: GiveawayWinners) -> str:
    names = ", ".join(person_name(user) for user in shown.winners)
    count = f": {shown.winner_count}" if shown.winner_count else ""
    return f"[winners of a giveaway{count}] {names}".strip()


def _game(shown: Game) -> str:
    return f"[game] {shown.title}\n{shown.description}".strip()


def _invoice(shown: Invoice) -> str:
    price = _price(shown.total_amount, shown.currency)
    return f"[invoice{price and f': {price}'}] {shown.title}\n{shown.description}".strip()


def _payment(paid: SuccessfulPayment) -> str:
    return f"[The client paid {_money(paid.total_amount, paid.currency)}.]"


def _refund(paid: RefundedPayment) -> str:
    return f"[A payment of {_money(paid.total_amount, paid.currency)} was refunded.]"


NO_CENTS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XTR"})
"""Currencies without a smaller unit, among those of Telegram. Reference: Bot API, Payments."""


def _price(amount: int, currency: str) -> str:
    """Return what something costs; nothing where that cannot be read."""
    return _money(amount, currency) if amount and currency else ""


def _money(amount: int, currency: str) -> str:
    if currency == "XTR":
        return f"{amount} Telegram stars"
    return f"{amount} {currency}" if currency in NO_CENTS else f"{amount / 100:.2f} {currency}"


def _gift(shown: GiftInfo) -> str:
    emoji = shown.gift.sticker.emoji or ""
    price = f" of {shown.gift.star_count} stars" if shown.gift.star_count else ""
    return f"[gift{price}] {emoji} {shown.text or ''}".strip()


def _unique_gift(shown: UniqueGiftInfo) -> str:
    name = shown.gift.base_name
    return f"[gift{name and f': {name}'}] {shown.text or ''}".strip()


def _web_app_data(sent: WebAppData) -> str:
    button = f"[{sent.button_text}]" if sent.button_text or not sent.data else ""
    return f"{button} {sent.data}".strip()


def _auto_delete(changed: MessageAutoDeleteTimerChanged) -> str:
    if not changed.message_auto_delete_time:
        return "[Messages of this chat are no longer deleted automatically.]"
    hours = max(round(changed.message_auto_delete_time / 3600), 1)
    return f"[Messages of this chat are deleted automatically after {counted(hours, 'hour')}.]"


def _website(domain: str) -> str:
    return f"[The client logged in at {domain}.]"


READERS: Mapping[str, Callable[[Any], str]] = {
    "dice": _dice,
    "story": _story,
    "checklist": _checklist,
    "giveaway": _giveaway,
    "giveaway_winners": _giveaway_winners,
    "game": _game,
    "invoice": _invoice,
    "successful_payment": _payment,
    "refunded_payment": _refund,
    "gift": _gift,
    "unique_gift": _unique_gift,
    "web_app_data": _web_app_data,
    "message_auto_delete_timer_changed": _auto_delete,
    "connected_website": _website,
}
