"""Connecting, chats, history, typing and reactions."""

import pytest

CHANNEL = "11111111-2222-4333-8444-555555555555"
ACCOUNT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SCOPE = f"{CHANNEL}_{ACCOUNT}"
OTHER = "99999999-0000-4000-8000-000000000000"
CONVERSATION = "tg:700001:555"
BOT = "44444444-5555-4666-8777-888888888888"
MANAGER = "33333333-4444-4555-8666-777777777777"
CHAT = {"conversation_id": CONVERSATION, "user": {"id": "tg:555", "name": "Zoë"}}


async def test_connecting_again_is_harmless(integration, kommo):
    """The answer to connect names the scope, every time."""
    status, answer = await integration.connect(is_time_window_disabled=True)
    assert (status, answer) == (
        200,
        {
            "account_id": ACCOUNT,
            "scope_id": SCOPE,
            "title": "Telegram",
            "hook_api_version": "v2",
            "is_time_window_disabled": True,
        },
    )
    assert len(kommo.calls("connect")) == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"hook_api_version": "v1"}, 400, id="old-hooks"),
        pytest.param({"title": None}, 400, id="title-null"),
        pytest.param({"is_time_window_disabled": 1}, 400, id="flag-as-number"),
        pytest.param({"account_id": OTHER}, 403, id="account-not-allowed"),
    ],
)
async def test_a_wrong_connection_is_refused(stranger, kommo, change, expected):
    """Only the allowed account connects, with what is documented."""
    assert (await stranger.connect(**change))[0] == expected
    assert not kommo.is_connected


async def test_a_scope_needs_a_connection(stranger):
    """Before connect and after disconnect every call of the scope is refused."""
    assert (await stranger.send())[0] == 403
    await stranger.connect()
    assert (await stranger.send())[0] == 200
    body = {"account_id": ACCOUNT}
    assert await stranger.call("DELETE", f"{CHANNEL}/disconnect", body) == (200, {})
    assert (await stranger.send())[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("POST", f"{OTHER}/connect", 404, id="other-channel"),
        pytest.param("POST", f"{SCOPE}/connect", 404, id="scope-for-channel"),
        pytest.param("POST", CHANNEL, 403, id="channel-for-scope"),
        pytest.param("POST", f"{CHANNEL}_{OTHER}", 404, id="other-account"),
        pytest.param("POST", f"{SCOPE}/messages", 404, id="unknown-call"),
        pytest.param("PUT", SCOPE, 404, id="other-method"),
        pytest.param("DELETE", f"{SCOPE}/chats/x/history", 404, id="no-deletion"),
    ],
)
async def test_a_wrong_path_is_refused(integration, method, path, expected):
    """Ids of the channel, of the scope and of the account are not mixed up."""
    status, answer = await integration.call(method, path, {"account_id": ACCOUNT})
    assert (status, answer["error_code"]) == (expected, expected)


@pytest.mark.parametrize("path", ["/", "/v2/other", "/robots.txt"])
async def test_an_unknown_page_is_answered_in_json(http, kommo, path):
    """What is not there is answered 404, in JSON."""
    async with http.get(kommo.url + path) as answer:
        assert (answer.status, (await answer.json())["error_code"]) == (404, 404)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="broken"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"a":"\xff"}', id="not-utf8"),
        pytest.param(b'{"a":NaN}', id="nan"),
        pytest.param(b'{"a":"\\ud83d"}', id="half-a-character"),
        pytest.param(b"[" * 100_000, id="too-deep"),
    ],
)
async def test_what_is_not_json_is_refused(integration, body):
    """A signed body still has to be a JSON object in UTF-8."""
    assert (await integration.call("POST", SCOPE, body))[0] == 400


async def test_a_chat_is_made_once(integration, kommo):
    """Creating a chat again says which one it is; it makes neither message nor lead."""
    user = {
        "id": "tg:555",
        "name": "Zoë",
        "avatar": "https://bridge.example.com/a.jpg",
        "profile": {"phone": "+14155550123", "email": "zoe@example.com"},
    }
    body = {**CHAT, "user": user, "source": {"external_id": "bot sales"}}
    status, answer = await integration.call("POST", f"{SCOPE}/chats", body)
    assert status == 200
    assert answer["user"] == {
        "id": kommo.conversations[CONVERSATION].client.id,
        "client_id": "tg:555",
        "name": "Zoë",
        "avatar": "https://bridge.example.com/a.jpg",
        "phone": "+14155550123",
        "email": "zoe@example.com",
    }
    assert await integration.call("POST", f"{SCOPE}/chats", body) == (200, answer)
    assert (kommo.leads, kommo.messages_in(CONVERSATION)) == ([], [])
    await integration.send()
    assert [(lead.source, lead.phone) for lead in kommo.leads] == [("bot sales", "+14155550123")]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"conversation_id": ""}, id="empty-id"),
        pytest.param({"conversation_id": 555}, id="number-for-id"),
        pytest.param({"user": {"id": "tg:555"}}, id="no-name"),
        pytest.param({"user": {"id": 555, "name": "Zoë"}}, id="number-for-user"),
        pytest.param({"source": None}, id="source-null"),
        pytest.param({"source": {"external_id": "x" * 41}}, id="source-too-long"),
        pytest.param({"source": {"external_id": "бот"}}, id="source-not-ascii"),
        pytest.param({"user": {"id": "1", "name": "Z", "avatar": "a.jpg"}}, id="avatar-no-link"),
        pytest.param({"user": {"id": "1", "name": "Z", "ref_id": "invented"}}, id="ref-unknown"),
    ],
)
async def test_a_chat_is_strictly_typed(integration, kommo, change):
    """A chat of the wrong shape is refused and leaves nothing behind."""
    assert (await integration.call("POST", f"{SCOPE}/chats", {**CHAT, **change}))[0] == 400
    assert kommo.conversations == {}


async def test_history_is_shown_newest_first(integration, kommo):
    """History pages through both sides' messages, the newest first, by Kommo's chat id."""
    for text in ("one", "two"):
        await integration.send(text)
    message_id = await kommo.manager_says("three", to=CONVERSATION)
    chat_id = kommo.conversations[CONVERSATION].id
    path = f"{SCOPE}/chats/{chat_id}/history"
    status, answer = await integration.call("GET", f"{path}?offset=0&limit=2")
    assert status == 200
    newest, older = answer["messages"]
    assert newest["message"] == {
        "id": message_id,
        "type": "text",
        "text": "three",
        "media": "",
        "thumbnail": "",
        "file_name": "",
        "file_size": 0,
    }
    assert newest["sender"] == {"id": MANAGER, "name": "Manager"}
    assert newest["receiver"]["client_id"] == "tg:555"
    assert (older["message"]["client_id"], "receiver" in older) == (f"{CONVERSATION}:2", False)
    _, rest = await integration.call("GET", f"{path}?offset=2")
    assert [row["message"]["text"] for row in rest["messages"]] == ["one"]


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        pytest.param("{chat}/history?offset=9", 204, id="past-the-end"),
        pytest.param(f"{OTHER}/history", 204, id="unknown"),
        pytest.param(f"{CONVERSATION}/history", 204, id="own-id"),
        pytest.param("{chat}/history?limit=51", 400, id="too-many"),
        pytest.param("{chat}/history?offset=-1", 400, id="negative"),
        pytest.param("{chat}/history?limit=all", 400, id="not-a-number"),
    ],
)
async def test_history_has_limits(integration, kommo, tail, expected):
    """Nothing to show is 204; more than fifty rows, or nonsense, is 400."""
    await integration.send()
    chat = kommo.conversations[CONVERSATION].id
    status, _ = await integration.call("GET", f"{SCOPE}/chats/{tail.format(chat=chat)}")
    assert status == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, 204, id="good"),
        pytest.param({"duration_ms": "5000"}, 404, id="number-as-string"),
        pytest.param({"conversation_id": "nobody"}, 404, id="unknown-conversation"),
        pytest.param({"sender": {"id": "tg:556"}}, 404, id="unknown-client"),
        pytest.param({"sender": {}}, 404, id="no-sender"),
    ],
)
async def test_typing_has_no_answer(integration, kommo, change, expected):
    """Typing is answered 204; bad data is answered 404."""
    await integration.send()
    body = {"conversation_id": CONVERSATION, "sender": {"id": "tg:555"}, "duration_ms": 5000}
    status, _ = await integration.call("POST", f"{SCOPE}/typing", {**body, **change})
    assert (status, len(kommo.typings)) == (expected, int(expected == 204))


async def test_a_reaction_comes_and_goes(integration, kommo):
    """A client's second reaction replaces the first; unreact takes it back."""
    await integration.send()
    message = kommo.received[0]
    by_ours = {"conversation_id": CONVERSATION, "msgid": message.msgid, "user": {"id": "tg:555"}}
    by_theirs = {
        "conversation_ref_id": message.conversation.id,
        "id": message.id,
        "user": {"ref_id": MANAGER},
    }
    for body in (by_ours, by_theirs):
        for emoji in ("👍", "🔥"):
            react = {**body, "type": "react", "emoji": emoji}
            assert await integration.call("POST", f"{SCOPE}/react", react) == (200, {})
    assert message.reactions == {message.sender.id: "🔥", MANAGER: "🔥"}
    await integration.call("POST", f"{SCOPE}/react", {**by_ours, "type": "unreact"})
    assert message.reactions == {MANAGER: "🔥"}
    assert [one.emoji for one in kommo.reactions] == ["👍", "🔥", "👍", "🔥", None]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"emoji": None}, 400, id="emoji-null"),
        pytest.param({"emoji": ...}, 400, id="no-emoji"),
        pytest.param({"type": "like"}, 400, id="unknown-type"),
        pytest.param({"user": {}}, 400, id="nobody"),
        pytest.param({"user": {"id": "tg:556"}}, 400, id="unknown-user"),
        pytest.param({"conversation_id": ...}, 400, id="no-conversation"),
        pytest.param({"msgid": ...}, 400, id="no-message"),
        pytest.param({"conversation_id": "nobody"}, 404, id="unknown-conversation"),
        pytest.param({"msgid": "unknown"}, 404, id="unknown-message"),
        pytest.param({"id": OTHER}, 404, id="unknown-kommo-message"),
    ],
)
async def test_a_wrong_reaction_is_refused(integration, kommo, change, expected):
    """A reaction names a message of the conversation and who reacts with what."""
    await integration.send()
    body = {
        "conversation_id": CONVERSATION,
        "msgid": f"{CONVERSATION}:1",
        "user": {"id": "tg:555"},
        "type": "react",
        "emoji": "👍",
        **change,
    }
    given = {key: value for key, value in body.items() if value is not ...}
    assert (await integration.call("POST", f"{SCOPE}/react", given))[0] == expected
    assert kommo.reactions == []
