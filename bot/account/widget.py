"""The widget archive that Kommo wants before it lets an integration have sources (pure).

Reference: Kommo, manifest.json; Kommo, Sources.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from bot.account.logo import LOGOS, logo
from bot.translate.languages import LANGUAGES, Language

_MADE_AT = (1980, 1, 1, 0, 0, 0)
"""The same archive every time: the moment of making it would be a difference."""

_READABLE = 0o644 << 16
_SUPPORT = {"link": "https://www.kommo.com", "email": "support@kommo.com"}
"""Kommo's own example; only the account's own users see a private integration."""

_KEYS = ("name", "short_description", "description")

_TEXTS: Mapping[Language, tuple[str, str, str]] = {
    "en": (
        "Telegram bridge",
        "Chats of your Telegram bots in Kommo",
        "Clients write to your Telegram bot, managers answer in Kommo. The bridge runs on a "
        "server of your own; this widget only lets it have lead sources.",
    ),
    "es": (
        "Puente de Telegram",
        "Los chats de sus bots de Telegram en Kommo",
        "Los clientes escriben a su bot de Telegram y los gestores responden en Kommo. El puente "
        "funciona en su propio servidor; este widget solo le permite tener fuentes de leads.",
    ),
    "pt": (
        "Ponte do Telegram",
        "As conversas dos seus bots do Telegram no Kommo",
        "Os clientes escrevem para o seu bot do Telegram e os gerentes respondem no Kommo. A "
        "ponte roda no seu próprio servidor; este widget só lhe permite ter fontes de leads.",
    ),
    "ru": (
        "Мост Telegram",
        "Чаты ваших ботов Telegram в Kommo",
        "Клиенты пишут вашему боту в Telegram, менеджеры отвечают в Kommo. Мост работает на "
        "вашем собственном сервере; этот виджет лишь разрешает ему иметь источники сделок.",
    ),
}

_SCRIPT = """\
/* Does nothing: Kommo wants a script before it lets the integration have sources. */
define([], function () {
  'use strict';

  function yes() {
    return true;
  }

  return function () {
    this.callbacks = {
      render: yes,
      init: yes,
      bind_actions: yes,
      settings: yes,
      onSave: yes,
      destroy: yes
    };
    return this;
  };
});
"""


@dataclass(frozen=True)
class Widget:
    """What differs between archives.

    Args:
        version: Kommo wants a higher one with each upload.
        code: the widget's code, where Kommo has given one already.
    """

    version: str
    code: str | None = None


def archive(widget: Widget) -> bytes:
    """Return the archive; the same widget gives the same bytes."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in _files(widget).items():
            entry = zipfile.ZipInfo(name, _MADE_AT)
            entry.external_attr = _READABLE
            entry.create_system = 3  # the rights above are Unix's, whatever this runs on
            made.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _files(widget: Widget) -> dict[str, bytes]:
    return {
        "manifest.json": _json(_manifest(widget)),
        "script.js": _SCRIPT.encode(),
        **{f"i18n/{name}.json": _json(_texts(name)) for name in LANGUAGES},
        **{f"images/{name}.png": logo(size) for name, size in LOGOS.items()},
    }


def _manifest(widget: Widget) -> dict[str, Any]:
    code = {"code": widget.code} if widget.code else {}
    return {
        "widget": {
            **{key: f"widget.{key}" for key in _KEYS},
            **code,
            "version": widget.version,
            "interface_version": 2,
            "init_once": True,
            "locale": list(LANGUAGES),
            "installation": True,
            "support": _SUPPORT,
        },
        "locations": ["lead_sources"],
        "settings": {},
    }


def _texts(language: Language) -> dict[str, Any]:
    return {"widget": dict(zip(_KEYS, _TEXTS[language], strict=True))}


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()
