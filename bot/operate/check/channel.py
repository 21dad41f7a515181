"""The channel's state in Kommo, found by reading alone: none of these calls changes anything.

Both calls read the history of a chat that nobody has. With the scope in the path, the answer says
whether Kommo takes the channel in this account; with the bare channel in its place, whether it
knows the channel at all. Reference: Kommo, Chat history; HTTP codes; Connect a channel to an
account (the integration that is switched off).
"""

from bot.account.connect import OUTAGE, REMEDY
from bot.operate.check.connection_errors import why
from bot.operate.check.findings import Finding, doubt, failure, well
from kommo.chats import NO_CHAT, ChatsApi
from kommo.errors import KommoError, RateLimitedError, RejectedError, RequestError

NAME = "channel"
UNPAID, FORBIDDEN, NOT_FOUND = 402, 403, 404
SIGNATURE = "ORIGIN_INVALID_SIGNATURE"
OTHER_KEY = (
    "check kommo.channel_secret, letter by letter: it is the channel's secret key of Kommo "
    "support's answer, not the integration's; and that this machine's clock is right"
)
WRONG_CHANNEL = (
    "check kommo.channel_id, and that the integration is switched on in the account's settings"
)
WRONG_ACCOUNT = (
    "check kommo.account_id, which is the account's amojo id; if it is right, start the service, "
    "which connects the channel, or run: kommo-telegram connect; should that be refused, Kommo "
    "support has not allowed this account for the channel"
)
NOT_CONNECTED = "start the service, which connects it, or run: kommo-telegram connect"
BLOCKED = (
    "Kommo blocks addresses that asked too often: ask Kommo support to lift that; or something "
    "between here and Kommo answers in its place"
)
NOT_KOMMO = "check kommo.chats_url, and what answers in Kommo's place"


async def refusal_of(chats: ChatsApi) -> KommoError | None:
    """Return why Kommo does not take a reading call; None when it does."""
    try:
        await chats.history(NO_CHAT, limit=1)
    except KommoError as error:
        return error
    return None


async def standing(scope: ChatsApi, channel: ChatsApi, *, is_account_sure: bool) -> Finding:
    """Return how Kommo takes the channel in the account."""
    refusal = await refusal_of(scope)
    if isinstance(refusal, RejectedError) and refusal.status == NOT_FOUND:
        refusal = await refusal_of(scope)  # a router's mistake passes
    if refusal is None:
        return well(NAME, "Kommo takes our calls: it is connected to the account")
    if not isinstance(refusal, RejectedError):
        return _unanswered(refusal)
    if _is_plain(refusal):
        return _plain(refusal)
    other = await refusal_of(channel)
    if isinstance(other, RejectedError) and other.status == NOT_FOUND:
        return failure(
            NAME, f"Kommo does not know the channel ({_answer(refusal)})", WRONG_CHANNEL
        )
    if refusal.status == NOT_FOUND and not is_account_sure:
        text = f"Kommo knows the channel, but not in this account ({_answer(refusal)})"
        return failure(NAME, text, WRONG_ACCOUNT)
    text = f"it is not connected to the account yet ({_answer(refusal)})"
    return doubt(NAME, text, NOT_CONNECTED)


def _answer(error: RequestError) -> str:
    """Return an answer of Kommo's as a person tells it to support."""
    return f"Kommo answers {error.status} {error.error_type}".rstrip()


def _unanswered(error: KommoError) -> Finding:
    what, remedy = why(error)
    if isinstance(error, RateLimitedError):
        return failure(NAME, str(error), "wait, and let nothing else ask Kommo so often")
    return failure(NAME, f"{error}: {what}" if what else str(error), remedy or OUTAGE)


def _is_plain(error: RequestError) -> bool:
    """Tell whether a refusal says by itself what is wrong."""
    is_signature = error.error_type == SIGNATURE or "signature" in str(error).lower()
    return is_signature or not error.is_kommos or error.status not in {FORBIDDEN, NOT_FOUND}


def _plain(error: RequestError) -> Finding:
    if error.status == UNPAID:
        return failure(
            NAME,
            f"the account is not paid for ({_answer(error)})",
            "renew the account's subscription in Kommo",
        )
    if not error.is_kommos:
        remedy = BLOCKED if error.status == FORBIDDEN else NOT_KOMMO
        return failure(NAME, f"the answer is not Kommo's own: {error}", remedy)
    if error.status == FORBIDDEN:
        text = f"Kommo does not accept the channel secret ({_answer(error)})"
        return failure(NAME, text, OTHER_KEY)
    return failure(NAME, str(error), REMEDY)
