"""The man page of the command line, in the language of man (pure)."""

from collections.abc import Iterable, Iterator
from typing import Any

from typer.core import TyperArgument

from bot.cli.usage import about, names

HEAD = r""".\" Generated from the program: make docs
.TH KOMMO\-TELEGRAM 1 "" "kommo\-telegram" "User Commands"
.SH NAME
kommo\-telegram \- a durable bridge between Telegram and the Kommo CRM"""
TAIL = r""".SH EXIT STATUS
.TP
0
Done.
.TP
1
It failed; a line on standard error says what happened and why.
.TP
2
Wrong usage or settings.
.TP
130
Ended by Ctrl\-C.
.SH ENVIRONMENT
.TP
KOMMO_TELEGRAM_CONFIG
The settings file, unless \-\-config names one.
.TP
KOMMO_TELEGRAM__TABLE__KEY
One setting; it takes precedence over the file.
.SH FILES
.TP
/etc/kommo\-telegram/config.toml
The settings of the installed service.
.TP
/var/lib/kommo\-telegram
Its database.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
"""


def page(commands: Iterable[tuple[str, Any, Any]]) -> str:
    """Return the page: the program, then each command with what it takes."""
    (_, program, context), *rest = commands
    lines = [HEAD, *_body("SH SYNOPSIS", program, context)]
    lines.append(".SH COMMANDS")
    for name, command, inner in rest:
        lines += _body(f"SS {_text(name.partition(' ')[2])}", command, inner)
    return "\n".join([*lines, TAIL])


def _body(heading: str, command: Any, context: Any) -> Iterator[str]:
    """Yield the lines of one command."""
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".{heading}"
    yield f".B {_text(context.command_path)}"
    yield _text(usage)
    yield ".PP" if heading.startswith("SS") else ".SH DESCRIPTION"
    yield from _prose(command.help or "")
    for param in command.get_params(context):
        if not param.hidden:
            yield ".TP"
            yield f".{'I' if isinstance(param, TyperArgument) else 'B'} {_text(names(param))}"
            yield _text(about(param))


def _prose(text: str) -> Iterator[str]:
    """Yield paragraphs, each begun by itself."""
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        if number:
            yield ".PP"
        yield from (_text(line.strip()) for line in paragraph.split("\n"))


def _text(text: str) -> str:
    """Return a line that man shows as it is: no letter of it is a command."""
    shown = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{shown}" if shown.startswith(".") else shown
