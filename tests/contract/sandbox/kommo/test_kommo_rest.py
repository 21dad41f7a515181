"""The REST calls of the account."""

import pytest

from sandbox.kommo.model import Channel, Person
from sandbox.kommo.server import MANAGER, KommoServer

ACCOUNT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
BEARER = {"Authorization": "Bearer sandbox-access-token"}


async def get(http, kommo, path, headers=BEARER):
    """Return status, content type and body of an answer."""
    async with http.get(f"{kommo.url}/api/v4/{path}", headers=headers) as answer:
        return answer.status, answer.content_type, await answer.json(content_type=None)


async def test_the_account_tells_its_amojo_id_when_asked(http, kommo):
    """The id that the Chats API wants is given to who asks for it."""
    status, kind, body = await get(http, kommo, "account?with=drive_url,amojo_id")
    assert (status, kind, body["amojo_id"]) == (200, "application/hal+json", ACCOUNT)
    assert "amojo_id" not in (await get(http, kommo, "account"))[2]


async def test_users_come_in_pages(http, clock):
    """Users are listed with their amojo ids, page by page."""
    users = (MANAGER, Person("44444444-0000-4000-8000-000000000000", "Olga"))
    async with KommoServer.start(Channel("c", "s", ACCOUNT), users=users, now=clock) as kommo:
        _, _, body = await get(http, kommo, "users?with=amojo_id&limit=1&page=2")
        row = body["_embedded"]["users"][0]
        assert (row["name"], row["amojo_id"], row["id"]) == ("Olga", users[1].id, 9_000_002)
        assert "amojo_id" not in (await get(http, kommo, "users"))[2]["_embedded"]["users"][0]


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        pytest.param("account", {}, 401, id="no-token"),
        pytest.param("account", {"Authorization": "Bearer other"}, 401, id="wrong-token"),
        pytest.param("leads", BEARER, 404, id="unknown-call"),
        pytest.param("users?page=all", BEARER, 400, id="page-no-number"),
    ],
)
async def test_a_problem_is_described(http, kommo, path, headers, expected):
    """What cannot be answered is a problem document with its status."""
    status, kind, body = await get(http, kommo, path, headers)
    assert (status, kind) == (expected, "application/problem+json")
    assert (body["status"], body["type"]) == (expected, f"https://httpstatus.es/{expected}")
