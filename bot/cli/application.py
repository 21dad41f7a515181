"""The command line: what commands there are. Each is a module, imported when it is called.

aiogram takes two seconds to import, so `--help`, `version` and wrong settings never do.
"""

import os
import re
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.usage import Command, Group
from bot.errors import ConfigError
from bot.settings import FILE_VARIABLE, Settings, find_file, load, load_unregistered

HELP = """A durable bridge between Telegram and the Kommo CRM.

Settings come from --config FILE, else $KOMMO_TELEGRAM_CONFIG, else ./config.toml, \
else /etc/kommo-telegram/config.toml.
"""

app = typer.Typer(
    name="kommo-telegram",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
)
queue = typer.Typer(
    help="Waiting and failed items.",
    no_args_is_help=True,
    cls=Group,
)
app.add_typer(queue, name="queue")

chats = typer.Typer(help="Conversations.", no_args_is_help=True, cls=Group)
app.add_typer(chats, name="chats")

sources = typer.Typer(help="Sources of the bots in Kommo.", no_args_is_help=True, cls=Group)
app.add_typer(sources, name="sources")
templates = typer.Typer(
    help="Message templates of this integration.", no_args_is_help=True, cls=Group
)
app.add_typer(templates, name="templates")

config = typer.Typer(help="Settings in effect.", no_args_is_help=True, cls=Group)
app.add_typer(config, name="config")

HIGHEST = 2**53 - 1
"""Of Kommo's numbers: JSON has no higher ones that every program reads alike."""

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")]


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        version()
        raise typer.Exit


@app.callback()
def remember_config(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", readable=False, help="The settings file."),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Keep what stands before the command for the command."""
    context.obj = config


@app.command(cls=Command)
def run(context: typer.Context) -> None:
    """Run the service in the foreground until SIGTERM or SIGINT."""
    settings = load_settings(context)  # first: what is wrong with them is said at once
    from bot.cli import run as command  # noqa: PLC0415 - see the module's docstring

    command.run(settings, settings_file(context))


@app.command(cls=Command)
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Play the conversation, check it, and stop.")
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            metavar="N",
            help="Where the sandbox's Kommo listens.",
            show_default="any that is free",
        ),
    ] = 0,
) -> None:
    """Try the bridge on an embedded sandbox: no account, no token, no network."""
    from bot.cli import demo as command  # noqa: PLC0415

    raise typer.Exit(command.demo(once=once, port=port))


@app.command(cls=Command)
def init(
    context: typer.Context,
    _yes: Annotated[bool, typer.Option("--yes", "-y", hidden=True)] = False,
) -> None:
    """Ask for what is needed, test it, and write the settings file.

    Run it again to change something: it offers the present values, and keeps comments and all
    other settings.
    """
    from bot.cli import init as command  # noqa: PLC0415

    named = context.obj or os.environ.get(FILE_VARIABLE)
    command.init(Path(named) if named else None, os.environ)


@app.command(cls=Command)
def check(
    context: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Skip all network checks.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check settings, database, bots and channel, and say how to fix what fails.

    It changes nothing, so run it at any time, also while you wait for Kommo support. It exits 1 if
    a check failed.
    """
    from bot.cli import check as command  # noqa: PLC0415

    try:
        file = settings_file(context)
        settings, missing = load_unregistered(file, os.environ)
    except ConfigError as error:
        if as_json:
            command.show_problems(error)
        raise
    code = command.check(settings, missing, file, offline=offline, as_json=as_json)
    raise typer.Exit(code)


@app.command(cls=Command)
def healthcheck(context: typer.Context) -> None:
    """Ask the running service for its health: exit code 0, or 1 with the reason."""
    from bot.cli import healthcheck as command  # noqa: PLC0415

    command.healthcheck(load_settings(context))


@app.command(cls=Command)
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="A new file.")],
    with_settings: Annotated[
        bool,
        typer.Option("--with-settings", help="Save the settings too, as FILE.toml beside it."),
    ] = False,
) -> None:
    """Write a consistent, verified copy of the database while the service runs.

    Only you can read the copy. `--with-settings` saves the settings with their secrets beside it.
    """
    settings, saved = load_settings(context), settings_file(context)
    from bot.cli import backup as command  # noqa: PLC0415

    command.backup(settings, saved, file, with_settings=with_settings)


@app.command(cls=Command)
def restore(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", readable=False, help="What `backup` wrote.")
    ],
    yes: YesOption = False,
) -> None:
    """Replace the database with a backup, while the service is stopped.

    It verifies the backup first, says what was written since, and keeps the old database aside.
    """
    settings, present = load_settings(context), settings_file(context)
    from bot.cli import restore as command  # noqa: PLC0415

    command.restore(settings, present, file, is_confirmed=yes)


@app.command(cls=Command)
def version() -> None:
    """Print the version."""
    typer.echo(f"kommo-telegram {metadata.version('kommo-telegram')}")


@app.command(cls=Command)
def connect(context: typer.Context) -> None:
    """Connect the channel to the account; harmless if it is connected already.

    `run` does the same at every start, unless connect_on_start = false.
    """
    settings = load_settings(context)
    from bot.cli import connect as command  # noqa: PLC0415

    command.connect(settings)


@app.command(cls=Command)
def disconnect(context: typer.Context, yes: YesOption = False) -> None:
    """Disconnect the channel from the account."""
    settings = load_settings(context)
    from bot.cli import connect as command  # noqa: PLC0415

    command.disconnect(settings, is_confirmed=yes)


@app.command(cls=Command)
def history(
    context: typer.Context,
    conversation: Annotated[
        str,
        typer.Argument(
            metavar="CONVERSATION", help="Its id in Telegram, in Kommo or in the bridge."
        ),
    ],
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="How many messages.")
    ] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show a conversation as Kommo has it, newest first."""
    settings = load_settings(context)
    from bot.cli import chats as command  # noqa: PLC0415

    command.show_history(settings, conversation, limit=limit, as_json=as_json)


@app.command(cls=Command)
def trace(
    context: typer.Context,
    message: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Either side's id of the message, CHAT/MESSAGE as Telegram numbers them, an id "
            "that `queue list` prints, or a conversation's id for its newest message.",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Show the path of one message through the bridge, with times.

    It reads the database, not the log, for as long as storage.keep_days.
    """
    settings = load_settings(context)
    from bot.cli import trace as command  # noqa: PLC0415

    command.trace(settings, message, as_json=as_json)


@app.command(cls=Command)
def forget(
    context: typer.Context,
    chat: Annotated[
        str,
        typer.Option(
            "--chat", metavar="ID", help="The Telegram chat's number, or the conversation's id."
        ),
    ],
    yes: YesOption = False,
) -> None:
    """Erase everything the bridge stores about one client.

    It works while the service runs, and links to the client's files stop working at once. Kommo
    keeps its own copy, and so do backups made before.
    """
    settings = load_settings(context)
    from bot.cli import chats as command  # noqa: PLC0415

    command.forget(settings, chat, is_confirmed=yes)


@app.command("import", cls=Command)
def import_(  # noqa: PLR0917 - the command line's own
    context: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            exists=True,
            help="Telegram Desktop's export (its folder or result.json), or JSON Lines.",
        ),
    ],
    bot: Annotated[
        str | None,
        typer.Option(
            "--bot",
            metavar="NAME",
            help="The bot that the conversations belong to.",
            show_default="the default bot",
        ),
    ] = None,
    client: Annotated[
        int | None,
        typer.Option("--client", min=1, metavar="ID", help="Only this client, by Telegram id."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="From this day on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Up to the end of this day.")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone",
            metavar="ZONE",
            help="Time zone of an old export without one, such as Europe/Berlin.",
            show_default="this machine's",
        ),
    ] = None,
    silent: Annotated[
        bool, typer.Option("--silent", help="Create no leads and no notifications.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import old messages into Kommo; may be interrupted and repeated at any time.

    PATH is Telegram Desktop's export, or JSON Lines of another system. Start with `--dry-run`.
    """
    settings = load_settings(context)
    from bot.cli import import_ as command  # noqa: PLC0415

    choice = command.Choice(
        path=path,
        bot=bot,
        client_id=client,
        since=since,
        until=until,
        timezone=timezone,
        is_silent=silent,
        is_dry=dry_run,
        is_confirmed=yes,
        as_json=as_json,
    )
    command.import_(settings, choice)


@app.command(cls=Command)
def widget(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.zip", readable=False, help="The archive to write.")
    ],
    code: Annotated[
        str | None,
        typer.Option("--code", metavar="CODE", help="The widget's code, if Kommo has given one."),
    ] = None,
    number: Annotated[
        str | None,
        typer.Option(
            "--version",
            metavar="N.N.N",
            help="The widget's version: higher with each upload.",
            show_default="the program's",
        ),
    ] = None,
    yes: YesOption = False,
) -> None:
    """Write the widget archive that Kommo requires before bots can have sources."""
    from bot.account.widget import Widget  # noqa: PLC0415
    from bot.cli import widget as command  # noqa: PLC0415

    if number is not None and not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,5}){1,3}", number):
        raise typer.BadParameter("numbers with dots, such as 0.2.0", param_hint="--version")
    if code is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", code):
        raise typer.BadParameter(
            "letters, digits, _ and -, as Kommo shows it", param_hint="--code"
        )
    made = Widget(number or metadata.version("kommo-telegram"), code)
    command.write(file, made, is_confirmed=yes)


@app.command(cls=Command)
def invite(  # noqa: PLR0917 - the command line's own
    context: typer.Context,
    contact: Annotated[
        int,
        typer.Option(
            "--contact", min=1, max=HIGHEST, metavar="ID", help="The contact's id in Kommo."
        ),
    ],
    bot: Annotated[
        str | None,
        typer.Option(
            "--bot", metavar="NAME", help="The bot's name.", show_default="the default bot"
        ),
    ] = None,
    days: Annotated[
        int,
        typer.Option(
            "--days", min=1, max=3650, metavar="N", help="For how many days the link is valid."
        ),
    ] = 30,
    many: Annotated[
        bool, typer.Option("--many", help="Valid for everybody who opens it, not one person.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create a t.me link that links whoever opens it to a Kommo contact.

    It needs access to Kommo's REST API.
    """
    settings = load_settings(context)
    from bot.cli import invite as command  # noqa: PLC0415

    command.invite(settings, contact, bot_name=bot, days=days, is_single=not many, as_json=as_json)


@chats.command("list", cls=Command)
def chats_list(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the conversations."""
    settings = load_settings(context)
    from bot.cli import chats as command  # noqa: PLC0415

    command.list_chats(settings, as_json=as_json)


@config.command("show", cls=Command)
def config_show(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show every setting in effect with its origin; secrets are masked."""
    from bot.cli import config as command  # noqa: PLC0415

    command.show(settings_file(context), os.environ, as_json=as_json)


@sources.command("list", cls=Command)
def sources_list(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show Kommo's sources beside the configured bots."""
    settings = load_settings(context)
    from bot.cli import sources as command  # noqa: PLC0415

    command.list_sources(settings, as_json=as_json)


@sources.command("sync", cls=Command)
def sources_sync(
    context: typer.Context,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also delete sources without a bot.")
    ] = False,
) -> None:
    """Create missing sources in Kommo, and update those that differ.

    It needs access to Kommo's REST API. Sources without a bot stay, unless `--prune` is given.
    """
    settings = load_settings(context)
    from bot.cli import sources as command  # noqa: PLC0415

    command.sync(settings, is_pruning=prune)


@templates.command("list", cls=Command)
def templates_list(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the templates created by this integration."""
    settings = load_settings(context)
    from bot.cli import templates as command  # noqa: PLC0415

    command.list_templates(settings, as_json=as_json)


@templates.command("push", cls=Command)
def templates_push(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.toml", readable=False, help="A file of tables [[templates]]."
        ),
    ],
) -> None:
    """Create the file's templates, or update those with the same external_id."""
    settings = load_settings(context)
    from bot.cli import templates as command  # noqa: PLC0415

    command.push(settings, file)


@queue.command("list", cls=Command)
def queue_list(context: typer.Context, as_json: JsonOption = False) -> None:
    """List waiting and failed items, with reason and action."""
    from bot.cli import queue as command  # noqa: PLC0415

    command.list_items(load_settings(context), as_json=as_json)


@queue.command("retry", cls=Command)
def queue_retry(
    context: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Default: every failed item.")
    ] = None,
) -> None:
    """Retry failed or waiting items now."""
    from bot.cli import queue as command  # noqa: PLC0415

    raise typer.Exit(command.retry(load_settings(context), ids or []))


@queue.command("drop", cls=Command)
def queue_drop(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="As `queue list` prints it.")],
    yes: YesOption = False,
) -> None:
    """Drop items for good."""
    from bot.cli import queue as command  # noqa: PLC0415

    raise typer.Exit(command.drop(load_settings(context), ids, is_confirmed=yes))


def load_settings(context: typer.Context) -> Settings:
    """Load the settings that the command line names."""
    return load(settings_file(context), os.environ)


def settings_file(context: typer.Context) -> Path | None:
    """Return the settings file; None when all comes from the environment."""
    return find_file(context.obj, os.environ, Path.cwd())
