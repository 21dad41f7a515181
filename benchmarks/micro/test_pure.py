"""What the pure parts cost, one message each."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiogram.types import Update

from benchmarks.world import BOT_ID, SCOPE_ID, SECRET, TOKEN, Telegram, World
from bot.logs import Redactor
from bot.translate.ids import parse_conversation
from bot.translate.incoming import messages as incoming
from bot.translate.outgoing import messages as outgoing
from kommo import calls
from kommo.events import ManagerMessage, parse_event
from kommo.ids import ScopeId
from kommo.models import NewMessage
from kommo.signature import content_md5, sign, verify_webhook, webhook_signature

Benchmark = Callable[..., Any]

HOOK = World(1).hooks(1, 1)[0].partition(b"\r\n\r\n")[2]
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def _update() -> Any:
    telegram = Telegram()
    telegram.say(1000, "When do you open?")
    return telegram.pending()[0]


def _message() -> incoming.ClientMessage:
    message = Update.model_validate(_update()).message
    assert message is not None
    read = incoming.client_message(
        message, bot_id=BOT_ID, source_id=None, media_url=lambda _file: "https://example.com/f"
    )
    assert read is not None
    return read


def test_read_an_update(benchmark: Benchmark) -> None:
    """One update of Telegram, as aiogram reads it."""
    update = _update()
    assert benchmark(Update.model_validate, update)


def test_translate_a_client_s_text(benchmark: Benchmark) -> None:
    """From aiogram's message to what Kommo is to show."""
    message = Update.model_validate(_update()).message
    assert message is not None
    assert benchmark(
        incoming.client_message,
        message,
        bot_id=BOT_ID,
        source_id=None,
        media_url=lambda _file: "https://example.com/f",
    )


def test_store_a_payload(benchmark: Benchmark) -> None:
    """A payload as the text that is kept."""
    payload = _message().payload
    assert benchmark(payload.model_dump_json, exclude_none=True)


def test_read_a_payload(benchmark: Benchmark) -> None:
    """The text that was kept as a payload."""
    text = _message().payload.model_dump_json(exclude_none=True)
    assert benchmark(NewMessage.model_validate_json, text)


def test_build_a_call(benchmark: Benchmark) -> None:
    """A payload as the bytes that Kommo gets."""
    assert benchmark(calls.new_message, ScopeId(SCOPE_ID), _message().payload)


def test_sign_a_call(benchmark: Benchmark) -> None:
    """The signature of a call."""
    call = calls.new_message(ScopeId(SCOPE_ID), _message().payload)

    def signed() -> str:
        md5 = content_md5(call.body)
        return sign(SECRET, call.method, md5, "application/json", "Fri, 02 Jan 2026", call.path)

    assert benchmark(signed)


def test_verify_a_hook(benchmark: Benchmark) -> None:
    """The signature of a webhook."""
    signature = webhook_signature(SECRET, HOOK)
    benchmark(verify_webhook, SECRET, HOOK, signature)


def test_parse_a_hook(benchmark: Benchmark) -> None:
    """A webhook's body as an event."""
    assert isinstance(benchmark(parse_event, HOOK), ManagerMessage)


def test_translate_a_manager_s_text(benchmark: Benchmark) -> None:
    """From an event to calls of the Bot API."""
    event = parse_event(HOOK)
    assert isinstance(event, ManagerMessage)
    address = parse_conversation(event.conversation_id or "")
    assert address is not None
    assert benchmark(outgoing.manager_message, event, address, outgoing.Manner())


def test_redact_a_line(benchmark: Benchmark) -> None:
    """A log line without the secrets."""
    assert benchmark(Redactor([SECRET, TOKEN]), "delivered to Kommo item=17 attempt=1")
