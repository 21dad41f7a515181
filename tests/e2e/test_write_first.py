"""A manager writes first, to a phone number; the client's answer ties both conversations."""

import json
import re

import pytest

from bot.receive.catch_up.schedule import CatchUpPace
from tests.e2e.conftest import SCOPE_ID

ANN = 555
CONVERSATION = "tg:700001:555"
SECOND = "tg:700001:555~1"
PHONE = "+14155550123"


@pytest.fixture
async def shared(bridge, telegram, kommo, eventually):
    """A client who shared her own number with the bot."""
    telegram.client_shares_phone("14155550123")
    await eventually(lambda: len(kommo.received) == 1)


@pytest.fixture
async def begun(shared, telegram, kommo, eventually):
    """A manager's message to her number, delivered."""
    message = await kommo.write_first(PHONE, "Hello Ann")
    await eventually(lambda: kommo.statuses_of(message) == [1])
    return kommo.account.message(message).conversation


async def test_the_client_of_a_shared_number_is_reached(shared, telegram, kommo, eventually):
    """However the number is written, it leads to the chat, and the status returns."""
    ways = [PHONE, "14155550123", "+1 (415) 555-01-23", "(415) 555-0123", "4155550123"]
    for phone in ways:
        message = await kommo.write_first(phone, f"Hello {phone}")
        await eventually(lambda message=message: kommo.statuses_of(message) == [1])
    assert telegram.texts_to(ANN) == [f"Hello {phone}" for phone in ways]


async def test_an_unknown_number_fails_at_once_and_says_how_to_invite(
    shared, telegram, kommo, eventually
):
    """Nobody else gets the message: not another number, its end, nor another bot's client."""
    for phone, source in [("+14155550199", None), ("5550123", None), (PHONE, "another")]:
        message = await kommo.write_first(phone, "Hello Max", source=source)
        await eventually(lambda message=message: kommo.statuses_of(message) == [-1])
        [status] = kommo.account.message(message).statuses
        assert status.error_code == 904
        assert "invitation link" in status.error
    assert telegram.texts_to(ANN) == []


async def test_a_source_that_the_bot_got_later_leads_to_its_clients(
    shared, bridge, config, telegram, kommo, eventually
):
    """Who wrote before the bot had a source is found in it; what the bot was before, too."""
    for source in ("sales", "sell"):
        text = re.sub(r'\nsource = ".*"', "", config.read_text(encoding="utf-8"))
        table = f'[[telegram.bots]]\nsource = "{source}"'
        config.write_text(text.replace("[[telegram.bots]]", table), encoding="utf-8")
        await bridge.restart()
        message = await kommo.write_first(PHONE, f"through {source}", source=source)
        await eventually(lambda message=message: kommo.statuses_of(message) == [1])
    assert telegram.texts_to(ANN) == ["through sales", "through sell"]


async def test_a_number_does_not_wait_for_the_history_of_another_chat(
    shared, bridge, kommo, eventually
):
    """After a restart only that waits which may have been preceded by something missed."""
    bridge.options["pace"] = CatchUpPace(hold_s=3600)
    kommo.faults.hang(f"*{kommo.conversations[CONVERSATION].id}/history", times=None)
    await bridge.restart()
    message = await kommo.write_first(PHONE, "Are you there?")
    await eventually(lambda: kommo.statuses_of(message) == [1], within_s=10)


async def test_a_bot_that_is_gone_does_not_hide_one_that_is_there(
    shared, bridge, config, telegram, kommo, eventually
):
    """A client of two bots is reached through the one that is left."""
    text = config.read_text(encoding="utf-8")
    other = "700002:FAKE-TOKEN-FOR-TESTS-ONLY-0000000002"
    telegram.add_bot(other, name="Other", username="other_bot")
    table = f'[[telegram.bots]]\ntoken = "{other}"\nsource = "other"\n'
    both = text.replace("[[telegram.bots]]", '[[telegram.bots]]\nsource = "sales"')
    config.write_text(both.replace("[listen]", f"{table}[listen]"), encoding="utf-8")
    await bridge.restart()
    telegram.client_shares_phone(PHONE, bot=700002, date=int(telegram.now()) + 60)
    await eventually(lambda: len(kommo.received) == 2)
    config.write_text(text, encoding="utf-8")
    await bridge.restart()
    message = await kommo.write_first(PHONE, "Hello Ann")
    await eventually(lambda: kommo.statuses_of(message) == [1])
    assert [sent.bot_id for sent in telegram.sent_to(ANN)] == [700001]


async def test_the_first_answer_ties_both_conversations(begun, telegram, kommo, eventually):
    """It goes to the manager who wrote, naming both sides; later ones need our ids only."""
    telegram.client_says("Hi, who is this?")
    telegram.client_says("Tell me")
    await eventually(lambda: begun.client_id == SECOND and len(begun.messages) == 3)
    assert [message.text for message in begun.messages[1:]] == ["Hi, who is this?", "Tell me"]
    accepted = [call for call in kommo.calls("send") if call.status == 200]
    first, second = (json.loads(call.body)["payload"] for call in accepted[-2:])
    assert first["conversation_ref_id"] == begun.id
    assert first["sender"]["ref_id"] == begun.client.id
    assert "conversation_ref_id" not in second
    assert "ref_id" not in second["sender"]
    assert len(kommo.conversations) == 2


async def test_both_conversations_lead_to_the_chat(begun, telegram, kommo, eventually):
    """Once tied, managers answer in either; edits and reactions find their messages in both."""
    telegram.client_says("Hi")
    await eventually(lambda: begun.client_id == SECOND)
    for name in (CONVERSATION, SECOND):
        message = await kommo.manager_says(f"from {name}", to=name)
        await eventually(lambda message=message: kommo.statuses_of(message)[:1] == [1])
    newer = telegram.client_says("a tpyo")
    await eventually(lambda: len(begun.messages) == 4)
    telegram.client_edits(newer, "a typo")
    telegram.client_reacts(telegram.sent_to(ANN)[0].message_id, "👍")
    await eventually(lambda: begun.messages[-1].text == "a typo")
    await eventually(lambda: len(kommo.reactions) == 1)
    assert kommo.reactions[0].message.conversation is begun
    assert telegram.texts_to(ANN)[1:] == [f"from {CONVERSATION}", f"from {SECOND}"]


async def test_a_client_whom_kommo_does_not_know_yet_is_tied_under_our_own_name(
    bridge, telegram, kommo, eventually
):
    """Exactly as Kommo describes it: our usual ids beside Kommo's."""
    refused = kommo.faults.fail(f"/v2/origin/custom/{SCOPE_ID}", status=422)
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: refused.hits == 1)
    message = await kommo.write_first(PHONE, "Hello Ann")
    await eventually(lambda: kommo.statuses_of(message) == [1])
    telegram.client_says("Hi")
    conversation = kommo.account.message(message).conversation
    await eventually(lambda: conversation.client_id == CONVERSATION)
    assert conversation.client.client_id == "tg:555"


async def test_commands_know_both_conversations(begun, telegram, kommo, eventually, command):
    """`history` and `forget` take the name of either conversation, as Kommo knows it."""
    said = ["Hello Ann", "Hi", "I have a question"]
    for text in said[1:]:  # the second is not sent before the first is recorded
        telegram.client_says(text)
    await eventually(lambda: [message.text for message in begun.messages] == said)
    for name in (SECOND, begun.id):
        _, output, _ = await command("history", name)
        assert [line.rpartition(": ")[2] for line in output.splitlines()] == said[::-1]
    code, output, _ = await command("forget", "--chat", SECOND, "--yes")
    assert (code, CONVERSATION in output) == (0, True)


async def test_a_lost_answer_of_kommo_ties_once(begun, telegram, kommo, eventually):
    """The first answer arrived, Kommo's answer did not: the retry sees it, and doubles nothing."""
    kommo.faults.reset(
        "/v2/origin/custom/*",
        after_processing=True,
        where=lambda call: "~" in str(call.fields.get("payload", {}).get("conversation_id")),
    )
    telegram.client_says("Hi")
    telegram.client_says("again")
    await eventually(lambda: [m.text for m in begun.messages] == ["Hello Ann", "Hi", "again"])
    assert begun.client_id == SECOND


async def test_the_newest_of_two_beginnings_answers(begun, telegram, kommo, eventually):
    """A manager begins once more, after an answer: the next answer goes there."""
    telegram.client_says("Hi")
    await eventually(lambda: begun.client_id == SECOND)
    message = await kommo.write_first(PHONE, "Me again")
    await eventually(lambda: kommo.statuses_of(message) == [1])
    telegram.client_says("So I see")
    newer = kommo.account.message(message).conversation
    await eventually(lambda: newer.client_id == "tg:700001:555~2")
    assert newer.messages[-1].text == "So I see"


async def test_what_a_manager_begins_with_stays_in_order(shared, telegram, kommo, eventually):
    """Several messages before the first answer arrive as they were written."""
    said = [f"message {number}" for number in range(5)]
    for text in said:
        await kommo.write_first(PHONE, text)
    await eventually(lambda: telegram.texts_to(ANN) == said)


async def test_what_kommo_will_not_tie_goes_on_where_it_was(begun, telegram, kommo, eventually):
    """Every name refused: the answer is in the conversation there was, and nothing is lost."""
    kommo.faults.fail(
        "/v2/origin/custom/*",
        status=400,
        times=None,
        where=lambda call: "conversation_ref_id" in call.fields.get("payload", {}),
    )
    telegram.client_says("Hi")
    telegram.client_says("again")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-2:] == ["Hi", "again"])
    assert begun.client_id is None


async def test_without_a_number_there_is_nobody_to_invite(shared, telegram, kommo, eventually):
    """A chat that nobody knows, and no number: the status says what to do, not to invite."""
    message = await kommo.write_first("", "Hello")
    await eventually(lambda: kommo.statuses_of(message) == [-1])
    [status] = kommo.account.message(message).statuses
    assert status.error_code == 904
    assert "add it to the contact" in status.error
