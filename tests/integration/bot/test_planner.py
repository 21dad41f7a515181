"""What a manager's message comes to: decided with a database and no server."""

from dataclasses import replace
from datetime import timedelta

import pytest
from aiogram import Bot

from bot.deliver.telegram.addresses import Addresses, MovedError
from bot.deliver.telegram.errors import NotSentError
from bot.deliver.telegram.planner import ClientStyle, Planner
from bot.translate.outgoing import refusals
from bot.translate.outgoing.templates import TelegramTemplate
from bot.translate.outgoing.welcome import Welcome
from storage.conversations import Conversation
from storage.database import Database
from storage.facts import moved_key
from storage.message_reader import SentPart
from tests.outgoing import ANN, BOT_ID, NOON, claim, reacts, says
from tests.sqlite_trace import traced

TOKEN = f"{BOT_ID}:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"
GROUP, SUPERGROUP = -77, -1000077
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLIENT = Conversation(ANN, BOT_ID, 555, "Ann", NOON - DAY, last_incoming_at=NOON - HOUR)
BUTTONS = {"mode": "inline", "buttons": [[{"text": "Confirm"}, {"text": "Cancel"}]]}


@pytest.fixture
async def database(tmp_path):
    """A database that knows a client."""
    async with Database.open(tmp_path / "bridge.sqlite3", now=lambda: NOON) as opened:
        async with opened.transaction() as tx:
            await tx.conversations.remember(CLIENT)
        yield opened


@pytest.fixture
def plan(database):
    """Plan what an item comes to."""
    addresses = Addresses(database, sources={BOT_ID: None}, region="BR")

    async def act(item, *, style=None, bots=(BOT_ID,)):
        known = {bot_id: Bot(TOKEN) for bot_id in bots}
        return await Planner(database, addresses, known, style or ClientStyle()).plan(item)

    return act


@pytest.fixture
async def answered(database):
    """A manager's message that Telegram knows as number 42."""
    async with database.transaction() as tx:
        await tx.messages.remember_outgoing(SentPart("m0", ANN, BOT_ID, 555, 42, NOON))


async def verdict(planned):
    """Return why something is not sent."""
    with pytest.raises(NotSentError) as refused:
        await planned
    return refused.value.verdict


async def test_a_text_is_one_call_to_its_chat(plan, database):
    """The plan holds all that the sender needs, and no buttons where there are none."""
    planned = await plan(await claim(database, says("hello")))
    [call] = planned.calls
    assert (call.chat_id, call.text) == (555, "hello")
    assert (planned.bot.id, planned.address.conversation_id) == (BOT_ID, ANN)
    assert planned.buttons == ()


async def test_a_text_needs_one_question_to_the_database(tmp_path, plan, database):
    """What few messages need is not asked for all of them."""
    item = await claim(database, says("hello"))
    with traced() as trace:
        async with Database.open(database.path, now=lambda: NOON) as opened:
            addresses = Addresses(opened, sources={BOT_ID: None}, region=None)
            planner = Planner(opened, addresses, {BOT_ID: Bot(TOKEN)}, ClientStyle())
            before = len(trace.statements)
            await planner.plan(item)
            asked = trace.statements[before:]
    assert [sql.split()[0] for _connection, sql in asked].count("SELECT") == 1


async def test_a_quoted_message_of_the_chat_is_answered(plan, database, answered):
    """Telegram shows the quote by itself, so the text does not repeat it."""
    quote = {"message": {"id": "m0", "type": "text", "text": "before"}}
    [call] = (await plan(await claim(database, says("yes", reply_to=quote)))).calls
    assert (call.reply_parameters.message_id, call.text) == (42, "yes")


async def test_a_quoted_message_of_elsewhere_is_shown_in_words(plan, database):
    """What Telegram cannot show by itself stands above the text."""
    quote = {"message": {"id": "other", "type": "text", "text": "before"}}
    [call] = (await plan(await claim(database, says("yes", reply_to=quote)))).calls
    assert call.reply_parameters is None
    assert call.text.startswith("> before")


async def test_buttons_are_planned_with_what_they_say(plan, database):
    """They are stored before a client can press one."""
    planned = await plan(await claim(database, says("well?", markup=BUTTONS)))
    assert [button.text for button in planned.buttons] == ["Confirm", "Cancel"]
    shown = [
        one.callback_data for row in planned.calls[0].reply_markup.inline_keyboard for one in row
    ]
    assert shown == [f"b:{button.id}" for button in planned.buttons]


async def test_a_group_is_written_to_where_it_moved(plan, database):
    """The conversation stays the old one; the calls go to the new place."""
    group = f"tg:{BOT_ID}:{GROUP}"
    async with database.transaction() as tx:
        await tx.facts.put(moved_key(BOT_ID, GROUP), str(SUPERGROUP))
    planned = await plan(await claim(database, says("hello"), conversation_id=group))
    assert [call.chat_id for call in planned.calls] == [SUPERGROUP]
    assert planned.address.chat_id == GROUP


async def test_a_template_is_shown_in_telegrams_version(plan, database):
    """Where the settings have one."""
    style = ClientStyle(templates=(TelegramTemplate(external_id="t", html="<b>Hi</b>"),))
    payload = says("Hi", template={"external_id": "t", "content": "Hi"})
    [call] = (await plan(await claim(database, payload), style=style)).calls
    assert (call.text, [entity.type for entity in call.entities]) == ("Hi", ["bold"])


@pytest.mark.parametrize(
    ("payload", "style", "expected"),
    [
        pytest.param(says("  "), None, refusals.NOTHING_TO_SEND, id="nothing-to-show"),
        pytest.param(says("", type="video"), None, refusals.NO_FILE, id="no-file"),
        pytest.param(says("", type="hologram"), None, refusals.UNSUPPORTED, id="unknown-kind"),
        pytest.param(
            says("", type="file", media="https://files.example/a", file_size=10**9),
            None,
            refusals.FILE_TOO_BIG,
            id="too-big",
        ),
        pytest.param(
            says("hello"), ClientStyle(window=HOUR / 2), refusals.TOO_LATE, id="window-closed"
        ),
    ],
)
async def test_what_cannot_be_shown_has_its_verdict(plan, database, payload, style, expected):
    """The manager is told why, and no call is made."""
    assert await verdict(plan(await claim(database, payload), style=style)) == expected


@pytest.mark.parametrize(
    ("minutes", "is_retried", "is_refused"),
    [
        pytest.param(1, False, True, id="just-learned"),
        pytest.param(11, False, False, id="long-ago"),
        pytest.param(1, True, False, id="an-operator-insists"),
    ],
)
async def test_a_client_who_blocked_the_bot_is_not_asked_for_a_while(
    plan, database, minutes, is_retried, is_refused
):
    """Telegram tells of an unblocked bot once at most, so it is asked again."""
    learned = NOON - timedelta(minutes=minutes)
    async with database.transaction() as tx:
        await tx.conversations.learn_reachable(
            ANN, is_reachable=False, asked_at=learned, now=learned
        )
    item = replace(await claim(database, says("hello")), is_retried=is_retried)
    if is_refused:
        assert await verdict(plan(item)) == refusals.CLIENT_BLOCKED
    else:
        assert len((await plan(item)).calls) == 1


async def test_a_bot_that_was_taken_out_shows_nothing(plan, database):
    """Its conversations stay, and managers learn why nothing arrives."""
    item = await claim(database, says("hello"))
    assert await verdict(plan(item, bots=())) == refusals.BOT_REMOVED


@pytest.mark.parametrize(
    ("to", "message_id"), [("m0", 42), ("tg:700001:555:7", 7), ("elsewhere", None)]
)
async def test_a_reaction_finds_its_message(plan, database, answered, to, message_id):
    """By either side's id; one to a message of elsewhere has no call."""
    planned = await plan(await claim(database, reacts("👍", to=to), kind="manager_reaction"))
    assert (planned.call and planned.call.message_id) == message_id


@pytest.mark.parametrize(("said", "is_greeted"), [(Welcome("Hi!"), True), (None, False)])
async def test_a_new_client_is_greeted_if_the_settings_say_so(plan, database, said, is_greeted):
    """What the settings say now counts, not what they said when the client came."""
    item = await claim(database, "{}", kind="welcome")
    planned = await plan(item, style=ClientStyle(welcome=said))
    assert (planned is not None and planned.call.text == "Hi!") is is_greeted


async def test_a_kind_of_a_newer_version_is_no_crash(plan, database):
    """A database may come back from a newer version."""
    planned = await plan(await claim(database, '{"x": 1}', kind="hologram"))
    assert "'hologram'" in planned.reason


async def test_an_item_whose_client_is_found_waits_for_its_turn(plan, database):
    """It moves into its conversation's order before anything is planned."""
    async with database.transaction() as tx:
        await tx.conversation_chats.save("kommo-chat", ANN, None, alias=ANN, now=NOON)
    item = await claim(
        database, says("hello", conversation={"id": "kommo-chat"}), conversation_id=None
    )
    with pytest.raises(MovedError):
        await plan(item)
