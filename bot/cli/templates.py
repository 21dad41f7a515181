"""`templates list`, `templates push`: the integration's message templates."""

import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from bot.account.apis import open_rest
from bot.cli.options import JsonOption, load_settings
from bot.cli.terminal import say, show_json, show_table
from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from bot.settings import Settings

app = PlainTyper()

COLUMNS = ("external_id", "id", "name", "content")
Text = Annotated[str, StringConstraints(min_length=1)]


class TemplateFileError(BridgeError):
    """The file of templates cannot be used."""


class TemplateButton(BaseModel):
    """A button; with an address it opens it, without one its text is the answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Text
    url: Text | None = None

    def wire(self) -> dict[str, str]:
        """Return it as Kommo takes it."""
        kind: Literal["inline", "url"] = "url" if self.url else "inline"
        return {"type": kind, "text": self.text, **({"url": self.url} if self.url else {})}


class Template(BaseModel):
    """A template. Reference: Kommo, Chat templates."""

    model_config = ConfigDict(extra="forbid", strict=True)

    external_id: Text
    name: Text
    content: Text
    is_editable: bool = False
    buttons: list[TemplateButton] = []

    def wire(self) -> dict[str, Any]:
        """Return it as Kommo takes it."""
        buttons = [button.wire() for button in self.buttons]
        return {**self.model_dump(exclude={"buttons"}), "type": "amocrm", "buttons": buttons}


class TemplateFile(BaseModel):
    """A file of tables [[templates]]."""

    model_config = ConfigDict(extra="forbid", strict=True)

    templates: list[Template]


@app.callback()
def templates() -> None:
    """Message templates of this integration."""


@app.command("list")
def list_templates(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the templates created by this integration."""
    rows = asyncio.run(_read(load_settings(context)))
    if as_json:
        show_json(rows)
        return
    show_table(COLUMNS, [[str(row.get(key) or "") for key in COLUMNS] for row in rows])


@app.command("push")
def push(
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
    for line in asyncio.run(_push(settings, read_file(file))) or ["Nothing to do."]:
        say(line)


def read_file(file: Path) -> list[Template]:
    """Return a file's templates.

    Raises:
        TemplateFileError: it cannot be read, or says something else.
    """
    try:
        content = TemplateFile.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise TemplateFileError(f"{file}: {where}: {first['msg']}") from error
        raise TemplateFileError(f"{file}: {_words(error)}") from error
    ids = [template.external_id for template in content.templates]
    if len(set(ids)) < len(ids):
        raise TemplateFileError(f"{file}: an external_id appears twice")
    return content.templates


def _words(error: OSError | ValueError) -> str:
    """Return what is wrong with a file, without naming the file again."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not a text in UTF-8"
    return (isinstance(error, OSError) and error.strerror) or str(error)


async def _read(settings: Settings) -> list[Mapping[str, Any]]:
    async with open_rest(settings) as crm:
        return await crm.templates()


async def _push(settings: Settings, templates: Sequence[Template]) -> list[str]:
    async with open_rest(settings) as crm:
        known = {row.get("external_id"): row["id"] for row in await crm.templates()}
        new = [one for one in templates if one.external_id not in known]
        old = [one for one in templates if one.external_id in known]
        await crm.create_templates([one.wire() for one in new])
        await crm.update_templates([{"id": known[one.external_id], **one.wire()} for one in old])
    return [f"{one.external_id}: created" for one in new] + [
        f"{one.external_id}: changed" for one in old
    ]
