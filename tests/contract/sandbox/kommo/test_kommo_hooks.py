"""What a manager does, and the webhooks that tell of it."""

import pytest

from sandbox.kommo.signing import hook_signature

ACCOUNT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SCOPE = f"11111111-2222-4333-8444-555555555555_{ACCOUNT}"
SECRET = "0123456789abcdef0123456789abcdef01234567"
CONVERSATION = "tg:700001:555"
MANAGER = "33333333-4444-4555-8666-777777777777"


@pytest.fixture
async def chat(integration, kommo):
    """The conversation of a client who wrote "hello"."""
    await integration.send()
    return kommo.conversations[CONVERSATION]


async def test_a_managers_message_is_posted_signed(kommo, receiver, chat):
    """A hook goes to the scope's address once, signed, with an unsigned line feed at the end."""
    message_id = await kommo.manager_says("Hello ✅", to=CONVERSATION)
    body = receiver.bodies[0]
    assert receiver.paths == [f"/hooks/{SCOPE}"]
    assert body.endswith(b"}\n")
    assert receiver.signatures == [hook_signature(SECRET, body[:-1])]
    assert receiver.events == [
        {
            "account_id": ACCOUNT,
            "time": 1767348000,
            "message": {
                "receiver": {
                    "id": chat.client.id,
                    "client_id": "tg:555",
                    "name": "Zoë",
                    "phone": "",
                    "email": "",
                },
                "sender": {"id": MANAGER, "name": "Manager"},
                "conversation": {"id": chat.id, "client_id": CONVERSATION},
                "timestamp": 1767348000,
                "msec_timestamp": 1767348000000,
                "message": {
                    "id": message_id,
                    "type": "text",
                    "text": "Hello ✅",
                    "markup": None,
                    "tag": "",
                    "media": "",
                    "thumbnail": "",
                    "file_name": "",
                    "file_size": 0,
                },
            },
        }
    ]
    assert [(hook.status, hook.answer, hook.sent) for hook in kommo.hooks] == [
        (200, b"noted", body)
    ]


async def test_empty_keys_may_be_absent(kommo, receiver, chat):
    """Live hooks leave empty keys out; the sandbox does so where it is told to."""
    assert not kommo.absent_keys
    kommo.absent_keys = True
    message_id = await kommo.manager_says("hello", to=chat.id)
    message = receiver.events[0]["message"]
    assert message["message"] == {"id": message_id, "type": "text", "text": "hello"}
    assert message["receiver"] == {"id": chat.client.id, "client_id": "tg:555", "name": "Zoë"}


async def test_a_message_may_carry_everything(kommo, integration, receiver, chat):
    """A file, buttons, a template, a quote and a group go out in one hook."""
    await integration.send("quoted", source={"external_id": "sales"})
    url = kommo.add_attachment(b"png", "plan of it.png")
    markup = {"mode": "inline", "buttons": [[{"text": "Yes"}]]}
    template = {"id": 7103, "content": "Order?", "params": []}
    message_id = await kommo.manager_sends(
        type="picture",
        text="Order?",
        media=url,
        markup=markup,
        template=template,
        reply_to=f"{CONVERSATION}:2",
        media_group_id="group",
        to=CONVERSATION,
    )
    hook = receiver.events[0]["message"]
    assert hook["source"] == {"external_id": "sales"}
    message = hook["message"]
    assert (message["markup"], message["template"]) == (markup, template)
    assert (message["file_name"], message["file_size"]) == ("plan of it.png", 3)
    assert message["media_group_id"] == "group"
    quoted = message["reply_to"]["message"]
    assert (quoted["msgid"], quoted["text"]) == (f"{CONVERSATION}:2", "quoted")
    assert quoted["sender"] == {"id": chat.client.id, "client_id": "tg:555", "name": "Zoë"}
    await kommo.manager_sends(text="see", forwards=message_id)
    forwards = receiver.events[1]["message"]["message"]["forwards"]
    assert forwards["conversation_ref_id"] == chat.id
    assert "markup" not in forwards["messages"][0]


async def test_managers_messages_have_rising_milliseconds(kommo, chat):
    """Two messages of one moment keep their order."""
    for text in ("one", "two", "three"):
        await kommo.manager_says(text)
    moments = [message.msec_timestamp for message in chat.messages[1:]]
    assert moments == [1767348000000, 1767348000001, 1767348000002]


@pytest.mark.parametrize("status", [204, 302, 403, 503])
async def test_a_hook_is_posted_once(kommo, receiver, chat, status):
    """Whatever is answered, Kommo does not ask again; it keeps the answer."""
    receiver.status = status
    await kommo.manager_says("hello", to=CONVERSATION)
    assert [hook.status for hook in kommo.hooks] == [status]
    assert len(receiver.bodies) == 1


async def test_a_slow_receiver_is_given_up(kommo, receiver, chat):
    """An answer that does not come in time is none."""
    receiver.delay_s = 5
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    hook = kommo.hooks[0]
    assert (hook.status, "Timeout" in hook.error, hook.seconds < 2) == (None, True, True)
    assert kommo.statuses_of(message_id) == []


async def test_nobody_listens(kommo, chat):
    """A hook to a closed port is noted as unanswered."""
    kommo.hook_url = "http://127.0.0.1:9/hooks"
    await kommo.manager_says("hello", to=CONVERSATION)
    assert [(hook.status, hook.url) for hook in kommo.hooks] == [(None, kommo.hook_url)]


async def test_a_hook_may_be_lost(kommo, integration, receiver, chat):
    """A message whose hook was lost is in the history all the same."""
    await kommo.manager_says("lost", to=CONVERSATION, hook=False)
    kommo.hook_url = None
    await kommo.manager_says("nowhere", to=CONVERSATION)
    path = f"{SCOPE}/chats/{chat.id}/history?limit=2"
    _, answer = await integration.call("GET", path)
    assert [row["message"]["text"] for row in answer["messages"]] == ["nowhere", "lost"]
    assert (receiver.bodies, kommo.hooks) == ([], [])


async def test_hooks_stop_when_disconnected(kommo, integration, receiver, chat):
    """After disconnect a manager's message is not told of."""
    body = {"account_id": ACCOUNT}
    await integration.call("DELETE", f"{SCOPE.partition('_')[0]}/disconnect", body)
    await kommo.manager_says("hello", to=CONVERSATION)
    assert await kommo.manager_types(to=CONVERSATION) is None
    assert receiver.bodies == []


async def test_typing_is_told(kommo, receiver, chat):
    """A typing hook names the user, the conversation and the end."""
    hook = await kommo.manager_types(to=CONVERSATION)
    assert hook.status == 200
    assert receiver.events[0]["action"] == {
        "typing": {
            "user": {"id": MANAGER},
            "conversation": {"id": chat.id, "client_id": CONVERSATION},
            "expired_at": 1767348005,
        }
    }


async def test_reactions_are_told_in_both_forms(kommo, receiver, chat):
    """A reaction hook names the message in the newer or the older way; unreact has no emoji."""
    message = chat.messages[0]
    await kommo.manager_reacts(message.msgid, "👍")
    await kommo.manager_reacts(message.id, None, old_form=True)
    newer, older = (event["action"]["reaction"] for event in receiver.events)
    assert newer["message"]["id"] == message.id
    assert newer["message"]["client_id"] == message.msgid
    assert (newer["type"], newer["emoji"], newer["user"]) == ("react", "👍", {"id": MANAGER})
    assert (older["type"], older["msgid"], "emoji" in older) == ("unreact", message.id, False)
    own = await kommo.manager_says("own")
    await kommo.manager_reacts(own, "🔥", hook=False)
    assert kommo.messages_in(CONVERSATION)[-1].reactions == {MANAGER: "🔥"}


async def test_a_reaction_to_ones_own_message_has_no_client_id(kommo, receiver, chat):
    """A message born in Kommo has no integration's id in a reaction hook."""
    own = await kommo.manager_says("own")
    await kommo.manager_reacts(own, "🔥")
    message = receiver.events[-1]["action"]["reaction"]["message"]
    assert "client_id" not in message
    assert message["receiver"] == {"id": chat.client.id}


async def test_write_first_has_no_client_ids(kommo, integration, receiver):
    """A chat begun by phone is told without the integration's ids, and only once made."""
    await kommo.write_first("14155550199", "Hello", source="sales")
    await kommo.write_first("14155550199", "Hello?")
    hook = receiver.events[0]["message"]
    assert hook["receiver"]["phone"] == "14155550199"
    assert "client_id" not in hook["receiver"]
    assert set(hook["conversation"]) == {"id"}
    assert hook["source"] == {"external_id": "sales"}
    assert len(kommo.conversations) == 1


async def test_raw_hooks_may_be_wrong(kommo, receiver, chat):
    """Any bytes can be posted, with any signature, with and without a line feed."""
    await kommo.post_hook(b"not json", newline=False)
    await kommo.post_hook({"action": {"dance": {}}}, signature="0" * 40)
    await kommo.post_hook(b"{}", signature="")
    assert receiver.bodies == [b"not json", b'{"action":{"dance":{}}}\n', b"{}\n"]
    assert receiver.signatures == [hook_signature(SECRET, b"not json"), "0" * 40, None]


async def test_a_manager_cannot_write_to_nobody(kommo):
    """Without a conversation, or a message, there is nothing to write to."""
    with pytest.raises(LookupError, match="nobody wrote yet"):
        await kommo.manager_says("hello")
    with pytest.raises(LookupError, match="tg:1:2"):
        await kommo.manager_says("hello", to="tg:1:2")
    with pytest.raises(LookupError, match="unknown"):
        kommo.statuses_of("unknown")
