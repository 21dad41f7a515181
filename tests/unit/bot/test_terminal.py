"""What commands print: nobody's text is markup, a second line, or a command to the terminal."""

import json

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bot.cli import terminal
from bot.cli.application import app

HOSTILE = "[/b][link=https://evil.example]Ann[/link]\x1b]0;owned\x07\x9b31m\nBob\tEve\u202e\ud800"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("[red]Ann[/]", "[red]Ann[/]", id="markup"),
        pytest.param("\x1b[31mAnn", r"\x1b[31mAnn", id="escape-sequence"),
        pytest.param("\x9b31mAnn", r"\x9b31mAnn", id="escape-in-one-character"),
        pytest.param("Ann\r\nBob", r"Ann\r\nBob", id="a-second-line"),
        pytest.param("Ann\u2028Bob", r"Ann\u2028Bob", id="a-line-of-unicode"),
        pytest.param("\u202etxt.exe", r"\u202etxt.exe", id="reversed"),
        pytest.param("\x00\x7f", r"\x00\x7f", id="nul-and-delete"),
        pytest.param("\ud83d", r"\ud83d", id="half-a-character"),
        pytest.param("Ánn 安 👩\u200d👧\u00a0x", "Ánn 安 👩\u200d👧\u00a0x", id="real-names"),
    ],
)
def test_what_is_not_printable_is_shown(text, shown):
    """Control characters, in whatever form, are seen and not obeyed."""
    assert terminal.plain(text) == shown


@given(st.text())
def test_a_text_is_one_printable_line(text):
    """Whatever a client is called, it stays one line that any terminal can show."""
    shown = terminal.plain(text)
    assert "\n" not in shown
    assert len(shown.splitlines()) <= 1
    shown.encode()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_record_stays_one_line(monkeypatch, capsys, is_terminal):
    """Ids are printed whole, however wide the table; a hostile name adds no line and no field."""
    monkeypatch.setattr(terminal, "is_terminal", lambda: is_terminal)
    conversation = "tg:700001:" + "5" * 300
    terminal.show_table(("conversation", "name"), [(conversation, HOSTILE), ("tg:1:2", "安")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (4 if is_terminal else 2)
    assert any(conversation in line for line in lines)
    assert not any(char in line for line in lines for char in "\x1b\x9b\x07\u202e")
    if not is_terminal:
        assert [line.count("\t") for line in lines] == [1, 1]


def test_columns_stand_below_one_another(monkeypatch, capsys):
    """Wide characters and emoji take the columns they need."""
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    terminal.show_table(("name", "chat"), [("安娜", "1"), ("Ann", "2")])
    assert capsys.readouterr().out.splitlines() == [
        "name  chat",
        "----  ----",
        "安娜  1",
        "Ann   2",
    ]


def test_json_is_whole_and_harmless(capsys):
    """A program reads the very text, a terminal gets no control character."""
    terminal.show_json([{"name": HOSTILE}])
    printed = capsys.readouterr().out
    assert json.loads(printed) == [{"name": HOSTILE}]
    assert not any(char in printed for char in "\x1b\x9b\x07\u202e")


def commands(group, path=()):
    """Return every command with its path."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [
        pytest.param("y\n", 0, [], id="yes"),
        pytest.param("n\n", 1, ["Nothing was changed."], id="no"),
        pytest.param("\n", 1, ["Nothing was changed."], id="enter"),
        pytest.param("", 1, ["--yes", "Nothing was changed."], id="nobody"),
    ],
)
def test_who_does_not_say_yes_changes_nothing(typed, code, words):
    """And reads so; where nobody can answer, how a script says yes."""
    ask = typer.Typer()
    ask.command()(lambda: terminal.confirm(f"Erase {HOSTILE}?"))
    done = CliRunner().invoke(ask, [], input=typed)
    assert done.exit_code == code
    assert all(word in done.output for word in words)
    assert ("Nothing" in done.output) == (code == 1)
    assert not any(char in done.output for char in "\x1b\x9b\x07\u202e")


PATHS = [()] + [path for path, _ in commands(typer.main.get_command(app))]


def help_of(path):
    """Return what a command says of itself."""
    return CliRunner().invoke(app, [*path, "--help"], terminal_width=200).output


@pytest.mark.parametrize("path", PATHS, ids=lambda path: " ".join(path) or "program")
def test_help_says_all_that_is_written(path):
    """Nothing of a help text is swallowed as markup, such as the name of a table."""
    root = typer.main.get_command(app)
    command = {(): root, **dict(commands(root))}[path]
    shown = "".join(help_of(path).split())
    for parameter in command.params:
        assert parameter.hidden or "".join((parameter.help or "").split()) in shown
    for below in getattr(command, "commands", {}).values():
        assert "".join(below.help.partition("\n\n")[0].split()) in shown


@pytest.mark.parametrize("path", PATHS, ids=lambda path: " ".join(path) or "program")
def test_help_is_for_people(path):
    """It names what to put there, not a type of the language; no box stands around it."""
    shown = help_of(path)
    assert not set("<>{}│╭") & set(shown), shown
    assert "None" not in shown


@pytest.mark.parametrize("wrong", [["restroe"], ["restore"], ["check", "[/b]"], ["queue", "[/b]"]])
def test_wrong_usage_is_said_in_plain_lines(wrong):
    """What a person mistyped is text, and no box stands around the error."""
    done = CliRunner().invoke(app, wrong)
    assert done.exit_code == 2
    assert "Error: " in done.output
    assert "│" not in done.output
    assert wrong[-1] in done.output or wrong == ["restore"]
