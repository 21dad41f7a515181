"""The contacts of the account, and which chat is whose."""

import json

import pytest

from tests.contract.sandbox.kommo.conftest import CONVERSATION

BEARER = {"Authorization": "Bearer sandbox-access-token"}


@pytest.fixture
def rest(http, kommo):
    """Make a REST call; return its status and answer."""

    async def call(method, path, rows=None, **headers):
        async with http.request(
            method, f"{kommo.url}/api/v4/{path}", json=rows, headers={**BEARER, **headers}
        ) as answer:
            body = await answer.read()
            return answer.status, json.loads(body) if body else None

    return call


@pytest.fixture
async def chat_id(integration):
    """Kommo's id of a chat without messages."""
    chat = {"conversation_id": CONVERSATION, "user": {"id": "tg:555", "name": "Ann"}}
    _, answer = await integration.call("POST", f"{integration.scope}/chats", chat)
    return answer["id"]


@pytest.mark.parametrize("words", ["4155550123", "%2B14155550123", "415-555-0123", "ann"])
async def test_a_contact_is_found_by_a_part_of_its_number_or_name(kommo, rest, words):
    """The digits count, however the number is written; the field is named PHONE."""
    number = kommo.add_contact("Ann", "+1 (415) 555-01-23")
    kommo.add_contact("Max", "+14155550199")
    status, answer = await rest("GET", f"contacts?query={words}")
    [row] = answer["_embedded"]["contacts"]
    assert (status, row["id"]) == (200, number)
    [field] = row["custom_fields_values"]
    assert (field["field_code"], field["values"][0]["value"]) == ("PHONE", "+1 (415) 555-01-23")


async def test_nothing_found_is_204(kommo, rest):
    """An empty answer, not an empty list; a contact without a number has no fields."""
    kommo.add_contact("Max")
    assert await rest("GET", "contacts?query=4155550123") == (204, None)
    assert await rest("GET", "contacts?query=max&page=2") == (204, None)
    assert await rest("GET", "contacts/chats?contact_id=1") == (204, None)


async def test_a_contact_is_there_or_not(kommo, rest):
    """Its number names it; an unknown one is an empty answer."""
    number = kommo.add_contact("Max")
    status, answer = await rest("GET", f"contacts/{number}")
    assert (status, answer["name"]) == (200, "Max")
    assert await rest("GET", "contacts/1") == (204, None)
    assert await rest("GET", "contacts/max") == (204, None)


async def test_a_chat_is_linked_to_one_contact(kommo, rest, chat_id):
    """Again is harmless; another contact takes it over, under another link."""
    ann, max_ = kommo.add_contact("Ann"), kommo.add_contact("Max")
    row = {"contact_id": ann, "chat_id": chat_id, "request_id": "a1"}
    status, answer = await rest("POST", "contacts/chats", [row])
    [link] = answer["_embedded"]["chats"]
    assert (status, link["contact_id"], link["request_id"]) == (200, ann, "a1")
    _, again = await rest("POST", "contacts/chats", [row])
    assert again["_embedded"]["chats"][0]["id"] == link["id"]
    await rest("POST", "contacts/chats", [{**row, "contact_id": max_}])
    _, found = await rest("GET", f"contacts/chats?chat_id={chat_id}")
    assert [one["contact_id"] for one in found["_embedded"]["chats"]] == [max_]
    assert kommo.contact_of(CONVERSATION) == max_


@pytest.mark.parametrize(
    ("change", "path"),
    [
        pytest.param({"contact_id": 4242}, "0.contact_id", id="unknown-contact"),
        pytest.param({"contact_id": "1"}, "0.contact_id", id="contact-as-text"),
        pytest.param({"chat_id": CONVERSATION}, "0.chat_id", id="the-integrations-own-id"),
        pytest.param({"chat_id": 5}, "0.chat_id", id="chat-as-number"),
    ],
)
async def test_a_link_that_cannot_be_made_is_named(kommo, rest, chat_id, change, path):
    """The field that is wrong is told, and nothing is linked."""
    row = {"contact_id": kommo.add_contact("Ann"), "chat_id": chat_id, **change}
    status, answer = await rest("POST", "contacts/chats", [row])
    assert status == 400
    assert answer["validation-errors"][0]["errors"][0]["path"] == path
    assert kommo.account.chat_links == {}


async def test_a_session_cookie_makes_the_link_fail(kommo, rest, chat_id):
    """As documented: the call is for tokens only."""
    row = {"contact_id": kommo.add_contact("Ann"), "chat_id": chat_id}
    assert (await rest("POST", "contacts/chats", [row], Cookie="session_id=1"))[0] == 403
    assert (await rest("GET", "contacts/chats"))[0] == 400


async def test_the_first_message_of_a_linked_chat_makes_no_lead(kommo, rest, integration, chat_id):
    """Whose chat is linked beforehand is not doubled."""
    await rest(
        "POST", "contacts/chats", [{"contact_id": kommo.add_contact("Ann"), "chat_id": chat_id}]
    )
    await integration.send()
    assert len(kommo.received) == 1
    assert kommo.leads == []
