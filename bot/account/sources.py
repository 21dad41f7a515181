"""Compare Kommo's sources with the configured bots (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.settings import BotSettings

WIDGET_REMEDY = (
    "or the integration has no widget archive: make one with `kommo-telegram widget FILE.zip`, "
    "upload it in the integration's settings, and have Kommo support tie its code to the channel"
)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What has to be done: sources to create, to change, and those that no bot has."""

    create: tuple[Row, ...]
    update: tuple[Row, ...]
    foreign: tuple[Row, ...]


def plan(bots: Sequence[BotSettings], existing: Sequence[Row], channel_code: str | None) -> Plan:
    """Return what makes Kommo's sources those of the bots; bots without one are left out."""
    known = {row.get("external_id"): row for row in existing}
    wanted = {bot.source: _wanted(bot, channel_code) for bot in bots if bot.source}
    return Plan(
        create=tuple(row for source, row in wanted.items() if source not in known),
        update=tuple(
            {"id": known[source]["id"], **row}
            for source, row in wanted.items()
            if source in known and any(known[source].get(key) != row[key] for key in row)
        ),
        foreign=tuple(row for row in existing if row.get("external_id") not in wanted),
    )


def _wanted(bot: BotSettings, channel_code: str | None) -> Row:
    """Return a bot's source; what the settings do not say is left as it is in Kommo."""
    row: dict[str, Any] = {"name": bot.name or bot.source, "external_id": bot.source}
    if bot.pipeline_id is not None:
        row["pipeline_id"] = bot.pipeline_id
    if bot.default:
        row["default"] = True
    if channel_code is not None:
        row["origin_code"] = channel_code
    return row
