"""Business accounts that a bot answers for."""

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import (
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyParameters,
)
from aiohttp import ClientSession

from sandbox.telegram.server import TelegramServer

ANN, BOB, OWNER = 555, 556, 900
DAY_S = 24 * 3600


@pytest.fixture
async def connection(telegram: TelegramServer, bot: Bot) -> str:
    """A business account, to which Ann has written."""
    made = telegram.owner_connects(OWNER, name="Olga")
    telegram.client_says("Hello, Olga", connection=made)
    return made


async def test_a_connection_is_told_and_can_be_asked_for(
    telegram: TelegramServer, bot: Bot, connection: str
) -> None:
    """The bot hears who connects it, what it may do, and that it is over."""
    told = (await bot.get_updates())[1].business_connection
    asked = await bot.get_business_connection(connection)
    assert told
    assert (told.id, told.user.first_name, told.is_enabled) == (connection, "Olga", True)
    assert asked.rights
    assert asked.rights.can_reply
    telegram.owner_disconnects(connection)
    ended = (await bot.get_updates())[-1].business_connection
    assert ended
    assert not ended.is_enabled
    with pytest.raises(TelegramBadRequest, match="business connection not found"):
        await bot.get_business_connection("unknown")


async def test_both_directions_of_the_accounts_chat_are_told(
    telegram: TelegramServer, bot: Bot, connection: str
) -> None:
    """The bot hears the client, the owner and itself, in messages numbered apart."""
    telegram.owner_says("Hello, Ann", connection=connection)
    sent = await bot.send_message(ANN, "Welcome", business_connection_id=connection)
    messages = [u.business_message for u in await bot.get_updates() if u.business_message]
    assert [m.text for m in messages] == ["Hello, Olga", "Hello, Ann", "Welcome"]
    assert [m.message_id for m in messages] == [1, 2, 3]
    assert [m.from_user.id for m in messages if m.from_user] == [ANN, OWNER, OWNER]
    assert sent.sender_business_bot
    assert sent.business_connection_id == connection
    await bot.edit_message_text(
        "Welcome!", chat_id=ANN, message_id=3, business_connection_id=connection
    )


async def test_edits_and_deletions_are_told(
    telegram: TelegramServer, bot: Bot, connection: str
) -> None:
    """In an account's chat the bot hears of deletions, too."""
    telegram.client_edits(1, "Hi, Olga", connection=connection)
    telegram.client_deletes(1, connection=connection)
    edited, deleted = (await bot.get_updates())[-2:]
    assert edited.edited_business_message
    assert edited.edited_business_message.text == "Hi, Olga"
    assert deleted.deleted_business_messages
    assert deleted.deleted_business_messages.message_ids == [1]


async def test_the_bot_reads_and_deletes_for_the_owner(
    telegram: TelegramServer, bot: Bot, connection: str
) -> None:
    """With the rights for it, a bot marks messages read and deletes its own."""
    await bot.read_business_message(connection, ANN, 1)
    assert telegram.read == [(ANN, 1)]
    with pytest.raises(TelegramBadRequest, match="message not found"):
        await bot.read_business_message(connection, ANN, 99)
    sent = await bot.send_message(ANN, "Oops", business_connection_id=connection)
    telegram.client_says("Me too", connection=connection, chat_id=BOB)
    await bot.delete_business_messages(connection, [sent.message_id])
    deleted = (await bot.get_updates())[-1].deleted_business_messages
    assert deleted
    assert (deleted.chat.id, deleted.message_ids) == (ANN, [2])


async def test_rights_are_checked(telegram: TelegramServer, bot: Bot) -> None:
    """What the owner did not allow is refused."""
    connection = telegram.owner_connects(OWNER, rights=())
    telegram.client_says("Hello", connection=connection)
    with pytest.raises(TelegramBadRequest, match="BUSINESS_CONNECTION_INVALID"):
        await bot.send_message(ANN, "Hi", business_connection_id=connection)
    with pytest.raises(TelegramForbiddenError, match="not enough rights to read"):
        await bot.read_business_message(connection, ANN, 1)
    with pytest.raises(TelegramForbiddenError, match="not enough rights to delete"):
        await bot.delete_business_messages(connection, [1])
    for call in (
        bot.read_business_message("unknown", ANN, 1),
        bot.delete_business_messages("unknown", [1]),
        bot.send_message(ANN, "Hi", business_connection_id="unknown"),
    ):
        with pytest.raises(TelegramBadRequest, match="business connection not found"):
            await call


async def test_the_account_answers_within_a_day_only(
    telegram: TelegramServer, bot: Bot, connection: str
) -> None:
    """Chats without a message of the client within 24 hours are closed."""
    telegram.add_person(BOB, "Bob")
    with pytest.raises(TelegramBadRequest, match="BUSINESS_PEER_INVALID"):
        await bot.send_message(BOB, "Hi", business_connection_id=connection)
    later = telegram.now() + DAY_S + 1
    telegram.now = lambda: later
    with pytest.raises(TelegramBadRequest, match="BUSINESS_PEER_USAGE_MISSING"):
        await bot.send_message(ANN, "Hi", business_connection_id=connection)
    telegram.owner_says("Hello, Bob", connection=connection, to=BOB)
    with pytest.raises(TelegramBadRequest, match="BUSINESS_PEER_USAGE_MISSING"):
        await bot.send_message(BOB, "Hi", business_connection_id=connection)


async def test_accounts_have_no_reply_keyboards(
    telegram: TelegramServer, bot: Bot, connection: str
) -> None:
    """Reply keyboards do not exist there; answers to nothing always go out."""
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Yes")]])
    with pytest.raises(TelegramBadRequest, match="not supported in business chats"):
        await bot.send_message(ANN, "Hi", business_connection_id=connection, reply_markup=keyboard)
    await bot.send_message(
        ANN,
        "Hi",
        business_connection_id=connection,
        reply_parameters=ReplyParameters(message_id=99),
    )
    assert telegram.texts_to(ANN) == ["Hi"]


async def test_an_owner_is_driven_from_outside(telegram, bot):
    """All that an owner does in Telegram has a route; what cannot be is refused."""
    async with ClientSession(telegram.url) as http:

        async def does(act, **fields):
            async with http.post(f"/sandbox/owner/{act}", json=fields) as answer:
                return answer.status, await answer.json()

        _status, made = await does("connects", owner=OWNER, name="Olga")
        name = made["connection"]
        _status, said = await does("says", connection=name, text="On my way", to=ANN)
        await does("deletes", connection=name, message_ids=[said["message_id"]], to=ANN)
        await does("allows", connection=name, rights={"can_reply": False})
        await does("disconnects", connection=name)
        assert (await does("says", connection="unknown", text="hi"))[0] == 400
    updates = (await bot.get_updates())[-5:]
    assert [update.event_type for update in updates] == [
        "business_connection",
        "business_message",
        "deleted_business_messages",
        "business_connection",
        "business_connection",
    ]
    assert updates[3].business_connection.rights.can_reply is None
    assert not updates[4].business_connection.is_enabled
