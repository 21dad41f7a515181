"""The findings about business accounts: how each is connected, and whether its owner is shown."""

from collections.abc import Iterator, Sequence

from bot.conversations.accounts import REMEDY, in_words, is_shown
from bot.operate.check.findings import Finding, doubt, well
from bot.settings import Settings
from storage.business import BusinessConnection

NAME = "business account"


def of_accounts(settings: Settings, accounts: Sequence[BusinessConnection]) -> Iterator[Finding]:
    """Return what is known of each account that a bot of the settings serves."""
    bots = {bot.bot_id for bot in settings.telegram.bots}
    for one in accounts:
        if one.bot_id not in bots:
            continue
        text = f"{in_words(one)} (bot {one.bot_id})"
        yield well(NAME, text) if one.can_be_used else doubt(NAME, text, REMEDY)
        has_channel_bot = settings.kommo.channel_bot_id is not None
        if not is_shown(one, settings.imports.managers, has_channel_bot=has_channel_bot):
            yield doubt(
                NAME,
                f"what {one.name} writes on a phone is not shown in Kommo",
                f"set kommo.channel_bot_id, or name {one.business_user_id} in [import.managers]",
            )
