"""What is to be known before an import is begun, and what it needs."""

from bot.cli.import_table import ONE_DAY
from bot.errors import ConfigError, Problem
from bot.imports.plan import Plan
from bot.settings import Settings

NO_BOT = "nobody yet: kommo.channel_bot_id is needed"


def _unmapped(settings: Settings, plan: Plan) -> bool:
    """Tell whether the channel's bot has to speak for somebody."""
    return bool(plan.writers.keys() - settings.imports.managers.keys())


def notes_on(
    settings: Settings, plan: Plan, *, timezone: str | None, is_silent: bool
) -> list[str]:
    """Return what is to be known before one goes on."""
    notes = [ONE_DAY]
    if plan.files:
        days = settings.delivery.media_link_days
        notes.append(
            f"Kommo fetches the files from this machine for {days} days (delivery.media_link_days)"
            ": leave the export where it is, where the service may read it, and keep the service "
            "running"
        )
    if plan.is_zone_used:
        notes.append(
            f"the export is of before 2022 and tells times without a zone: they are taken as of "
            f"{timezone or 'the zone of this machine; --timezone names another'}"
        )
    if _unmapped(settings, plan):
        bot = "the channel's bot" if settings.kommo.channel_bot_id else NO_BOT
        notes.append(f"what nobody in [import.managers] wrote is shown as of {bot}")
    if not is_silent:
        notes.append(
            "the newest message of each chat makes a lead and tells managers; --silent: none"
        )
    return notes


def want_author(settings: Settings, plan: Plan) -> None:
    """Refuse to begin when nobody could be shown as the author.

    Raises:
        ConfigError: nobody could.
    """
    if settings.kommo.channel_bot_id is None and _unmapped(settings, plan):
        raise ConfigError(
            [
                Problem(
                    "kommo.channel_bot_id",
                    "is missing, and the company wrote messages that nobody in [import.managers] "
                    "wrote",
                    "the id of the channel's bot as Kommo support sent it, a UUID",
                )
            ]
        )
