"""Map aiogram's errors to delivery outcomes (pure)."""

import asyncio
from dataclasses import dataclass, replace

import aiohttp
from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from bot.deliver.telegram.fetch import FetchError
from bot.http.telegram_session import http_status, is_page
from bot.http.tunnels import ProxyError
from bot.queue.outcomes import Outcome, RetryLater, Undeliverable
from bot.translate.outgoing import refusals
from bot.translate.outgoing.refusals import Verdict

GATEWAY_TIMEOUT = 504

UNSENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientConnectorDNSError,
    aiohttp.ConnectionTimeoutError,
)
"""Causes of a network error that certainly came before the request left."""


class NotSentError(Exception):
    """Nothing was sent, and the manager is to be told why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.text)
        self.verdict = verdict


@dataclass(frozen=True)
class Blocked(Undeliverable):
    """Telegram says that the client has blocked the bot."""


class UnsentError(AiogramError):
    """A call failed before Telegram could have carried it out: the file had not arrived."""

    def __init__(self, error: AiogramError) -> None:
        super().__init__(str(error))
        self.error = error


def outcome_of(error: AiogramError) -> Outcome:
    """Return what a failed call comes to. The order matters: some are kinds of others."""
    match error:
        case UnsentError():
            return _certain(outcome_of(error.error))
        case TelegramEntityTooLarge():
            return refused(refusals.TOO_LARGE, error.message)
        case TelegramNetworkError():
            is_unknown = not _is_unsent(error)
            return later(_network_words(error), is_uncertain=is_unknown, is_unknown=is_unknown)
        case TelegramServerError():
            is_unknown = http_status(error) == GATEWAY_TIMEOUT
            reason = f"Telegram failed: {error.message}"
            return replace(
                later(reason, is_uncertain=True, is_unknown=is_unknown), is_suspect=not is_unknown
            )
        case TelegramAPIError():
            return _refusal(error)
    return later(
        f"Telegram's answer could not be read ({type(error).__name__})", is_uncertain=True
    )


def _refusal(error: TelegramAPIError) -> Outcome:
    """Return the outcome of an answer of the fours; only Telegram's own is about the message."""
    code = _status_of(error)
    if code is None or (code == refusals.BAD_REQUEST and is_page(error)):
        return later(f"Telegram cannot be used now: {error.message}")
    return refused(code, error.message)


def is_about_message(error: TelegramAPIError) -> bool:
    """Tell whether a refusal is one of what was sent, and not of the bot or by somebody else."""
    return isinstance(_refusal(error), Undeliverable)


def is_about_connection(error: TelegramAPIError) -> bool:
    """Tell whether a refusal says that a business account is not connected."""
    code = _status_of(error)
    return code is not None and refusals.refusal(code, error.message) == refusals.NO_BUSINESS


def refused(code: int, description: str) -> Outcome:
    """Return the outcome of a call that Telegram refused."""
    verdict = refusals.refusal(code, description)
    if verdict.retry:
        reason = f"{verdict.text.rstrip('.')} ({description})"
        return RetryLater(reason, code=verdict.code, text=verdict.text)
    kind = Blocked if verdict == refusals.CLIENT_BLOCKED else Undeliverable
    return kind(f"Telegram: {description}", code=verdict.code, text=verdict.text)


def unshown(error: NotSentError | FetchError) -> Outcome:
    """Return the outcome of a message of which nothing was sent."""
    verdict = error.verdict
    if verdict.retry:
        return RetryLater(str(error), code=verdict.code, text=verdict.text)
    return _final(str(error), verdict)


def _final(reason: str, verdict: Verdict) -> Undeliverable:
    return Undeliverable(reason, code=verdict.code, text=verdict.text)


def slow_down(after_s: float) -> RetryLater:
    """Return the outcome of a call that came too soon."""
    verdict = refusals.SLOW_DOWN
    return RetryLater(
        "Telegram asks to slow down", after_s=after_s, code=verdict.code, text=verdict.text
    )


def later(reason: str, *, is_uncertain: bool = False, is_unknown: bool = False) -> RetryLater:
    """Return the outcome of an attempt that says nothing about the message itself."""
    return RetryLater(
        reason,
        is_uncertain=is_uncertain,
        is_unknown=is_unknown,
        code=refusals.GAVE_UP.code,
        text=refusals.GAVE_UP.text,
    )


def _certain(outcome: Outcome) -> Outcome:
    """Return the outcome of a call that was not carried out, whatever else is unknown."""
    if isinstance(outcome, RetryLater):
        return replace(outcome, is_uncertain=False, is_unknown=False)
    return outcome


def _status_of(error: TelegramAPIError) -> int | None:
    """Return the `error_code` behind aiogram's exception; None where it has no class for it."""
    codes: tuple[tuple[type[TelegramAPIError], int], ...] = (
        (TelegramUnauthorizedError, refusals.UNAUTHORIZED),
        (TelegramForbiddenError, refusals.FORBIDDEN),
        (TelegramNotFound, refusals.NOT_FOUND),
        (TelegramBadRequest, refusals.BAD_REQUEST),
    )
    return next((code for kind, code in codes if isinstance(error, kind)), None)


def _is_unsent(error: TelegramNetworkError) -> bool:
    """Tell whether a network error certainly came before the request left."""
    return isinstance(error.__cause__ or error.__context__, UNSENT)


def _network_words(error: TelegramNetworkError) -> str:
    """Describe a network error without its text, which may hold the bot's token."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, asyncio.TimeoutError):
        return "Telegram did not answer in time"
    if isinstance(cause, aiohttp.ClientConnectorError) and isinstance(cause.os_error, ProxyError):
        return f"Telegram could not be reached: {cause.os_error}"
    return f"Telegram could not be reached ({type(cause or error).__name__})"
