"""A bot as the command line names it."""

from bot.errors import BridgeError
from bot.settings import BotSettings, Settings


class UnknownBotError(BridgeError):
    """No bot is called so."""


def bot_named(settings: Settings, name: str | None) -> BotSettings:
    """Return a bot by its name, source or number; left out: the default one, or the first.

    Raises:
        UnknownBotError: there is none.
    """
    bots = settings.telegram.bots
    if name is None:
        return next((bot for bot in bots if bot.default), bots[0])
    for bot in bots:
        if name in {bot.name, bot.source, str(bot.bot_id)}:
            return bot
    known = ", ".join(bot.name or str(bot.bot_id) for bot in bots)
    raise UnknownBotError(f"there is no bot {name!r}; the bots are: {known}")
