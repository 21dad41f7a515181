"""Texts both ways."""

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.types import LinkPreviewOptions, MessageEntity, ReplyParameters, Update

from sandbox.telegram.server import TelegramServer

ANN, BOB = 555, 556


async def texts(bot: Bot) -> list[str | None]:
    """What has been written to the bot, with Ann's start left out."""
    updates: list[Update] = await bot.get_updates()
    return [u.message.text for u in updates if u.message and u.message.text != "/start"]


async def test_what_a_client_writes_reaches_the_bot(telegram: TelegramServer, bot: Bot) -> None:
    """A client's text comes as an update that aiogram can read."""
    message_id = telegram.client_says("Hello", chat_id=BOB, name="Bob", username="bob")
    updates = await bot.get_updates()
    message = updates[-1].message
    assert message
    assert message.from_user
    assert (message.text, message.chat.id, message.message_id) == ("Hello", BOB, message_id)
    assert (message.from_user.first_name, message.from_user.username) == ("Bob", "bob")


async def test_what_a_bot_sends_reaches_the_client(telegram: TelegramServer, bot: Bot) -> None:
    """A bot's text is shown in the chat it was sent to."""
    sent = await bot.send_message(ANN, "Good day")
    assert telegram.texts_to(ANN) == ["Good day"]
    assert telegram.sent_to(ANN)[0].message_id == sent.message_id
    assert [m["text"] for m in telegram.seen_by(ANN)] == ["/start", "Good day"]


async def test_a_deep_link_brings_its_payload(telegram: TelegramServer, bot: Bot) -> None:
    """Whoever opens t.me/bot?start=abc writes /start abc."""
    telegram.client_starts("abc")
    assert await texts(bot) == ["/start abc"]


async def test_answers_know_what_they_answer(telegram: TelegramServer, bot: Bot) -> None:
    """Answers carry the message they answer, in both directions, but one level deep only."""
    asked = telegram.client_says("How much?")
    answer = await bot.send_message(ANN, "Ten", reply_parameters=ReplyParameters(message_id=asked))
    telegram.client_says("Too much", reply_to=answer.message_id)
    message = (await bot.get_updates())[-1].message
    assert answer.reply_to_message
    assert answer.reply_to_message.text == "How much?"
    assert message
    assert message.reply_to_message
    assert message.reply_to_message.text == "Ten"
    assert message.reply_to_message.reply_to_message is None


async def test_a_reply_to_nothing_is_refused_unless_allowed(
    telegram: TelegramServer, bot: Bot
) -> None:
    """An answer to a deleted message goes out only if the bot says so."""
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(ANN, "Yes", reply_parameters=ReplyParameters(message_id=99))
    lenient = ReplyParameters(message_id=99, allow_sending_without_reply=True)
    await bot.send_message(ANN, "Yes", reply_parameters=lenient)
    assert telegram.texts_to(ANN) == ["Yes"]
    assert telegram.sent_to(ANN)[0].reply_to is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a" * 4096, "a" * 4096, id="longest"),
        pytest.param("😀" * 4096, "😀" * 4096, id="counts-characters-not-units"),
        pytest.param("  spaces around \n", "spaces around", id="trimmed"),
        pytest.param("tab\there\r\nand\x07bell", "tab here\nand bell", id="control-characters"),
        pytest.param("left\u202eright", "leftright", id="direction-marks"),
        pytest.param("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧", id="joined-emoji-stay-whole"),
    ],
)
async def test_texts_are_cleaned(
    telegram: TelegramServer, bot: Bot, text: str, shown: str
) -> None:
    """A text is stored as Telegram's server stores it."""
    await bot.send_message(ANN, text)
    assert telegram.texts_to(ANN) == [shown]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("a" * 4097, "message is too long", id="too-long"),
        pytest.param("я" * 16_385, "message is too long", id="too-many-bytes"),
        pytest.param(" \n\t ", "message text is empty", id="only-spaces"),
        pytest.param("\u200b\u2060\ufeff", "message text is empty", id="only-invisible"),
        pytest.param("", "message text is empty", id="empty"),
    ],
)
async def test_texts_that_cannot_be_shown_are_refused(
    telegram: TelegramServer, bot: Bot, text: str, why: str
) -> None:
    """What is empty or too long is refused in Telegram's words."""
    with pytest.raises(TelegramBadRequest, match=why):
        await bot.send_message(ANN, text)
    assert telegram.texts_to(ANN) == []


@pytest.mark.parametrize(
    ("mode", "text", "shown"),
    [
        pytest.param("HTML", "<b>bold</b> &lt;3", "bold <3", id="html"),
        pytest.param("HTML", '<a href="http://x.org/?a&amp;b">x</a>', "x", id="html-link"),
        pytest.param("HTML", "<b></b>text", "text", id="html-empty-tag"),
        pytest.param("MarkdownV2", r"*bold* 1\.5 [x](http://x.org)", "bold 1.5 x", id="markdown2"),
        pytest.param("MarkdownV2", "`a.b` ||spoiler||", "a.b spoiler", id="markdown2-code"),
        pytest.param("Markdown", "plain", "plain", id="markdown"),
        pytest.param(None, "<b>1 < 2", "<b>1 < 2", id="none"),
    ],
)
async def test_formatting_is_taken_out(
    telegram: TelegramServer, bot: Bot, mode: str | None, text: str, shown: str
) -> None:
    """Marks of the parse mode do not show."""
    await bot.send_message(ANN, text, parse_mode=mode)
    assert telegram.texts_to(ANN) == [shown]


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        pytest.param("HTML", "1 < 2", id="bare-less"),
        pytest.param("HTML", "a > b", id="bare-greater"),
        pytest.param("HTML", "<b>open", id="open"),
        pytest.param("HTML", "<b><i>x</b></i>", id="crossed"),
        pytest.param("HTML", "x</b>", id="only-closed"),
        pytest.param("HTML", "<table>x</table>", id="unknown-tag"),
        pytest.param("MarkdownV2", "Yes!", id="reserved"),
        pytest.param("MarkdownV2", "*open", id="open-mark"),
    ],
)
async def test_broken_formatting_is_refused(bot: Bot, mode: str, text: str) -> None:
    """What cannot be parsed is refused, as by Telegram."""
    with pytest.raises(TelegramBadRequest, match="can't parse entities"):
        await bot.send_message(ANN, text, parse_mode=mode)


async def test_an_unknown_parse_mode_is_refused(bot: Bot) -> None:
    """Only HTML and the two Markdowns are known."""
    with pytest.raises(TelegramBadRequest, match="unsupported parse_mode"):
        await bot.send_message(ANN, "x", parse_mode="LaTeX")


async def test_entities_count_in_utf16(bot: Bot) -> None:
    """Entities are kept, counted in UTF-16 units; one outside its text is refused."""
    bold = MessageEntity(type="bold", offset=3, length=4)
    sent = await bot.send_message(ANN, "😀 bold ", entities=[bold])
    html = await bot.send_message(ANN, "😀 <b>bold</b>", parse_mode="HTML")
    for message in (sent, html):
        assert [entity.model_dump() for entity in message.entities or []] == [bold.model_dump()]
    with pytest.raises(TelegramBadRequest, match="can't parse entities"):
        await bot.send_message(ANN, "😀", entities=[bold])


async def test_options_that_change_nothing_are_taken(telegram: TelegramServer, bot: Bot) -> None:
    """Options of which nothing is seen here do no harm."""
    await bot.send_message(
        ANN, "x", link_preview_options=LinkPreviewOptions(is_disabled=True), protect_content=True
    )
    assert telegram.calls("sendMessage")[0].parameters["protect_content"] == "true"


async def test_whoever_cannot_be_written_to_is_named(telegram: TelegramServer, bot: Bot) -> None:
    """Each reason why nobody hears a bot has Telegram's words."""
    telegram.add_person(BOB, "Bob")
    with pytest.raises(TelegramForbiddenError, match="bot can't initiate conversation"):
        await bot.send_message(BOB, "Hi")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(999, "Hi")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message("@nobody", "Hi")
    with pytest.raises(TelegramBadRequest, match="chat_id is empty"):
        await bot.send_message("", "Hi")
    telegram.client_leaves(ANN)
    with pytest.raises(TelegramForbiddenError, match="user is deactivated"):
        await bot.send_message(ANN, "Hi")


async def test_a_client_who_blocks_is_told_and_not_reached(
    telegram: TelegramServer, bot: Bot
) -> None:
    """A blocked bot hears of it, cannot write, and can again once it is unblocked."""
    telegram.client_blocks(ANN)
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(ANN, "Hi")
    telegram.client_unblocks(ANN)
    await bot.send_message(ANN, "Hi")
    changes = [u.my_chat_member for u in await bot.get_updates() if u.my_chat_member]
    assert [change.new_chat_member.status for change in changes] == ["kicked", "member"]


async def test_groups_are_chats_with_several_people(telegram: TelegramServer, bot: Bot) -> None:
    """A bot writes to its groups until it is put out, or the group becomes another."""
    group = telegram.add_group(-1001, "Operators")
    telegram.client_says("/status", chat_id=-1001, sender=BOB, name="Bob")
    message = (await bot.get_updates())[-1].message
    assert message
    assert message.from_user
    assert (message.chat.title, message.from_user.first_name) == ("Operators", "Bob")
    await bot.send_message(-1001, "fine")
    group.migrated_to = -100200
    with pytest.raises(TelegramMigrateToChat) as refused:
        await bot.send_message(-1001, "fine")
    assert refused.value.migrate_to_chat_id == -100200
    group.migrated_to = None
    telegram.client_blocks(-1001)
    with pytest.raises(TelegramForbiddenError, match="bot was kicked"):
        await bot.send_message(-1001, "fine")


async def test_each_bot_has_its_own_chats(telegram: TelegramServer, bot: Bot) -> None:
    """Who wrote to one bot cannot be written to by another."""
    second = telegram.add_bot("700002:not-a-real-token")
    async with Bot("700002:not-a-real-token", session=bot.session).context(auto_close=False) as b:
        with pytest.raises(TelegramForbiddenError, match="can't initiate"):
            await b.send_message(ANN, "Hi")
        telegram.client_says("To you", bot=second)
        await b.send_message(ANN, "Hi")
        assert await texts(b) == ["To you"]
    assert await texts(bot) == []


async def test_tokens_are_checked(telegram: TelegramServer, bot: Bot) -> None:
    """A wrong or revoked token is refused; who has it, is the bot."""
    assert (await bot.get_me()).username == "sales_bot"
    async with Bot("700009:unknown", session=bot.session).context(auto_close=False) as stranger:
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()
    telegram.revoke()
    with pytest.raises(TelegramUnauthorizedError):
        await bot.get_me()


async def test_what_aiogram_does_not_know_is_not_found(bot: Bot) -> None:
    """Unknown methods are not found."""
    with pytest.raises(TelegramNotFound):
        await bot.close_forum_topic(ANN, 1)
