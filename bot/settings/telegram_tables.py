"""Settings of Telegram: the bots, the operators' chats, and what clients read."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    field_validator,
    model_validator,
)

from bot.errors import Problem
from bot.settings.problems import MismatchError
from bot.settings.section import Section, repeated
from bot.settings.types import (
    Address,
    PostAddress,
    Source,
    Text,
    Token,
)
from bot.translate.outgoing.html import read_html

MAX_BOTS = 100


MAX_PER_S = 1000


MAX_PER_MIN = 100_000

LONGEST_WELCOME = 4096
"""Reference: Bot API, sendMessage."""


Welcome = Annotated[Text, Field(max_length=LONGEST_WELCOME)]


class BotSettings(Section):
    """One Telegram bot and its source in Kommo."""

    token: Token = Field(
        description="the token from @BotFather, such as 700001:AA…, a number, a colon and a key"
    )
    name: Text | None = Field(None, description="a name of your choice, such as Sales")
    source: Source | None = Field(
        None, description="1 to 36 Latin letters, digits, signs or spaces, such as sales"
    )
    pipeline_id: int | None = Field(
        None, gt=0, description="the number of a pipeline in Kommo, such as 1300"
    )
    default: bool = Field(False, description="true or false")

    @property
    def bot_id(self) -> int:
        """Return the bot's id in Telegram. Reference: Bot API, Authorizing your bot."""
        return int(self.token.get_secret_value().partition(":")[0])


def _right_number(bots: tuple[BotSettings, ...]) -> tuple[BotSettings, ...]:
    """Return the bots, if there are any and not too many."""
    if not 1 <= len(bots) <= MAX_BOTS:
        raise ValueError("has too few entries" if not bots else "has too many entries")
    return bots


CLOUD_HOST = "api.telegram.org"


class TelegramSettings(Section):
    """The bots."""

    api_url: Address = Field(
        "https://api.telegram.org",
        description="https://api.telegram.org or the address of a local Bot API server",
    )
    infer_read: bool = Field(True, description="true or false")
    mark_read: Literal["never", "on_answer", "on_arrival"] = Field(
        "never", description='"never", "on_answer" or "on_arrival"'
    )
    client_messages_per_min: int = Field(
        60, ge=0, le=MAX_PER_MIN, description=f"0 (no limit) to {MAX_PER_MIN} messages a minute"
    )
    buttons: Literal["inline", "keyboard"] = Field("inline", description='"inline" or "keyboard"')
    messages_per_s: float = Field(
        30.0, ge=0, le=MAX_PER_S, description=f"0 (no limit) to {MAX_PER_S} messages a second"
    )
    chat_messages_per_s: float = Field(
        1.0, ge=0, le=MAX_PER_S, description=f"0 (no limit) to {MAX_PER_S} messages a second"
    )
    bots: Annotated[tuple[BotSettings, ...], AfterValidator(_right_number)] = Field(
        strict=False,
        description=f"1 to {MAX_BOTS} tables [[telegram.bots]] (two brackets on each side)",
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        ids = [bot.bot_id for bot in self.bots]
        sources = [bot.source for bot in self.bots]
        problems = [
            *repeated(ids, "token", "one token for each bot"),
            *repeated(sources, "source", "a source of its own for each bot"),
            *repeated([bot.default or None for bot in self.bots], "default", "one default bot"),
        ]
        if len(self.bots) > 1:
            expected = BotSettings.model_fields["source"].description or ""
            problems += [
                Problem(
                    f"bots[{index}].source", "is missing, where there are several bots", expected
                )
                for index, source in enumerate(sources)
                if source is None
            ]
        if problems:
            raise MismatchError(problems)
        return self

    @property
    def is_cloud(self) -> bool:
        """Tell whether Telegram's own server is asked, rather than one of the operator's own."""
        return urlsplit(self.api_url).hostname == CLOUD_HOST


class OperatorsSettings(Section):
    """Who gets alerts."""

    chat_ids: tuple[int, ...] = Field(
        (), strict=False, description="numbers of Telegram chats, such as [123456789]"
    )
    topic_id: int | None = Field(
        None,
        gt=0,
        description="the number of a topic, where the chat is a forum; /id tells it",
    )
    webhook_url: PostAddress | None = Field(
        None,
        description="an https address that takes JSON, such as https://alerts.example.com/kommo",
    )

    @field_validator("webhook_url", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.topic_id is not None and len(self.chat_ids) != 1:
            raise MismatchError(
                [Problem("topic_id", "is of one chat", "one number in chat_ids, or no topic_id")]
            )
        return self


class TemplateSettings(Section):
    """A template's own version for Telegram. Reference: Kommo, Receiving chat webhooks."""

    external_id: Text | None = Field(
        None, description="the template's external_id, such as order-confirm"
    )
    id: int | None = Field(None, gt=0, description="the template's number in Kommo, such as 7103")
    html: Text | None = Field(
        None,
        description="a text in Telegram's HTML with placeholders such as {{lead.id}}, "
        "each tag closed",
    )
    picture: Address | None = Field(
        None, description="a picture's public address, such as https://example.com/order.png"
    )

    @field_validator("html")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            read_html(value)
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        problems = []
        if self.external_id is None and self.id is None:
            problems.append(Problem("external_id", "is missing", "external_id or id"))
        if self.html is None and self.picture is None:
            problems.append(Problem("html", "is missing", "html, picture or both"))
        if problems:
            raise MismatchError(problems)
        return self


class TextsSettings(Section):
    """What the bridge itself says to clients."""

    welcome: Welcome | None = Field(
        None, description=f"a text of at most {LONGEST_WELCOME} letters for new clients"
    )
    ask_phone: Text | bool = Field(
        False, description="the label of a button that shares the phone number, or true or false"
    )
