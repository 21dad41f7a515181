"""Why a file of Telegram cannot be had: errors, and what a refusal of getFile means.

Texts change, so only parts of them are matched. Reference: Bot API, getFile.
"""

from aiogram.exceptions import (
    AiogramError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)

from bot.http.telegram_session import is_page

OK, PARTIAL, NOT_FOUND = 200, 206, 404


BAD_GATEWAY, UNAVAILABLE, TIMED_OUT = 502, 503, 504


TOO_BIG, PASSING = "too big", "temporarily unavailable"


GONE = (
    "invalid file_id",
    "invalid file id",
    "file_id_invalid",
    "wrong file identifier",
    "wrong remote file id",
    "file_reference_",
    "file reference",
)
"""What says that a file can never be had; the cloud says "wrong file_id or the file is temporarily
unavailable" of both, which therefore may pass. Texts change. Reference: Bot API, getFile."""


class FileError(Exception):
    """A file that cannot be had; `status` is what to answer whoever asked for it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class FileRefusedForNowError(FileError):
    """Telegram's server refuses a file in words that do not say that it is gone."""


class FileTooBigError(FileError):
    """Telegram's server gives no file of this size to bots."""


class FileRefusedError(FileError):
    """Telegram's server gives the bot nothing: its token is no longer valid."""


def refusal_of(error: AiogramError) -> FileError:
    """Return what a refusal of getFile means for the file."""
    reason = f"Telegram refuses: {type(error).__name__}"
    if is_page(error):
        return FileError(BAD_GATEWAY, f"{reason}, in a page that is not Telegram's")
    match error:
        case TelegramBadRequest():
            return _bad_request(error.message.lower())
        case TelegramUnauthorizedError() | TelegramForbiddenError() | TelegramNotFound():
            return FileRefusedError(
                BAD_GATEWAY, f"Telegram refuses the bot: {type(error).__name__}"
            )
        case _:
            return FileError(BAD_GATEWAY, reason)


def _bad_request(words: str) -> FileError:
    """Return what the words of a 400 mean: only what says so is gone."""
    if TOO_BIG in words:
        return FileTooBigError(NOT_FOUND, "the file is too big for bots")
    if PASSING in words:
        return FileRefusedForNowError(UNAVAILABLE, "Telegram does not have the file for now")
    if any(said in words for said in GONE):
        return FileError(NOT_FOUND, "Telegram no longer knows the file")
    return FileRefusedForNowError(BAD_GATEWAY, "Telegram refuses the file")
