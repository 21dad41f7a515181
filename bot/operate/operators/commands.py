"""The operators' chat: which updates are commands, and what is answered (pure)."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.conversations.accounts import in_words
from bot.health import Health
from bot.operate.dead_items import Failed
from bot.operate.operators.known_chats import chat_in
from bot.operate.status.page import duration, last_copy
from bot.operate.status.state import QueueState, State
from bot.words import counted
from storage.blocks import Block

NAMES = (
    "status",
    "failed",
    "retry",
    "drop",
    "block",
    "unblock",
    "pause",
    "resume",
    "id",
    "help",
)
PRESS = "operator:"
"""Begins the data of the operators' buttons; Kommo's buttons have other data."""

CONFIRMED = frozenset({"yes", "--yes", "—yes"})  # an app may make one dash of two
WHICH = "Which one? Such as /drop outgoing-12; /failed lists them."
LONGEST_DATA = 64
"""Bytes of a button's data. Reference: Bot API, InlineKeyboardButton."""

SHOWN = 10
REASON_LENGTH = 200
HELP = """Commands of the bridge:
/status: how it is
/failed: what could not be delivered, and why
/retry: try all of that again, or one: /retry outgoing-12
/drop outgoing-12: give one up for good, after asking
/block 123456789 spam: stop a client, here for spam; /block alone lists who is stopped
/unblock 123456789: let a client write again
/pause: deliver nothing for now; nothing is lost
/resume: deliver again
/id: the number of this chat
/help: this list"""
HINT = """This is an operators' chat: what you write here does not reach Kommo.
/help lists what I understand."""
NOT_NOW = "Not now: the database is unavailable. Nothing was changed; try again soon."
WHOM = "Whom? Such as /unblock 123456789; /block lists who is blocked."
FAILED = "That failed because of a bug in the bridge; its log has the details."


@dataclass(frozen=True)
class Command:
    """What an operator asks for."""

    chat_id: int
    name: str
    arguments: tuple[str, ...] = ()
    callback_id: str | None = None
    """Set when a button was pressed: Telegram wants that answered."""

    topic_id: int | None = None
    """The topic of the forum that it was given in."""


def command_in(update: Mapping[str, Any], chat_ids: Container[int]) -> Command | None:
    """Return the command in an update; None for everybody else's updates and all else."""
    chat_id = chat_in(update)
    if chat_id not in chat_ids:
        return None
    query = update.get("callback_query")
    if isinstance(query, Mapping):
        data = str(query.get("data", ""))
        if not data.startswith(PRESS):
            return None
        return _command(chat_id, data.removeprefix(PRESS), str(query.get("id", "")))
    message = update.get("message")
    text = message.get("text") if isinstance(message, Mapping) else None
    if not isinstance(text, str) or not text.startswith("/"):
        return None
    return _command(chat_id, text[1:], None)


def press_in(update: Mapping[str, Any]) -> str | None:
    """Return the id of a press, which is to be answered; None when it is not one."""
    query = update.get("callback_query")
    found = query.get("id") if isinstance(query, Mapping) else None
    return found if isinstance(found, str) and found else None


def status_text(state: State) -> str:
    """Return how the service is, in a few lines."""
    health = state.health
    channel = health.channel
    lines = [_headline(health)]
    lines.append(
        "Kommo: connected"
        if channel.is_connected
        else f"Kommo: {channel.problem or 'not connected'}"
    )
    if health.rest.problem:
        lines.append(f"Kommo's REST API: {health.rest.problem}")
    lines += [
        f"Bot {bot.name or bot.bot_id}: {bot.problem or 'ok'}" for bot in health.bots.values()
    ]
    lines += [f"Business account {in_words(one)}" for one in state.accounts]
    lines += [_queue_line(queue) for queue in state.queues]
    day = state.traffic
    lines.append(f"Last 24 hours: {sum(day.incoming)} incoming, {sum(day.outgoing)} outgoing")
    if state.machine is not None and state.machine.is_copy_missed(state.at):
        why = f": {health.backup_problem}" if health.backup_problem else ""
        lines.append(f"Backup: {last_copy(state.machine, state.at)}{why}")
    return "\n".join(lines)


def _headline(health: Health) -> str:
    if health.is_paused:
        return "Deliveries are paused: /resume goes on."
    if health.problems():
        return "The bridge does NOT work."
    return "The bridge waits for Kommo." if health.waits_for_kommo else "The bridge works."


def failed_text(failures: Sequence[Failed]) -> str:
    """Return what could not be delivered, the newest first."""
    if not failures:
        return "Nothing failed."
    lines = [
        f"{item.name} ({_whose(item)}{item.since:%d.%m. %H:%M} UTC): "
        f"{item.reason[:REASON_LENGTH]}\n→ {item.remedy}"
        for item in failures[:SHOWN]
    ]
    if len(failures) > SHOWN:
        lines.append(f"… and {len(failures) - SHOWN} more")
    return "\n".join(lines)


def _whose(item: Failed) -> str:
    return f"{item.client}, " if item.client else ""


def is_confirmed(arguments: Sequence[str]) -> bool:
    """Tell whether a command says that it is meant."""
    return any(word.lower() in CONFIRMED for word in arguments)


def named_in(arguments: Sequence[str]) -> list[str]:
    """Return the items that a command names, each once."""
    names = (word.lower().strip(",") for word in arguments if word.lower() not in CONFIRMED)
    return list(dict.fromkeys(name for name in names if name))


def unknown_text(names: Sequence[str]) -> list[str]:
    """Return a line for each name that is of no item which waits or is dead."""
    return [f"{name}: no such item, or it is done" for name in names]


def drop_question(names: Sequence[str], unknown: Sequence[str]) -> str:
    """Ask whether items are to be given up."""
    typed = f"/drop {' '.join(names)} yes"
    question = f"Drop {counted(len(names), 'item')} for good? To do it: {typed}"
    return "\n".join([question, *unknown_text(unknown)])


def drop_button(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the button that confirms, where its data has room for the names."""
    command = f"drop yes {' '.join(names)}"
    has_room = len((PRESS + command).encode()) <= LONGEST_DATA
    return (("Drop for good", command),) if has_room else ()


def dropped_text(dropped: Sequence[str], unknown: Sequence[str]) -> str:
    """Return what was given up, and which names are of no item."""
    return "\n".join([*(f"{name}: dropped" for name in dropped), *unknown_text(unknown)])


def blocked_text(block: Block) -> str:
    """Return that a client is stopped, and how that ends."""
    return f"Client {block.chat_id} is blocked: nothing more reaches Kommo. /unblock ends it."


def blocks_text(blocks: Sequence[tuple[Block, str | None]]) -> str:
    """Return who is stopped, and why."""
    if not blocks:
        return "Nobody is blocked. To block a client: /block 123456789 reason"
    lines = [_block_line(block, name) for block, name in blocks[:SHOWN]]
    if len(blocks) > SHOWN:
        lines.append(f"… and {len(blocks) - SHOWN} more")
    return "\n".join(lines)


def _block_line(block: Block, name: str | None) -> str:
    words = [f"{block.chat_id}", *([name] if name else [])]
    words.append(f"since {block.at:%d.%m. %H:%M} UTC")
    reason = f": {block.reason[:REASON_LENGTH]}" if block.reason else ""
    return ", ".join(words) + reason


def id_text(
    chat_id: int, chat_ids: Container[int], *, is_named: bool, topic_id: int | None = None
) -> str:
    """Return a chat's number, its topic's, and what it is for."""
    topic = f" This topic's number is {topic_id}." if topic_id else ""
    said = f"This chat's number is {chat_id}.{topic}"
    if chat_id in chat_ids:
        return f"{said} It is an operators' chat."
    if is_named:
        return said
    return (
        f"{said} To get alerts and give commands here, write into the settings, under "
        f"[operators]: chat_ids = [{chat_id}]"
        + (f" and topic_id = {topic_id}" if topic_id else "")
        + "; then restart the bridge."
    )


def asks_for_id(update: Mapping[str, Any]) -> bool:
    """Tell whether a message is the command /id and nothing else."""
    message = update.get("message")
    text = message.get("text") if isinstance(message, Mapping) else None
    return isinstance(text, str) and text.strip().partition("@")[0].lower() == "/id"


def retried_text(count: int, missing: int) -> str:
    """Return how many items are tried again, and how many there are no more."""
    unknown = f"{counted(missing, 'id')} not known, or delivered already: /failed lists what is."
    if count:
        said = f"{counted(count, 'item')} tried again: /status shows the result."
        return f"{said}\n{unknown}" if missing else said
    return unknown if missing else "Nothing failed: there is nothing to retry."


def _queue_line(queue: QueueState) -> str:
    age = f", the oldest for {duration(queue.oldest_s)}" if queue.pending else ""
    dead = f", {queue.dead} failed (/failed)" if queue.dead else ""
    return f"{queue.direction.capitalize()}: {queue.pending} waiting{age}{dead}"


def _command(chat_id: int, text: str, callback_id: str | None) -> Command | None:
    words = text.split()
    name = words[0].partition("@")[0].lower() if words else ""  # /status@sales_bot in groups
    if name not in NAMES:
        is_mistyped = chat_id > 0 and callback_id is None and name not in ("", "start")
        return Command(chat_id, "help") if is_mistyped else None
    return Command(chat_id, name, tuple(words[1:]), callback_id)
