"""Requests as any HTTP library sends them, and driving the sandbox by hand."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.telegram.server import TelegramServer

ANN = 555
TOKEN = "700001:not-a-real-token"


@pytest.fixture
async def http(telegram: TelegramServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client of the server."""
    async with aiohttp.ClientSession(telegram.url) as session:
        yield session


async def ask(http: aiohttp.ClientSession, method: str, token: str = TOKEN, **how: Any) -> Any:
    """What a method answers."""
    async with http.post(f"/bot{token}/{method}", **how) as answer:
        return await answer.json()


def form(fields: dict[str, str]) -> aiohttp.FormData:
    """A multipart form."""
    made = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        made.add_field(name, value)
    return made


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
MESSAGE = {"chat_id": str(ANN), "text": "Grüße & mehr"}


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"params": MESSAGE}, id="query"),
        pytest.param({"data": MESSAGE}, id="url-encoded"),
        pytest.param({"data": form(MESSAGE)}, id="multipart"),
        pytest.param({"json": MESSAGE}, id="json"),
        pytest.param({"json": {"chat_id": ANN, "text": MESSAGE["text"]}}, id="json-number"),
    ],
)
async def test_parameters_come_in_any_form(
    telegram: TelegramServer, http: aiohttp.ClientSession, how: dict[str, Any]
) -> None:
    """The Bot API takes four ways of passing parameters."""
    answer = await ask(http, "sendmessage", **how)
    assert answer["ok"]
    assert telegram.texts_to(ANN) == ["Grüße & mehr"]
    assert telegram.sent_to(ANN)[0].method == "sendMessage"


@pytest.mark.parametrize(
    ("method", "how", "why"),
    [
        pytest.param("sendMessage", {"data": b"{", "headers": JSON},
                     "can't parse the request's body", id="not-json"),
        pytest.param("getUpdates", {"data": {"offset": "x"}}, "offset must be a number",
                     id="number"),
        pytest.param("sendMessage", {"data": {**MESSAGE, "reply_markup": "{"}},
                     "can't parse reply_markup JSON object", id="markup-not-json"),
        pytest.param("sendMessage", {"json": {**MESSAGE, "reply_markup": []}}, None,
                     id="no-markup"),
        pytest.param("sendMessage", {"json": {**MESSAGE, "reply_markup": [1]}},
                     "object expected as reply markup", id="markup-no-object"),
        pytest.param("sendMessage", {"json": {**MESSAGE, "reply_markup": {"x": 1}}},
                     "can't parse reply keyboard markup", id="markup-of-no-kind"),
        pytest.param("sendMessage", {"json": {**MESSAGE, "reply_markup": {"keyboard": "x"}}},
                     "field of type Array expected", id="rows-no-array"),
        pytest.param("sendMessage", {"json": {**MESSAGE, "reply_markup": {"keyboard": [["Yes"]]}}},
                     None, id="keyboard-of-texts"),
        pytest.param("sendLocation", {"json": {"chat_id": ANN}}, "latitude is empty",
                     id="missing"),
        pytest.param("sendMessage", {"data": b"--b\r\nConte", "headers": FORM},
                     "can't parse the request's body", id="form-cut-short"),
        pytest.param("sendMessage", {"data": b"x", "headers": {"Content-Type": "multipart/x"}},
                     "can't parse the request's body", id="form-without-boundary"),
        pytest.param("sendMediaGroup", {"json": {"chat_id": ANN, "media": [1, 2]}},
                     "wrong parameters", id="nonsense"),
        pytest.param("setMyCommands", {"json": {"commands": []}}, None, id="commands"),
        pytest.param("setMyCommands", {"json": {"commands": "{}"}}, None, id="no-commands"),
        pytest.param("setMyCommands", {"json": {"commands": {"a": 1}}}, "expected an Array",
                     id="commands-no-array"),
    ],
)  # fmt: skip
async def test_wrong_parameters_are_refused(
    http: aiohttp.ClientSession, method: str, how: dict[str, Any], why: str | None
) -> None:
    """What cannot be read is a bad request, never a failure of the server."""
    answer = await ask(http, method, **how)
    assert answer["ok"] == (why is None)
    assert (why or "") in answer.get("description", "")
    assert answer.get("error_code") in {None, 400}


@pytest.mark.parametrize(
    ("token", "method", "status"),
    [
        pytest.param("700009:unknown", "getMe", 401, id="unknown"),
        pytest.param("700001:other", "getMe", 401, id="other-secret"),
        pytest.param("nonsense", "getMe", 404, id="malformed"),
        pytest.param("x:y", "getMe", 404, id="no-number"),
        pytest.param(TOKEN, "makeTea", 404, id="unknown-method"),
    ],
)
async def test_wrong_addresses(
    http: aiohttp.ClientSession, token: str, method: str, status: int
) -> None:
    """Unknown tokens are unauthorized; what has no shape of a token is not found."""
    description = "Unauthorized" if status == 401 else "Not Found"
    expected = {"ok": False, "error_code": status, "description": description}
    assert await ask(http, method, token) == expected


async def test_files_need_a_token_and_a_path(
    telegram: TelegramServer, http: aiohttp.ClientSession
) -> None:
    """Files are handed out to their bot only, under the path that getFile gave."""
    file_id = telegram.add_file(b"text", "a.txt")
    path = (await ask(http, "getFile", data={"file_id": file_id}))["result"]["file_path"]
    for address, status in (
        (f"/file/bot{TOKEN}/{path}", 200),
        (f"/file/bot{TOKEN}/documents/other.txt", 404),
        (f"/file/bot700009:unknown/{path}", 401),
    ):
        async with http.get(address) as answer:
            assert answer.status == status


async def test_people_can_be_driven_with_curl(
    telegram: TelegramServer, http: aiohttp.ClientSession
) -> None:
    """Everything a client does can be done over HTTP, and seen there."""

    async def post(path: str, **how: Any) -> Any:
        async with http.post(f"/sandbox/{path}", **how) as answer:
            return await answer.json()

    assert await post("client/says", data="plain text") == {"message_id": 2}
    assert await post("client/says", data='{"text": "Hi", "chat_id": 556, "name": "Bob"}') == {
        "message_id": 1
    }
    assert await post("client/starts", json={"payload": "abc"}) == {"message_id": 3}
    assert await post("client/sends?kind=photo&name=a.jpg&caption=look", data=b"\xff\xd8\xff") == {
        "message_id": 4
    }
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    await ask(http, "sendMessage", json={"chat_id": ANN, "text": "Sure?", "reply_markup": markup})
    assert await post("client/presses", json={"message_id": 5, "button": "Yes"})
    assert await post("client/reacts", json={"message_id": 5, "emoji": "👍"}) == {}
    assert await post("client/edits", json={"message_id": 2, "text": "other text"}) == {}
    assert await post("client/blocks", json={"chat_id": 556}) == {}
    assert await post("client/unblocks", json={"chat_id": 556}) == {}
    assert await post("client/pushes", json={"poll": {}}) == {"update_id": 1009}
    assert (
        "no button"
        in (await post("client/presses", json={"message_id": 5, "button": "No"}))["error"]
    )
    assert "error" in await post("client/says", json={})
    assert await post("bots", json={"token": "700002:x", "name": "Two"}) == {"bot": 700002}

    async with http.get(f"/sandbox/client/{ANN}") as answer:
        seen = await answer.json()
    assert [m.get("text") or m["caption"] for m in seen] == [
        "/start", "other text", "/start abc", "look", "Sure?"
    ]  # fmt: skip
    assert [message["by"] for message in seen] == ["client"] * 4 + ["bot"]
    async with http.get("/sandbox/bots") as answer:
        bots = await answer.json()
    assert [(bot["bot"], bot["pending"]) for bot in bots] == [(700001, 10), (700002, 0)]
    async with http.get("/sandbox/calls") as answer:
        assert [call["method"] for call in await answer.json()] == ["sendMessage"]
