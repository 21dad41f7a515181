"""What the log shows, and what it never shows."""

import asyncio
import io
import json
import logging
import sys
import threading
import urllib.parse
import warnings

import pytest

from bot.logs import NOISY, REDACTED, Redactor, configure, escape

TOKEN = "700001:TEST" + "a" * 31
SECRET = 'fake+secret/"1"%'
UNKNOWN_TOKEN = "123456789:UNKNOWN_" + "b" * 30

log = logging.getLogger("bot.test")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """Leave logging and the hooks as they were."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def written():
    """Configure a log and return what it shows."""
    stream = io.StringIO()

    def configured(style="text", level="info", **environ):
        logging.getLogger().handlers.clear()  # pytest's own would stumble over mistakes made here
        configure(level, style, stream, Redactor([TOKEN, SECRET]), environ)
        return stream.getvalue

    return configured


@pytest.mark.parametrize("style", ["text", "json"])
def test_no_secret_reaches_the_log(written, style):
    """Wherever a secret hides in a log call, the log does not show it."""
    shown = written(style)
    quoted = urllib.parse.quote(SECRET, safe="")
    try:
        try:
            raise ValueError(f"cause {SECRET}")
        except ValueError as cause:
            raise RuntimeError(f"https://api.telegram.org/bot{TOKEN}/getMe") from cause
    except RuntimeError:
        log.exception("message %s %s", TOKEN, quoted, extra={"field": {"inner": SECRET}})
    log.error("%s %s %s", UNKNOWN_TOKEN, SECRET, quoted.lower())
    for secret in (TOKEN, SECRET, UNKNOWN_TOKEN, quoted, quoted.lower(), "b" * 30, "a" * 31):
        assert secret not in shown()
        assert json.dumps(secret)[1:-1] not in shown()
    assert shown().count(REDACTED) >= 8
    assert "cause" in shown()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(f"x{SECRET}y", f"x{REDACTED}y", id="exact"),
        pytest.param(f"/bot{TOKEN}/getMe", f"/bot{REDACTED}/getMe", id="in-a-url"),
        pytest.param(TOKEN.replace(":", "%3A"), REDACTED, id="encoded-token"),
        pytest.param(UNKNOWN_TOKEN.replace(":", "%3a"), REDACTED, id="any-token-encoded"),
        pytest.param(TOKEN.partition(":")[2], REDACTED, id="token-without-id"),
        pytest.param("bot5:" + "c" * 20, f"bot5:{REDACTED}", id="short-token"),
        pytest.param("77:key 77%3Akey", REDACTED + " " + REDACTED, id="no-token-after-all"),
        pytest.param(urllib.parse.quote_plus(SECRET), REDACTED, id="in-a-form"),
        pytest.param(json.dumps(SECRET), f'"{REDACTED}"', id="in-json"),
        pytest.param("tg:700001:555:42 at 12:30:05", "tg:700001:555:42 at 12:30:05", id="ids"),
        pytest.param("abc", "abc", id="too-short-to-be-a-secret"),
    ],
)
def test_redaction_knows_every_notation(text, shown):
    """A secret is blackened however it is written, and nothing else is."""
    assert Redactor([SECRET, TOKEN, "abc", "5:" + "c" * 20, "77:key"])(text) == shown


def test_redaction_takes_time_in_proportion():
    """A megabyte of digits, which looks like the beginning of a token, holds nobody up."""
    text = "1" * 1_000_000
    assert Redactor([])(text) == text


def test_text_shows_fields(written):
    """A person reads an event in words and the fields that name it."""
    shown = written()
    fields = {"conversation": "tg:1:2", "item": 7, "who": "Ann B", "empty": "", "none": None}
    log.info("delivered to %s", "Kommo", extra=fields)
    line = shown().rstrip("\n")
    assert line.endswith(
        ' bot.test: delivered to Kommo conversation=tg:1:2 item=7 who="Ann B" empty=""'
    )
    assert line[10] == "T"
    assert line[23:33] == "Z INFO    "


def test_json_is_one_object_per_line(written):
    """A program reads every record as one JSON object, with fields as they were given."""
    shown = written("json")
    log.warning(
        "a\nb\u2028c \ud83d", extra={"item": 7, "ok": True, "x": None, "y": 1.5, "level": 1}
    )
    record = json.loads(shown().rstrip("\n"))
    moment = record.pop("time")
    assert moment.endswith("Z")
    assert record == {
        "level": "warning",
        "logger": "bot.test",
        "message": "a\nb\u2028c \ud83d",
        "item": 7,
        "ok": True,
        "x": None,
        "y": "1.5",
    }
    assert len(shown().splitlines()) == 1
    assert shown().encode()


def test_json_carries_the_traceback(written):
    """An error's traceback and the stack are one field."""
    shown = written("json")
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("failed", stack_info=True)
    record = json.loads(shown())
    assert "ValueError: broken" in record["exception"]
    assert "Stack (most recent call last)" in record["exception"]


def test_a_number_that_is_a_secret_is_no_number(written):
    """A redacted field leaves the JSON whole."""
    stream = io.StringIO()
    configure("info", "json", stream, Redactor(["12345678"]), {})
    log.info("x", extra={"chat": 12345678})
    assert json.loads(stream.getvalue())["chat"] == REDACTED


@pytest.mark.parametrize("environ", [{}, {"JOURNAL_STREAM": "8:1"}], ids=["plain", "journal"])
def test_nobody_can_forge_a_log_line(written, environ):
    """What a client wrote cannot pass for a line of its own, nor paint the terminal."""
    shown = written(**environ)
    forged = "x\n2026-01-01T00:00:00.000Z ERROR forged\r\x1b[31m\u202e"
    try:
        raise ValueError(forged)
    except ValueError:
        log.exception("got %s", forged, extra={"who": forged})
    lines = shown().splitlines()
    assert all("\x1b" not in line and "\r" not in line and "\u202e" not in line for line in lines)
    prefix = "<3>" if environ else ""
    assert all(line.startswith(f"{prefix}    ") for line in lines[1:])


@pytest.mark.parametrize(
    ("level", "prefix"),
    [
        pytest.param(logging.DEBUG, "<7>", id="debug"),
        pytest.param(logging.INFO, "<6>", id="info"),
        pytest.param(logging.WARNING, "<4>", id="warning"),
        pytest.param(logging.ERROR, "<3>", id="error"),
        pytest.param(logging.CRITICAL, "<2>", id="critical"),
    ],
)
def test_journald_gets_priorities(written, level, prefix):
    """`journalctl -p err` finds the errors."""
    shown = written(level="debug", JOURNAL_STREAM="8:1234")
    log.log(level, "event")
    assert shown() == f"{prefix}{logging.getLevelName(level)} bot.test: event\n"


@pytest.mark.parametrize(
    ("environ", "is_coloured"),
    [
        pytest.param({}, True, id="terminal"),
        pytest.param({"JOURNAL_STREAM": "8:1"}, True, id="inherited-from-a-desktop"),
        pytest.param({"NO_COLOR": "1"}, False, id="no-color"),
        pytest.param({"TERM": "dumb"}, False, id="dumb"),
    ],
)
def test_colour_is_for_terminals(environ, is_coloured):
    """Colour helps a person at a terminal and is in nobody else's way."""
    terminal = Terminal()
    configure("info", "text", terminal, Redactor([]), environ)
    log.info("fine")
    assert "\x1b" not in terminal.getvalue()
    log.error("bad")
    assert ("\x1b[31m" in terminal.getvalue()) == is_coloured
    assert "<3>" not in terminal.getvalue()


def test_urls_of_other_libraries_are_not_logged(written):
    """Libraries that log every URL say nothing below a warning, and obey a stricter level."""
    shown = written(level="debug")
    for name in NOISY:
        logging.getLogger(name).info("GET /bot%s", "x")
    assert shown() == ""
    shown = written(level="error")
    logging.getLogger("httpx").warning("quiet")
    assert shown() == ""


class Broken:
    """An object that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_a_mistake_in_a_log_call_costs_no_line(written):
    """Wrong arguments and objects that cannot be shown are logged as well as possible."""
    shown = written()
    log.info("%d items", TOKEN)
    log.info("field", extra={"thing": Broken()})
    assert f"%d items ('{REDACTED}',)" in shown()
    assert 'thing="(a Broken that cannot be shown)"' in shown()


def test_a_stream_that_is_gone_stops_nobody(written, capsys):
    """A log that cannot be written neither stops the service nor shows raw records elsewhere."""
    stream = io.StringIO()
    written()
    configure("info", "text", stream, Redactor([]), {})
    stream.close()
    log.error("lost %s", TOKEN)
    assert capsys.readouterr() == ("", "")


def test_configuring_again_replaces_the_log(written):
    """Every record is written once, however often the log is set up."""
    written()
    shown = written()
    log.info("once")
    assert shown().count("once") == 1


def test_uncaught_errors_are_logged(written):
    """An error that nobody caught is in the log, without secrets; Ctrl-C is no error."""
    shown = written()
    error = RuntimeError(f"token {TOKEN}")
    sys.excepthook(RuntimeError, error, None)
    threading.excepthook(threading.ExceptHookArgs((RuntimeError, error, None, None)))
    assert shown().count(f"RuntimeError: token {REDACTED}") == 2
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    threading.excepthook(threading.ExceptHookArgs((RuntimeError, None, None, None)))
    assert shown().count("unexpected error") == 2


def test_warnings_of_libraries_are_logged(written):
    """A warning is a line like any other, without secrets: nothing is written past the log."""
    shown = written("json")
    warnings.simplefilter("always")
    warnings.warn(f"odd: {TOKEN}", UserWarning, stacklevel=1)
    line = json.loads(shown())
    assert (line["level"], line["message"]) == ("warning", f"UserWarning: odd: {REDACTED}")


async def test_errors_of_forgotten_tasks_are_logged(written):
    """What asyncio finds unhandled goes through the same log."""
    shown = written()
    context = {"message": f"task failed: {TOKEN}", "exception": ValueError(SECRET)}
    asyncio.get_running_loop().call_exception_handler(context)
    assert f"asyncio: task failed: {REDACTED}" in shown()
    assert f"ValueError: {REDACTED}" in shown()


def test_escape_leaves_words_alone():
    """Letters of any language are shown as they are."""
    assert escape("Привет, 世界 é") == "Привет, 世界 é"
    assert escape("a\tb\x00") == "a\\tb\\x00"
