"""Signatures against vectors whose every input is written out."""

import hashlib
import hmac

import pytest

from kommo.errors import SignatureError
from kommo.signature import content_md5, sign, verify_webhook, webhook_signature

SECRET = "0123456789abcdef0123456789abcdef01234567"
DATE = "Fri, 02 Jan 2026 10:00:00 +0000"
ROOT = "/v2/origin/custom"
CHANNEL = "11111111-2222-4333-8444-555555555555"
SCOPE = f"{CHANNEL}_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
HEAD = (
    '{"event_type":"new_message","payload":{"timestamp":1767348000,"msec_timestamp":1767348000123,'
    '"msgid":"tg:700001:555:42","conversation_id":"tg:700001:555","sender":{"id":"tg:555",'
)
RAW = HEAD + '"name":"Zoë"},"message":{"type":"text","text":"Привет 👋"},"silent":false}}'
ESCAPED = (
    HEAD + r'"name":"Zo\u00eb"},"message":{"type":"text",'
    r'"text":"\u041f\u0440\u0438\u0432\u0435\u0442 \ud83d\udc4b"},"silent":false}}'
)
HOOK = (
    '{"account_id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","time":1767348060,"message":'
    '{"receiver":{"id":"22222222-3333-4444-8555-666666666666","name":"Zoë","client_id":"tg:555"},'
    '"sender":{"id":"33333333-4444-4555-8666-777777777777","name":"Manager"},'
    '"conversation":{"id":"99999999-8888-4777-8666-555555555555","client_id":"tg:700001:555"},'
    '"timestamp":1767348060,"msec_timestamp":1767348060456,"message":'
    '{"id":"77777777-6666-4555-8444-333333333333","type":"text","text":"Hello ✅","markup":null,'
    '"tag":"","media":"","thumbnail":"","file_name":"","file_size":0}}}'
).encode()
BARE = "51279d01ca6208a853b1d991da954de0be2efd02"
WITH_NEWLINE = "0c8a7b251553c948b5818cdc7185b88cc419e316"


@pytest.mark.parametrize(
    ("method", "path", "body", "md5", "signature"),
    [
        pytest.param(
            "POST",
            f"{ROOT}/{CHANNEL}/connect",
            '{"account_id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","title":"Telegram",'
            '"hook_api_version":"v2"}',
            "2751362b022da84e8db3f5302c5bb974",
            "eadf98bd1839b48b0b3a8881ef2c49cc0be145a5",
            id="connect",
        ),
        pytest.param(
            "POST",
            f"{ROOT}/{SCOPE}",
            RAW,
            "f8d3f1a73b07e26cd6a224e8b5f226d2",
            "b90553e87cab4e575339b5158901220d6ae2af87",
            id="message-in-utf-8",
        ),
        pytest.param(
            "POST",
            f"{ROOT}/{SCOPE}",
            ESCAPED,
            "2e632c89b5f8af003bfbe12221e2ff10",
            "ecad0dc82412ecfbb6083727a61a6547d5c25328",
            id="message-escaped",
        ),
        pytest.param(
            "GET",
            f"{ROOT}/{SCOPE}/chats/99999999-8888-4777-8666-555555555555/history",
            "",
            "d41d8cd98f00b204e9800998ecf8427e",
            "9dd46bd0565a6d314f8a76a554aa31c93b02f552",
            id="history",
        ),
        pytest.param(
            "DELETE",
            f"{ROOT}/{CHANNEL}/disconnect",
            '{"account_id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"}',
            "4d7c476e23eddb5836f564a81be350be",
            "4b4ba029192862f84856b74485ed4d305000843a",
            id="disconnect",
        ),
        pytest.param(
            "POST",
            f"{ROOT}/{SCOPE}/77777777-6666-4555-8444-333333333333/delivery_status",
            '{"msgid":"77777777-6666-4555-8444-333333333333","delivery_status":-1,'
            '"error_code":905,"error":"Bot was blocked by the user"}',
            "ac00f8a22d1a528dc46c5b1cdef1f2e3",
            "83dd958f87d38f5e18cd11ff277680a5d23bab19",
            id="delivery-status",
        ),
    ],
)
def test_calls_are_signed(method: str, path: str, body: str, md5: str, signature: str) -> None:
    """A call carries the hash and the signature that Kommo computes for it."""
    assert content_md5(body.encode()) == md5
    assert sign(SECRET, method, md5, "application/json", DATE, path) == signature


def test_vendor_signs_the_same() -> None:
    """The vector that the vendor prints comes out the same."""
    body = (
        b'{"account_id":"52e591f7-c98f-4255-8495-827210138c81","title":"ChatsIntegration",'
        b'"hook_api_version":"v2"}'
    )
    md5 = content_md5(body)
    path = f"{ROOT}/344a5002-f8ca-454d-af3d-396180102ac7/connect"
    secret, date = "f2d7f8704eff95087ed45b23ba99c0b5aac8278e", "Wed, 15 Dec 2021 23:12:55 +0000"
    assert md5 == "2fbcb3c652b61e24e004daddfc73d0ce"
    signature = sign(secret, "POST", md5, "application/json", date, path)
    assert signature == "81211856ce0c5095f3e1a90c0a38dc9d736cfd55"


def test_hook_vector() -> None:
    """A webhook's signature covers its bytes and nothing else."""
    assert webhook_signature(SECRET, HOOK) == BARE
    assert webhook_signature(SECRET, HOOK + b"\n") == WITH_NEWLINE


@pytest.mark.parametrize(
    ("body", "header"),
    [
        pytest.param(HOOK, BARE, id="no-newline"),
        pytest.param(HOOK + b"\n", BARE, id="unsigned-newline"),
        pytest.param(HOOK + b"\r\n", BARE, id="unsigned-crlf"),
        pytest.param(HOOK + b"\n", WITH_NEWLINE, id="signed-newline"),
    ],
)
def test_signed_hook_is_accepted(body: bytes, header: str) -> None:
    """A webhook of Kommo's is accepted whether or not its trailing newline was signed."""
    verify_webhook(SECRET, body, header)


@pytest.mark.parametrize(
    ("body", "header"),
    [
        pytest.param(HOOK, None, id="missing"),
        pytest.param(HOOK, "", id="empty"),
        pytest.param(HOOK, "0" * 40, id="wrong"),
        pytest.param(HOOK, BARE[:-1], id="cut"),
        pytest.param(HOOK, "é" * 40, id="not-ascii"),
        pytest.param(HOOK, "\udcff\ud83d", id="not-even-text"),
        pytest.param(HOOK + b" ", BARE, id="body-changed"),
        pytest.param(b"\n" + HOOK, BARE, id="newline-in-front"),
        pytest.param(
            HOOK, hmac.digest(b"another", HOOK, hashlib.sha1).hex(), id="secret-of-another"
        ),
    ],
)
def test_unsigned_hook_is_refused(body: bytes, header: str | None) -> None:
    """A webhook that Kommo did not sign is refused, and the refusal tells no signature."""
    with pytest.raises(SignatureError) as refusal:
        verify_webhook(SECRET, body, header)
    assert BARE not in str(refusal.value)
    assert SECRET not in str(refusal.value)
