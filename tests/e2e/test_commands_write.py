"""Commands beside the running service: none of them may run into SQLite's WAL-reset bug."""

import typer

from bot.cli.application import app
from tests.e2e.exports import chat, message, written
from tests.sqlite_trace import traced, unsafe

ANN = 555
CONVERSATION = "tg:700001:555"

ARGUMENTS = {
    "check": [],
    "healthcheck": [],
    "backup": ["{folder}/copy.sqlite3"],
    "restore": ["{folder}/copy.sqlite3", "--yes"],
    "connect": [],
    "disconnect": ["--yes"],
    "history": [CONVERSATION],
    "trace": ["outgoing-1"],
    "forget": ["--chat", CONVERSATION, "--yes"],
    "import": ["{folder}/export", "--yes"],
    "export": ["{folder}/exported", "--chat", CONVERSATION],
    "invite": ["--contact", "7"],
    "block": ["--chat", CONVERSATION],
    "unblock": ["--chat", CONVERSATION],
    "queue list": [],
    "queue retry": ["outgoing-1"],
    "queue drop": ["outgoing-1", "--yes"],
    "chats list": [],
    "sources list": [],
    "sources sync": [],
    "templates list": [],
    "templates push": ["{folder}/templates.toml"],
}
"""Every command that may open the database, with what it is called with."""

WITHOUT_DATABASE = {"run", "demo", "init", "version", "widget", "config show", "completion"}
"""The service itself, one that starts a service of its own, and those that need none."""


def names(group, path=()):
    """Return the names of all commands."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from names(command, (*path, name))
        else:
            yield " ".join((*path, name))


def test_no_command_is_forgotten():
    """Whoever adds a command says here how it is called, or that it needs no database."""
    assert set(names(typer.main.get_command(app))) == {*ARGUMENTS, *WITHOUT_DATABASE}


async def test_no_command_checkpoints_beside_the_service(
    process, telegram, kommo, command, eventually, tmp_path
):
    """Each command's connections leave the log to who holds the lock of all writers."""
    (tmp_path / "templates.toml").write_text("[[templates]]\n", encoding="utf-8")
    written(tmp_path / "export", chat(message(1, "old")))
    await process.start()
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    telegram.client_blocks(ANN)
    answer = await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [-1])
    writing = set()
    for name, arguments in sorted(ARGUMENTS.items(), key=lambda one: one[0] == "forget"):
        given = [each.format(folder=tmp_path) for each in arguments]
        with traced() as trace:
            await command(*name.split(), *given)
        assert unsafe(trace) == [], name
        if any(sql.startswith("COMMIT") for _, sql in trace.statements):
            writing.add(name)
    assert {"queue retry", "queue drop", "forget", "import"} <= writing
