"""Errors of Kommo, by what the caller can do about them.

KommoError ─┬ SignatureError            a webhook that Kommo did not sign: refuse it
            ├ PayloadError              a body that is not what it should be: refuse it
            └ RequestError ─┬ UnreachableError   no answer: may have been carried out
                            ├ RejectedError      3xx, 4xx: do not repeat
                            ├ RateLimitedError ─ HeldBackError
                            │                    429: repeat after retry_after_s; held back:
                            │                    not even asked, for the 429 of another call
                            └ ServerError        5xx, 408, 425, or a 200 that is no success:
                                                 repeat later
"""

CHANNEL_STATUSES = frozenset({401, 402, 403})
"""Who asks, an unpaid account, a signature: whatever is sent meets the same answer."""


class KommoError(Exception):
    """Anything that goes wrong between this bridge and Kommo."""


class SignatureError(KommoError):
    """A webhook's signature is missing or wrong."""


class PayloadError(KommoError):
    """A body is not JSON, or not the object that is documented."""


class NoAnswerError(KommoError):
    """A call got no answer.

    Args:
        reason: what the network said.
        was_sent: whether it may have been carried out.
    """

    def __init__(self, reason: str, *, was_sent: bool) -> None:
        super().__init__(reason)
        self.was_sent = was_sent


class RequestError(KommoError):
    """A call did not succeed.

    Args:
        message: what happened, to which call, and the beginning of Kommo's own words.
        status: the HTTP status of the answer; None when there was none.
        error_type: Kommo's own name of the error; empty when it told none.
        is_kommos: whether the answer was Kommo's, and not that of a proxy or a router before it.
        retry_after_s: how long Kommo asks to wait; None when it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        error_type: str = "",
        is_kommos: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.is_kommos = is_kommos
        self.retry_after_s = retry_after_s

    @property
    def is_about_channel(self) -> bool:
        """Whether the channel or the account was refused, rather than what was sent.

        Reference: Kommo, HTTP codes (`error_type` ORIGIN_NOT_REGISTERED and the like).
        """
        return self.error_type.startswith("ORIGIN_") or self.status in CHANNEL_STATUSES


class UnreachableError(RequestError):
    """No answer came.

    Args:
        message: what happened.
        was_sent: False when the request certainly never left; True when nobody knows.
    """

    def __init__(self, message: str, *, was_sent: bool) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class RejectedError(RequestError):
    """Kommo refused the call; the same call would be refused again."""


class RateLimitedError(RequestError):
    """Kommo asks to slow down."""


class HeldBackError(RateLimitedError):
    """Nothing was sent: Kommo asked to slow down when another call was made."""


class ServerError(RequestError):
    """Kommo failed; the same call may succeed later."""
