"""Logs for people, journald and machines; whatever is written passes the redaction first."""

import json
import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

REDACTED = "‹redacted›"  # noqa: RUF001 - brackets that no token, URL or JSON has

SHORTEST_SECRET = 4
"""Shorter ones would blacken the log and protect nothing."""

NOISY = ("aiogram", "aiohttp.access", "aiosqlite", "apscheduler", "httpcore", "httpx")
"""They log every URL, statement or run: nothing below a warning is wanted of them."""

_TOKEN = r"(?<![0-9])[0-9]++(?::|%3[Aa])[A-Za-z0-9_-]{30,}"  # noqa: S105 - the shape, not a token
"""A bot token, also one that is not in the settings. Reference: Bot API, Authorizing your bot."""

SHORTEST_TOKEN = 32
"""A digit, the colon, and 30 characters more."""

_KEY = re.compile("[A-Za-z0-9_-]{20,}")  # written alike in URLs and in JSON
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_BARE = re.compile(r"[^\s\"=]+")
_COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}

log = logging.getLogger(__name__)


class Redactor:
    """Blackens secrets in texts: those given, however written, and all that looks like a token."""

    def __init__(self, secrets: Iterable[str]) -> None:
        notations = {text for secret in secrets for text in _notations(secret)}
        longest_first = sorted((n for n in notations if len(n) >= SHORTEST_SECRET), key=len)[::-1]
        self._shortest = min([*map(len, longest_first), SHORTEST_TOKEN])
        self._pattern = re.compile("|".join([_TOKEN, *map(re.escape, longest_first)]))

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        return self._pattern.sub(REDACTED, text) if len(text) >= self._shortest else text


def configure(
    level: str,
    format: str,  # noqa: A002 - the setting's name
    stream: TextIO,
    redact: Callable[[str], str],
    environ: Mapping[str, str],
) -> None:
    """Send all logs to a stream, and errors that nobody caught and libraries' warnings too.

    What asyncio finds unhandled reaches its logger, and with it this stream.

    Args:
        level: debug, info, warning, error or critical.
        format: text or json.
        stream: where to write.
        redact: applied to every message, field and traceback.
        environ: tells what the stream is (JOURNAL_STREAM, NO_COLOR, TERM).
    """
    handler = _Handler(stream)
    handler.setFormatter(_formatter(format, stream, redact, environ))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in NOISY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    sys.excepthook = _report
    threading.excepthook = lambda args: _report(args.exc_type, args.exc_value, args.exc_traceback)
    warnings.showwarning = _warn


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to the stream, and never what is not redacted."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Go on: the stream is gone, and what logging would print instead is the raw record."""


class _Formatter(logging.Formatter):
    """Takes a record apart, each piece redacted."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def message(self, record: logging.LogRecord) -> str:
        """Return the message, even when its arguments do not fit."""
        try:
            return self._redact(record.getMessage())
        except Exception:  # a mistake in a log call must not cost the log line
            return self._redact(f"{_words(record.msg)} {_words(record.args)}")

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return what was given as `extra`; numbers stay numbers."""
        given = vars(record).items()
        return {key: self._field(value) for key, value in given if key not in _STANDARD}

    def trace(self, record: logging.LogRecord) -> str:
        """Return the traceback with its causes, or an empty text."""
        parts = traceback.format_exception(*record.exc_info) if record.exc_info else []
        if record.stack_info:
            parts.append(record.stack_info)
        return self._redact("".join(parts).rstrip("\n"))

    def _field(self, value: Any) -> Any:
        text = _words(value)
        redacted = self._redact(text)
        is_plain = value is None or isinstance(value, bool | int)
        return value if is_plain and redacted == text else redacted


class _TextFormatter(_Formatter):
    """One line for people; tracebacks follow indented, so that no line can pass for another."""

    def __init__(
        self, redact: Callable[[str], str], *, is_coloured: bool, is_journal: bool
    ) -> None:
        super().__init__(redact)
        self._is_coloured = is_coloured
        self._is_journal = is_journal

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines."""
        words = [f"{record.name}:", escape(self.message(record))]
        fields = self.fields(record).items()
        words += [f"{escape(key)}={_shown(value)}" for key, value in fields if value is not None]
        trace = [f"    {escape(line)}" for line in self.trace(record).split("\n") if line]
        lines = [" ".join([self._head(record), *words]), *trace]
        prefix = f"<{_priority(record.levelno)}>" if self._is_journal else ""
        return "\n".join(prefix + line for line in lines)

    def _head(self, record: logging.LogRecord) -> str:
        level = record.levelname
        if self._is_journal:
            return level
        colour = _COLOURS.get(level) if self._is_coloured else None
        padded = f"{level:<8}"
        return f"{_time(record)} " + (f"\x1b[{colour}m{padded}\x1b[0m" if colour else padded)


class _JsonFormatter(_Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        data: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.message(record),
        }
        data = self.fields(record) | data
        if trace := self.trace(record):
            data["exception"] = trace
        line = json.dumps(data, ensure_ascii=False)
        # What json.dumps leaves as it is can still end a line, or be no UTF-8.
        return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line)


def escape(text: str) -> str:
    r"""Return a text on one line: control characters and line breaks as \n, \x1b, \u202e."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _notations(secret: str) -> Iterable[str]:
    """Return a secret as it may be written: as it is, in URLs, in JSON; a bot token's key."""
    bot_id, colon, key = secret.partition(":")
    if colon and bot_id.isdecimal() and _KEY.fullmatch(key):
        yield key
        return
    yield secret
    for encode in (lambda text: quote(text, safe=""), quote, quote_plus):
        yield encode(secret)
        yield re.sub("%..", lambda code: code[0].lower(), encode(secret))
    yield json.dumps(secret)[1:-1]


def priority_prefix(level: int, stream: TextIO, environ: Mapping[str, str]) -> str:
    """Return what tells journald the priority of a line; nothing where it does not listen."""
    return f"<{_priority(level)}>" if _is_journal(stream, environ) else ""


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether journald reads a stream.

    Programs started from a desktop inherit the variable, though they write to a terminal.
    """
    return bool(environ.get("JOURNAL_STREAM")) and not stream.isatty()


def _formatter(
    name: str, stream: TextIO, redact: Callable[[str], str], environ: Mapping[str, str]
) -> logging.Formatter:
    if name == "json":
        return _JsonFormatter(redact)
    is_terminal, is_journal = stream.isatty(), _is_journal(stream, environ)
    is_plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    return _TextFormatter(redact, is_coloured=is_terminal and not is_plain, is_journal=is_journal)


def _report(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Log an error that nobody caught."""
    if error is None or issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    log.critical("unexpected error", exc_info=(kind, error, trace))


def _warn(
    message: Warning | str, category: type[Warning], *_where: object, **_more: object
) -> None:
    """Log what a library warns of, such as a picture that is suspiciously large."""
    log.warning("%s: %s", category.__name__, message)


def _words(value: Any) -> str:
    """Return an object in words, also one that refuses."""
    try:
        return str(value)
    except Exception:
        return f"(a {type(value).__name__} that cannot be shown)"


def _shown(value: Any) -> str:
    """Return a field's value, in quotes unless it is one plain word."""
    text = str(value)
    if _BARE.fullmatch(text) and text.isprintable():
        return text
    return escape(json.dumps(text, ensure_ascii=False))


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _priority(level: int) -> int:
    """Return the level as journald counts. Reference: systemd, sd-daemon."""
    steps = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
    return next((priority for least, priority in steps if level >= least), 7)
