"""Errors of an import.

ImportFailedError ─┬ UnreadableExportError   the file is not what it should be
                   ├ UnclearSideError        nobody says who the client is
                   ├ ForgottenError          the client was forgotten meanwhile
                   ├ RefusedError            Kommo would refuse all the rest
                   └ NoAnswerError           Kommo did not answer for long
"""

from bot.errors import BridgeError


class ImportFailedError(BridgeError):
    """An import did not come to its end; the text says what to do."""


class UnreadableExportError(ImportFailedError):
    """The export cannot be read."""


class UnclearSideError(ImportFailedError):
    """Who is the client, and who the company, is not said."""


class ForgottenError(ImportFailedError):
    """A client was forgotten while messages of theirs were brought along."""


class RefusedError(ImportFailedError):
    """Kommo refused what it would refuse of all the other messages too."""


class NoAnswerError(ImportFailedError):
    """Kommo did not answer for as long as one may wait."""
