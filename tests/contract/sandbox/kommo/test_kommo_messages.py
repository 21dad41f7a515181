"""New messages, changes, imports and delivery statuses."""

import pytest

from sandbox.kommo.model import Channel, Habits
from sandbox.kommo.server import KommoServer

CHANNEL = "11111111-2222-4333-8444-555555555555"
ACCOUNT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SCOPE = f"{CHANNEL}_{ACCOUNT}"
SECRET = "0123456789abcdef0123456789abcdef01234567"
CONVERSATION = "tg:700001:555"
BOT = "44444444-5555-4666-8777-888888888888"
MANAGER = "33333333-4444-4555-8666-777777777777"
NOBODY = "99999999-0000-4000-8000-000000000000"
LINK = "https://bridge.example.com/m/9f2c?sig=abc"
ZOE = {"id": "tg:555", "name": "Zoë"}


async def test_a_first_message_makes_one_lead(integration, kommo):
    """A client's first message is answered with both ids and makes one lead, the next none."""
    status, answer = await integration.send("Привет 👋", source={"external_id": "sales"})
    await integration.send("again")
    message = kommo.received[0]
    assert (status, answer) == (
        200,
        {
            "new_message": {
                "conversation_id": message.conversation.id,
                "sender_id": message.sender.id,
                "receiver_id": None,
                "msgid": message.id,
                "ref_id": f"{CONVERSATION}:1",
            }
        },
    )
    assert kommo.texts_in(CONVERSATION) == ["Привет 👋", "again"]
    assert [(lead.name, lead.source) for lead in kommo.leads] == [("Zoë", "sales")]
    assert (message.is_incoming, message.type, message.is_from_kommo) == (True, "text", False)


async def test_a_silent_message_makes_no_lead(integration, kommo):
    """Imported history stays silent until a message that is not."""
    await integration.send("imported", silent=True)
    assert kommo.leads == []
    conversation = kommo.conversations[CONVERSATION]
    assert (conversation.notified, conversation.window_from) == ([], None)
    await integration.send("new")
    assert len(kommo.leads) == 1
    opened = conversation.window_from
    await integration.send("imported later", silent=True)
    assert [one.text for one in conversation.notified] == ["new"]
    assert conversation.window_from == opened is not None


async def test_messages_are_shown_by_their_milliseconds(integration, kommo):
    """Kommo shows messages in the order of their moments, not of their arrival."""
    for msec in (3, 1, 2):
        await integration.send(str(msec), msec_timestamp=1767340000000 + msec)
    assert kommo.texts_in(CONVERSATION) == ["1", "2", "3"]
    assert [message.text for message in kommo.received] == ["3", "1", "2"]
    assert kommo.messages_in("nobody") == []


async def test_a_msgid_is_taken_once(integration, kommo):
    """A repeated msgid is refused, counted, and shows no second message."""
    await integration.send("first", msgid="same")
    status, answer = await integration.send("second", msgid="same")
    assert (status, "same" in answer["error_description"]) == (400, True)
    assert (kommo.texts_in(CONVERSATION), kommo.repeated) == (["first"], 1)


async def test_a_repeated_msgid_may_be_answered_again(http, clock, stranger):
    """Where it is told to, Kommo repeats its first answer without a second message."""
    async with KommoServer.start(
        Channel(CHANNEL, SECRET, ACCOUNT),
        habits=Habits(is_connected=True, repeated_msgid="accept"),
        now=clock,
    ) as kommo:
        stranger.kommo = kommo
        first = await stranger.send("first", msgid="same")
        assert await stranger.send("second", msgid="same") == first
        assert (kommo.texts_in(CONVERSATION), kommo.repeated) == (["first"], 1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"type": "picture", "media": LINK, "text": "", "file_size": 0}, id="picture"),
        pytest.param({"type": "file", "media": LINK, "file_name": "a.pdf"}, id="file"),
        pytest.param({"type": "video", "media": LINK, "media_duration": 3}, id="video"),
        pytest.param({"type": "voice", "media": LINK}, id="voice"),
        pytest.param({"type": "audio", "media": LINK}, id="audio"),
        pytest.param({"type": "sticker", "media": LINK, "sticker_id": "s1"}, id="sticker"),
        pytest.param({"type": "location", "location": {"lon": -122.4, "lat": 37}}, id="location"),
        pytest.param({"type": "contact", "contact": {"name": "Max", "phone": "+1"}}, id="contact"),
        pytest.param({"type": "text", "text": "x", "unknown": None}, id="unknown-key"),
    ],
)
async def test_every_type_is_taken(integration, kommo, content):
    """All nine types are taken with what each of them needs."""
    assert (await integration.send(message=content))[0] == 200
    assert kommo.received[0].content == content


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({}, id="no-type"),
        pytest.param("text", id="not-an-object"),
        pytest.param({"type": "photo", "media": LINK}, id="unknown-type"),
        pytest.param({"type": ["text"], "text": "x"}, id="type-as-list"),
        pytest.param({"type": "text"}, id="no-text"),
        pytest.param({"type": "text", "text": ""}, id="empty-text"),
        pytest.param({"type": "text", "text": 5}, id="number-for-text"),
        pytest.param({"type": "picture"}, id="no-media"),
        pytest.param({"type": "picture", "media": ""}, id="empty-media"),
        pytest.param({"type": "picture", "media": "file:///etc/passwd"}, id="media-no-http"),
        pytest.param({"type": "file", "media": LINK, "file_size": "5"}, id="string-for-size"),
        pytest.param({"type": "file", "media": LINK, "file_size": 5.0}, id="fraction-for-size"),
        pytest.param({"type": "file", "media": LINK, "file_name": None}, id="null-for-name"),
        pytest.param({"type": "video", "media": LINK, "media_duration": True}, id="flag-as-int"),
        pytest.param({"type": "location"}, id="no-location"),
        pytest.param({"type": "location", "location": {"lon": "1", "lat": 2}}, id="lon-as-string"),
        pytest.param({"type": "contact", "contact": {"name": "Max"}}, id="contact-without-phone"),
    ],
)
async def test_content_is_strictly_typed(integration, kommo, content):
    """Content that lacks what its type needs, or has it in another type, is refused."""
    assert (await integration.send(message=content))[0] == 400
    assert (kommo.received, kommo.conversations) == ([], {})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"timestamp": None}, id="no-timestamp"),
        pytest.param({"timestamp": "1767348000"}, id="string-for-timestamp"),
        pytest.param({"msec_timestamp": 1767348000123.0}, id="fraction-for-msec"),
        pytest.param({"msgid": None}, id="no-msgid"),
        pytest.param({"msgid": 42}, id="number-for-msgid"),
        pytest.param({"conversation_id": None}, id="no-conversation"),
        pytest.param({"sender": None}, id="no-sender"),
        pytest.param({"sender": {"id": "tg:555"}}, id="sender-without-name"),
        pytest.param({"sender": {**ZOE, "profile": []}}, id="profile-as-list"),
        pytest.param({"silent": "false"}, id="string-for-flag"),
        pytest.param({"source": {"external_id": ""}}, id="empty-source"),
        pytest.param({"source": {"external_id": "é"}}, id="source-not-ascii"),
        pytest.param({"source": {"external_id": "x" * 41}}, id="source-too-long"),
        pytest.param({"reply_to": {"message": {"msgid": "unknown"}}}, id="quote-unknown"),
        pytest.param({"reply_to": {"message": {"text": "x"}}}, id="quote-without-id"),
        pytest.param({"forwards": {"messages": []}}, id="no-forwards"),
        pytest.param({"forwards": {"messages": [{"id": "1"}] * 2}}, id="two-forwards"),
    ],
)
async def test_a_message_is_strictly_typed(integration, kommo, change):
    """A payload of the wrong shape is refused, with a reason that names the place."""
    status, answer = await integration.send(**change)
    assert status == 400
    assert next(iter(change)) in answer["error_description"]
    assert kommo.received == []


@pytest.mark.parametrize("event_type", ["delete_message", "", None])
async def test_there_are_two_kinds_of_events(integration, event_type):
    """Nothing but new and edited messages; above all there is no deletion."""
    assert (await integration.event(event_type, {}))[0] == 400


async def test_a_message_may_quote_and_forward(integration, kommo):
    """A quote of the same chat by either id, or a described one, is taken."""
    _, answer = await integration.send("quoted")
    described = {"type": "text", "text": "x", "timestamp": 1, "msec_timestamp": 1000, "sender": {}}
    for quoted in ({"msgid": f"{CONVERSATION}:1"}, {"id": answer["new_message"]["msgid"]}):
        assert (await integration.send(reply_to={"message": quoted}))[0] == 200
    assert (await integration.send(reply_to={"message": described}))[0] == 200
    assert (await integration.send(forwards={"messages": [described]}))[0] == 200
    quoted = {"message": {"msgid": f"{CONVERSATION}:1"}}
    assert (await integration.send(conversation_id="other", reply_to=quoted))[0] == 400
    assert kommo.received[1].reply_to == quoted


@pytest.mark.parametrize(
    ("ref_id", "name"),
    [pytest.param(BOT, "Channel bot", id="bot"), pytest.param(MANAGER, "Manager", id="user")],
)
async def test_what_was_written_elsewhere_is_outgoing(integration, kommo, receiver, ref_id, name):
    """An import by a Kommo user or the bot is outgoing; it causes neither lead nor hook."""
    sender = {"id": "tg-bot:700001", "name": "Example bot", "ref_id": ref_id}
    status, answer = await integration.send(sender=sender, receiver=ZOE)
    message = kommo.received[0]
    assert (status, answer["new_message"]["receiver_id"]) == (200, message.receiver.id)
    assert (message.sender.name, message.is_incoming) == (name, False)
    assert (kommo.leads, receiver.bodies) == ([], [])


@pytest.mark.parametrize(
    ("status", "takes", "expected"),
    [
        pytest.param({"status_code": 2}, True, 200, id="read"),
        pytest.param({"status_code": -1, "error_code": 905, "error": "x"}, True, 200, id="error"),
        pytest.param({"status_code": -1}, True, 400, id="error-without-code"),
        pytest.param({"status_code": 7}, True, 400, id="no-status"),
        pytest.param({"status_code": 2}, False, 400, id="older-host"),
    ],
)
async def test_an_old_answer_may_tell_how_far_it_got(integration, kommo, status, takes, expected):
    """An import to a client carries its status, where the host knows that; content has none."""
    kommo.account.takes_old_status = takes
    sender = {"id": "tg-bot:700001", "name": "Example bot", "ref_id": BOT}
    content = {"type": "text", "text": "old", "delivery_status": status}
    answered, _ = await integration.send(sender=sender, receiver=ZOE, message=content)
    assert answered == expected
    shown = [[one.code for one in message.statuses] for message in kommo.received]
    assert shown == ([[status["status_code"]]] if expected == 200 else [])
    assert all("delivery_status" not in message.content for message in kommo.received)
    assert (await integration.send(message=content))[0] == 400  # a client's own has none


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"receiver": ZOE}, id="receiver-without-ref"),
        pytest.param({"receiver": ZOE, "sender": {**ZOE, "ref_id": NOBODY}}, id="invented-ref"),
        pytest.param({"sender": {**ZOE, "ref_id": NOBODY}}, id="invented-client"),
        pytest.param({"sender": {**ZOE, "ref_id": MANAGER}}, id="user-without-receiver"),
    ],
)
async def test_an_author_has_to_be_known(integration, kommo, change):
    """Who writes in somebody's name needs a ref_id that Kommo knows."""
    status, answer = await integration.send(**change)
    assert status == 400
    assert answer["error_description"] == (
        "receiver: is required in an outgoing message"
        if change["sender" if "sender" in change else "receiver"].get("ref_id") == MANAGER
        else "sender: user not found"
    )
    assert kommo.received == []


async def edit(integration, **payload):
    """Send a change of the client's first message."""
    return await integration.event(
        "edit_message",
        {
            "timestamp": 1767348100,
            "msec_timestamp": 1767348100000,
            "conversation_id": CONVERSATION,
            "message": {"type": "text", "text": "changed"},
            **payload,
        },
    )


async def test_a_message_is_edited_in_place(integration, kommo):
    """A change by either id changes the text and neither order nor number."""
    _, answer = await integration.send("old")
    assert await edit(integration, msgid=f"{CONVERSATION}:1") == (200, {})
    assert kommo.texts_in(CONVERSATION) == ["changed"]
    by_id = {"id": answer["new_message"]["msgid"]}
    await edit(integration, **by_id, message={"type": "picture", "text": "keeps its file"})
    assert kommo.texts_in(CONVERSATION) == ["keeps its file"]
    assert (kommo.received[0].is_edited, len(kommo.edits)) == (True, 2)


async def test_an_edit_binds_the_integrations_id(integration, kommo):
    """An edit with both ids gives a manager's message an id that reactions can use."""
    await integration.send()
    message_id = await kommo.manager_says("Hello ✅", to=CONVERSATION)
    content = {"type": "text", "text": "Hello ✅"}
    for msgid in ("ours", "better"):
        await edit(integration, id=message_id, msgid=msgid, message=content)
    message = kommo.messages_in(CONVERSATION)[-1]
    assert (message.msgid, message.is_edited) == ("better", False)
    assert kommo.account.msgid_message("better") is message
    assert kommo.account.msgid_message("ours") is None
    taken = {"id": message_id, "msgid": f"{CONVERSATION}:1"}
    assert (await edit(integration, **taken))[0] == 400


async def test_an_edit_may_carry_a_status(integration, kommo):
    """The delivery status inside an edit counts like one of its own."""
    await integration.send()
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    content = {"type": "text", "text": "hello", "delivery_status": {"status_code": 1}}
    assert (await edit(integration, id=message_id, message=content))[0] == 200
    assert kommo.statuses_of(message_id) == [1]
    assert "delivery_status" not in kommo.messages_in(CONVERSATION)[-1].content


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, 400, id="no-id"),
        pytest.param({"msgid": "unknown"}, 404, id="unknown"),
        pytest.param({"id": NOBODY}, 404, id="unknown-in-kommo"),
        pytest.param({"msgid": "first", "conversation_id": "other"}, 404, id="other-chat"),
        pytest.param({"msgid": "first", "message": {"type": "text"}}, 400, id="no-text"),
        pytest.param({"msgid": "first", "timestamp": "1"}, 400, id="string-for-timestamp"),
    ],
)
async def test_a_wrong_edit_is_refused(integration, kommo, change, expected):
    """A change has to name a message of the conversation."""
    await integration.send("old", msgid="first")
    assert (await edit(integration, **change))[0] == expected
    assert (kommo.texts_in(CONVERSATION), kommo.edits) == (["old"], [])


async def test_statuses_are_kept_in_order(integration, kommo):
    """Both names of the field are taken, and the statuses stay in the order they came."""
    await integration.send()
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    older = {"msgid": message_id, "delivery_status": 1}
    assert await integration.status(message_id, **older) == (200, {})
    await integration.status(message_id, status_code=2)
    await integration.status(message_id, status_code=-1, error_code=905, error="blocked")
    assert kommo.statuses_of(message_id) == [1, 2, -1]
    statuses = kommo.messages_in(CONVERSATION)[-1].statuses
    assert [status.field for status in statuses] == [
        "delivery_status",
        "status_code",
        "status_code",
    ]
    assert (statuses[-1].error_code, statuses[-1].error) == (905, "blocked")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"status_code": "1"}, id="string"),
        pytest.param({"status_code": True}, id="flag"),
        pytest.param({"status_code": 3}, id="unknown-status"),
        pytest.param({"status_code": 0}, id="sent"),
        pytest.param({"delivery_status": 1}, id="no-msgid"),
        pytest.param({"delivery_status": 1, "msgid": "other"}, id="other-msgid"),
        pytest.param({"status_code": 1, "error_code": 905}, id="code-without-error"),
        pytest.param({"status_code": -1}, id="error-without-code"),
        pytest.param({"status_code": -1, "error_code": 900}, id="unknown-code"),
        pytest.param({"status_code": -1, "error_code": 905}, id="905-without-text"),
        pytest.param({"status_code": -1, "error_сode": 901}, id="cyrillic"),
        pytest.param({"status_code": 1, "delivery_status": 2, "msgid": ...}, id="two-minds"),
    ],
)
async def test_a_wrong_status_is_refused(integration, kommo, body):
    """A status has one value, and an error code exactly where there is an error."""
    await integration.send()
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    given = {key: message_id if value is ... else value for key, value in body.items()}
    assert (await integration.status(message_id, **given))[0] == 400
    assert kommo.statuses_of(message_id) == []


@pytest.mark.parametrize("taken", ["status_code", "delivery_status"])
async def test_a_host_may_take_one_name_of_the_status(integration, kommo, taken):
    """Told so, it is as strict as a host of either generation."""
    kommo.account.status_field = taken
    await integration.send()
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    older, newer = {"msgid": message_id, "delivery_status": 1}, {"status_code": 1}
    statuses = [
        (await integration.status(message_id, **body))[0] for body in (older, newer, older | newer)
    ]
    assert statuses == ([400, 200, 400] if taken == "status_code" else [200, 400, 400])
    assert kommo.statuses_of(message_id) == [1]


async def test_a_status_wants_a_managers_message(integration):
    """A status of an unknown message is 404, of a client's own message 400."""
    _, answer = await integration.send()
    assert (await integration.status(NOBODY, status_code=1))[0] == 404
    assert (await integration.status(f"{CONVERSATION}:1", status_code=1))[0] == 404
    assert (await integration.status(answer["new_message"]["msgid"], status_code=1))[0] == 400


async def test_write_first_is_bound_by_the_first_answer(integration, kommo):
    """The client's first answer ties a chat that a manager began to the integration's ids."""
    await kommo.write_first("+14155550199", "Hello Max", source="sales")
    chat = next(iter(kommo.conversations.values()))
    answer = {
        "conversation_id": "tg:700001:777",
        "conversation_ref_id": chat.id,
        "sender": {"id": "tg:777", "ref_id": chat.client.id, "name": "Max"},
    }
    assert (await integration.send("Who is this?", **answer))[0] == 200
    assert (await integration.send("Hm?", **answer))[0] == 200
    assert kommo.texts_in("tg:700001:777") == ["Who is this?", "Hm?", "Hello Max"]
    assert (chat.client.client_id, chat.client.phone) == ("tg:777", "+14155550199")
    assert len(kommo.conversations) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"conversation_ref_id": NOBODY}, id="unknown-chat"),
        pytest.param({"conversation_id": "tg:1:2"}, id="bound-to-another"),
        pytest.param({"conversation_ref_id": "first"}, id="conversation-taken"),
        pytest.param({"sender": {**ZOE, "name": "Max"}, "to_max": True}, id="person-taken"),
    ],
)
async def test_a_wrong_binding_is_refused(integration, kommo, change):
    """A chat and a person are bound once, to one id."""
    await integration.send()
    first = kommo.conversations[CONVERSATION]
    await kommo.write_first("+14155550199", "Hello Max")
    other = next(one for one in kommo.conversations.values() if one is not first)
    ids = {"first": other.id, NOBODY: NOBODY}
    payload = {"conversation_ref_id": first.id, **change}
    payload["conversation_ref_id"] = ids.get(payload["conversation_ref_id"], first.id)
    if payload.pop("to_max", False):
        payload["sender"] = {**payload["sender"], "ref_id": other.client.id}
    assert (await integration.send("refused", **payload))[0] == 400
    assert len(kommo.received) == 1
