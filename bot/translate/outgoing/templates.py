"""Kommo's templates in a version of their own for Telegram: formatted, with a picture. Pure.

Reference: Kommo, Receiving chat webhooks (template).
"""

import dataclasses
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.translate.outgoing.formatted import Formatted, from_html
from bot.translate.outgoing.html import FormatError
from kommo.events import LegacyMessage, ManagerMessage
from kommo.markup import Template

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


@dataclass(frozen=True)
class TelegramTemplate:
    """What goes out instead of a template's text.

    Args:
        external_id: which template it is, by the integration's id of it…
        kommo_id: …or by Kommo's.
        html: Telegram's HTML with placeholders such as {{lead.id}}; None to keep Kommo's text.
        picture: the address of a picture to go with it; None to keep Kommo's attachment.
    """

    external_id: str | None = None
    kommo_id: str | None = None
    html: str | None = None
    picture: str | None = None

    def stands_for(self, template: Template) -> bool:
        """Tell whether it is this template's version."""
        known = {self.external_id, self.kommo_id} - {None}
        return bool(known & {template.external_id, template.kommo_id})


def in_telegrams_version(
    event: ManagerMessage | LegacyMessage, templates: Sequence[TelegramTemplate]
) -> tuple[ManagerMessage | LegacyMessage, Formatted | None]:
    """Return a message as its template's own version shows it, and that version's text.

    The text is None where Kommo's final text stays: there is no version, or a placeholder for
    which Kommo told no value.
    """
    if not isinstance(event, ManagerMessage) or event.template is None:
        return event, None
    template = event.template
    own = next((one for one in templates if one.stands_for(template)), None)
    if own is None:
        return event, None
    if own.picture is not None:
        body = dataclasses.replace(
            event.body, type="picture", media=own.picture, file_name=None, file_size=None
        )
        event = dataclasses.replace(event, body=body)
    return event, filled(own.html, template.params) if own.html else None


def filled(text: str, params: Iterable[tuple[str, str]]) -> Formatted | None:
    """Return a version's text with its values; None when one of them is not known.

    A value is put in as what it is: nothing in it is read as formatting.
    """
    values = {_name(key): value for key, value in params}
    if not all(_name(found) in values for found in _PLACEHOLDER.findall(text)):
        return None
    try:
        return from_html(_PLACEHOLDER.sub(lambda m: html.escape(values[_name(m[1])]), text))
    except FormatError:  # a placeholder in the place of a tag
        return None


def _name(key: str) -> str:
    """Return a placeholder's name: markers and params write it with braces, or without."""
    return key.strip("{} \t").casefold()
