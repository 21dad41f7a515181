"""The buttons and the template of a manager's message, and how they are read.

Reference: Kommo, Receiving chat webhooks (markup, template).
"""

from dataclasses import dataclass

from kommo.wire import Fields


@dataclass(frozen=True)
class Button:
    """One button: with a link, or else a text to send in the client's name."""

    text: str
    url: str | None = None


@dataclass(frozen=True)
class ListRow:
    """One choice of a list message; the answer repeats its `callback_data`."""

    callback_data: str
    title: str
    description: str = ""


@dataclass(frozen=True)
class ListSection:
    """Choices under a title."""

    title: str
    rows: tuple[ListRow, ...]


@dataclass(frozen=True)
class ListMessage:
    """Choices behind one button, instead of rows of buttons."""

    header: str
    body: str
    footer: str
    button: str
    sections: tuple[ListSection, ...]


@dataclass(frozen=True)
class Markup:
    """Rows of buttons, or a list message."""

    mode: str = "inline"
    buttons: tuple[tuple[Button, ...], ...] = ()
    list_message: ListMessage | None = None


@dataclass(frozen=True)
class Template:
    """The template a message was made from; the message's text is final already."""

    kommo_id: str | None
    external_id: str | None
    content: str
    params: tuple[tuple[str, str], ...] = ()


def markup(fields: Fields) -> Markup | None:
    """Read the buttons of a message; None when it has none."""
    rows = tuple(row for row in map(_row, fields.rows("buttons")) if row)
    list_message = _list_message(fields.child("list_message"))
    if not rows and list_message is None:
        return None
    return Markup(fields.optional("mode") or "inline", rows, list_message)


def template(fields: Fields) -> Template | None:
    """Read the template of a message; None when there is none."""
    if not fields:
        return None
    params = tuple((p.text("key"), p.text("value")) for p in fields.children("params"))
    return Template(
        kommo_id=fields.optional("id"),
        external_id=fields.optional("external_id"),
        content=fields.text("content"),
        params=params,
    )


def _row(buttons: list[Fields]) -> tuple[Button, ...]:
    """Return a row; a button without text cannot be shown."""
    return tuple(
        Button(button.text("text"), button.optional("url"))
        for button in buttons
        if button.optional("text")
    )


def _list_message(fields: Fields) -> ListMessage | None:
    sections = tuple(
        ListSection(
            section.text("title"),
            tuple(
                ListRow(row.text("callback_data"), row.text("title"), row.text("description"))
                for row in section.children("rows")
            ),
        )
        for section in fields.children("sections")
    )
    if not sections:
        return None
    return ListMessage(
        header=fields.text("header"),
        body=fields.text("body"),
        footer=fields.text("footer"),
        button=fields.text("button"),
        sections=sections,
    )
