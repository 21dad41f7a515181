"""Settings that nobody filled in."""

from collections.abc import Iterator

from bot.settings import Settings
from bot.settings.placeholders import EXAMPLES, is_no_uuid, is_placeholder, is_reserved


def placeholders(settings: Settings) -> Iterator[str]:
    """Yield the names of settings whose values nobody filled in."""
    kommo = settings.kommo
    if is_reserved(settings.public_url):
        yield "public_url"
    for name in ("channel_id", "account_id", "channel_bot_id"):
        if (value := getattr(kommo, name)) is not None and is_no_uuid(value):
            yield f"kommo.{name}"
    for name in ("channel_secret", "access_token"):
        if (secret := getattr(kommo, name)) and is_placeholder(secret.get_secret_value()):
            yield f"kommo.{name}"
    if kommo.oauth and is_placeholder(kommo.oauth.client_secret.get_secret_value()):
        yield "kommo.oauth.client_secret"
    for number, bot in enumerate(settings.telegram.bots):
        token = bot.token.get_secret_value()
        if token in EXAMPLES or is_placeholder(token.partition(":")[2]):
            yield f"telegram.bots[{number}].token"
