"""Signatures: the documented vectors, and every way to get one wrong."""

from datetime import timedelta

import pytest

from sandbox.kommo.signing import call_signature, content_md5, hook_signature

CHANNEL = "11111111-2222-4333-8444-555555555555"
ACCOUNT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SCOPE = f"{CHANNEL}_{ACCOUNT}"
SECRET = "0123456789abcdef0123456789abcdef01234567"
ROOT = "/v2/origin/custom/"
DATE = "Fri, 02 Jan 2026 10:00:00 +0000"
STATUS_PATH = f"{SCOPE}/77777777-6666-4555-8444-333333333333/delivery_status"
CONNECT = (
    '{"account_id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","title":"Telegram",'
    '"hook_api_version":"v2"}'
)
FAILED = (
    '{"msgid":"77777777-6666-4555-8444-333333333333","delivery_status":-1,"error_code":905,'
    '"error":"Bot was blocked by the user"}'
)
VENDORS = (
    '{"account_id":"52e591f7-c98f-4255-8495-827210138c81","title":"ChatsIntegration",'
    '"hook_api_version":"v2"}'
)


@pytest.mark.parametrize(
    ("method", "path", "body", "md5", "signature"),
    [
        pytest.param(
            "POST",
            f"{CHANNEL}/connect",
            CONNECT,
            "2751362b022da84e8db3f5302c5bb974",
            "eadf98bd1839b48b0b3a8881ef2c49cc0be145a5",
            id="connect",
        ),
        pytest.param(
            "GET",
            f"{SCOPE}/chats/99999999-8888-4777-8666-555555555555/history",
            "",
            "d41d8cd98f00b204e9800998ecf8427e",
            "9dd46bd0565a6d314f8a76a554aa31c93b02f552",
            id="history",
        ),
        pytest.param(
            "DELETE",
            f"{CHANNEL}/disconnect",
            f'{{"account_id":"{ACCOUNT}"}}',
            "4d7c476e23eddb5836f564a81be350be",
            "4b4ba029192862f84856b74485ed4d305000843a",
            id="disconnect",
        ),
        pytest.param(
            "POST",
            STATUS_PATH,
            FAILED,
            "ac00f8a22d1a528dc46c5b1cdef1f2e3",
            "83dd958f87d38f5e18cd11ff277680a5d23bab19",
            id="delivery-status",
        ),
    ],
)
def test_calls_are_signed_as_documented(method, path, body, md5, signature):
    """The sandbox computes the signatures of the documented vectors."""
    made = call_signature(
        SECRET,
        method=method,
        md5=content_md5(body.encode()),
        content_type="application/json",
        date=DATE,
        path=ROOT + path,
    )
    assert (content_md5(body.encode()), made) == (md5, signature)


def test_the_vendors_own_vector_is_reproduced():
    """The one signature that the vendor printed comes out as printed."""
    made = call_signature(
        "f2d7f8704eff95087ed45b23ba99c0b5aac8278e",
        method="post",
        md5=content_md5(VENDORS.encode()),
        content_type="application/json",
        date="Wed, 15 Dec 2021 23:12:55 +0000",
        path=f"{ROOT}344a5002-f8ca-454d-af3d-396180102ac7/connect",
    )
    assert made == "81211856ce0c5095f3e1a90c0a38dc9d736cfd55"


HOOK = (
    '{"account_id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","time":1767348060,"message":'
    '{"receiver":{"id":"22222222-3333-4444-8555-666666666666","name":"Zoë","client_id":"tg:555"},'
    '"sender":{"id":"33333333-4444-4555-8666-777777777777","name":"Manager"},'
    '"conversation":{"id":"99999999-8888-4777-8666-555555555555","client_id":"tg:700001:555"},'
    '"timestamp":1767348060,"msec_timestamp":1767348060456,"message":'
    '{"id":"77777777-6666-4555-8444-333333333333","type":"text","text":"Hello ✅","markup":null,'
    '"tag":"","media":"","thumbnail":"","file_name":"","file_size":0}}}'
)


@pytest.mark.parametrize(
    ("ending", "signature"),
    [
        pytest.param("", "51279d01ca6208a853b1d991da954de0be2efd02", id="as-signed"),
        pytest.param("\n", "0c8a7b251553c948b5818cdc7185b88cc419e316", id="naive"),
    ],
)
def test_hooks_are_signed_as_documented(ending, signature):
    """A hook's signature covers its body, to the last byte."""
    assert hook_signature(SECRET, (HOOK + ending).encode()) == signature


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"Date": None}, id="no-date"),
        pytest.param({"Date": "yesterday"}, id="unreadable-date"),
        pytest.param({"Content-Type": None}, id="no-type"),
        pytest.param({"Content-Type": "application/json; charset=utf-8"}, id="charset"),
        pytest.param({"Content-MD5": None}, id="no-md5"),
        pytest.param({"Content-MD5": "2751362B022DA84E8DB3F5302C5BB974"}, id="other-md5"),
        pytest.param({"X-Signature": None}, id="no-signature"),
        pytest.param({"X-Signature": "0" * 40}, id="wrong-signature"),
        pytest.param({"X-Signature": "ÿ"}, id="signature-not-ascii"),
    ],
)
async def test_a_wrong_header_is_refused(stranger, kommo, change):
    """A call without its four headers, each exactly right, is answered 403."""
    body = {"account_id": ACCOUNT, "title": "Telegram", "hook_api_version": "v2"}
    status, answer = await stranger.call("POST", f"{CHANNEL}/connect", body, change=change)
    assert (status, answer["error_code"]) == (403, 403)
    assert not kommo.is_connected
    assert [(call.name, call.status) for call in kommo.rejected] == [("connect", 403)]


@pytest.mark.parametrize(
    ("minutes", "status"),
    [
        pytest.param(14.9, 200, id="fresh"),
        pytest.param(15.1, 403, id="expired"),
        pytest.param(-15.1, 403, id="from-the-future"),
    ],
)
async def test_a_signature_lives_fifteen_minutes(stranger, clock, minutes, status):
    """A signature is good for a quarter of an hour around its date."""
    clock.now += timedelta(minutes=minutes)
    assert (await stranger.connect())[0] == status


@pytest.mark.parametrize(
    "date", ["Fri, 02 Jan 2026 10:00:00 GMT", "Fri, 02 Jan 2026 10:00:00 -0000"]
)
async def test_a_date_in_utc_may_be_written_otherwise(stranger, date):
    """GMT instead of +0000 is good, too: live code sends it."""
    stranger.date = date
    assert (await stranger.connect())[0] == 200


async def test_the_query_is_not_signed(integration):
    """A signature covers the path, and one that covers the query is refused."""
    path = f"{integration.scope}/chats/nobody/history?offset=0&limit=50"
    assert (await integration.call("GET", path))[0] == 204
    signed = f"/v2/origin/custom/{path}"
    assert (await integration.call("GET", path, signed_path=signed))[0] == 403


async def test_a_doubled_header_is_refused(stranger, http, kommo):
    """A header that comes twice spoils the call."""
    headers = [("Content-Type", "application/json"), ("Date", DATE), ("Date", DATE)]
    url = f"{kommo.url}/v2/origin/custom/{CHANNEL}/connect"
    async with http.post(url, data=b"{}", headers=headers) as answer:
        assert answer.status == 403
    assert "Date" in kommo.rejected[0].reason
