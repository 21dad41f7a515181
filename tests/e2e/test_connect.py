"""The channel is connected at every start, however long Kommo takes to agree."""

import time

import httpx
import pytest

CONVERSATION = "tg:700001:555"


@pytest.fixture
def reluctant(kommo):
    """A Kommo that fails twice before it connects."""
    kommo.faults.fail("*/connect", status=503)
    kommo.faults.fail("*/connect", status=403)


async def test_a_refused_connection_is_tried_again_and_named_with_its_remedy(
    reluctant, telegram, bridge, kommo, eventually, caplog
):
    """What was written meanwhile arrives; the log says what to look at."""
    telegram.client_says("early")
    await eventually(
        lambda: CONVERSATION in kommo.conversations and kommo.texts_in(CONVERSATION) == ["early"],
        within_s=30,
    )
    assert kommo.is_connected
    assert "check kommo.channel_id" in caplog.text


@pytest.fixture
def unwanted(config, kommo):
    """Settings that leave connecting to somebody else."""
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace("[kommo]", "[kommo]\nconnect_on_start = false"), encoding="utf-8"
    )


async def test_check_does_not_connect_either(unwanted, command, kommo):
    """Looking changes nothing: a channel that is not connected is said, one that is stays so."""
    code, said, _ = await command("check")
    assert (code, "failed  channel: " in said) == (1, True)
    kommo.account.is_connected = True
    code, said, _ = await command("check")
    assert (code, "channel: Kommo takes our calls" in said) == (0, True)
    kommo.faults.fail("*/history", status=404)
    assert (await command("check"))[0] == 0
    assert not any(call.path.endswith("/connect") for call in kommo.calls())


async def test_it_does_not_connect_when_the_settings_say_so(
    unwanted, telegram, bridge, kommo, eventually
):
    """`connect_on_start = false` makes no connect call; what cannot be sent waits."""
    telegram.client_says("waits")
    await eventually(lambda: len(kommo.calls()) > 0)
    assert not any(call.path.endswith("/connect") for call in kommo.calls())
    assert kommo.received == []


@pytest.fixture
async def health(ports):
    """Ask the running bridge how it is; returns status and problems."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[1]}") as http:

        async def ask():
            answer = await http.get("/healthz")
            return answer.status_code, answer.text

        yield ask


async def becomes(ask, status, *, within_s):
    """Wait until health has a status; return what it says then."""
    deadline = time.monotonic() + within_s
    while True:
        found, text = await ask()
        if found == status:
            return text
        assert time.monotonic() < deadline, f"{found} after {within_s} s: {text}"


async def test_a_channel_that_is_cut_off_is_noticed_and_connected_again(
    bridge, telegram, kommo, health, eventually, ann
):
    """The integration is switched off and on in Kommo: health says so, nothing is lost."""
    await ann.says("before")
    kommo.is_enabled = False
    telegram.client_says("meanwhile")
    text = await becomes(health, 503, within_s=5)
    assert "ORIGIN_NOT_REGISTERED" in text
    await kommo.manager_says("without a hook", to=CONVERSATION)
    kommo.is_enabled = True
    await becomes(health, 200, within_s=10)
    await eventually(lambda: telegram.texts_to(555) == ["without a hook"], within_s=20)
    texts = {"before", "meanwhile", "without a hook"}
    await eventually(lambda: set(kommo.texts_in(CONVERSATION)) == texts, within_s=5)
    answer = await kommo.manager_says("hello", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])


REFUSALS = {
    "not-registered": (
        404,
        {"status": 0, "error_code": 404, "error_type": "ORIGIN_NOT_REGISTERED"},
    ),
    "signature": (403, {"status": 0, "error_code": 403, "error_type": "ORIGIN_INVALID_SIGNATURE"}),
    "plain": (403, {}),
    "page": (403, "<html>403 Forbidden</html>"),
    "unpaid": (402, {"title": "Payment Required", "status": 402}),
    "in-a-success": (200, {"status": 0, "error_code": 404, "error_type": "ORIGIN_NOT_REGISTERED"}),
}


@pytest.mark.parametrize(("status", "body"), REFUSALS.values(), ids=REFUSALS)
async def test_whoever_refuses_the_channel_is_asked_more_and_more_slowly(
    bridge, telegram, kommo, health, eventually, status, body, ann
):
    """While calls of the scope are refused health says why; each attempt waits longer."""
    await ann.says("before")
    connects = len(kommo.calls("connect"))
    refusing = kommo.faults.fail(
        f"/v2/origin/custom/{bridge.settings.kommo.channel_id}_*",
        status=status,
        body=body,
        times=None,
    )
    telegram.client_says("meanwhile")
    await becomes(health, 503, within_s=5)
    await eventually(lambda: len(kommo.calls("connect")) - connects == 2)
    assert (await health())[0] == 503
    kommo.faults.remove(refusing)
    await becomes(health, 200, within_s=5)
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["before", "meanwhile"], within_s=5)
    assert len(kommo.calls("connect")) - connects <= 4


async def test_a_router_that_knows_no_way_is_not_the_channel(
    bridge, telegram, kommo, health, eventually, ann
):
    """A 404 that is not Kommo's makes what waits wait, and nobody connects anything."""
    await ann.says("before")
    connects = len(kommo.calls("connect"))
    lost = kommo.faults.html("/v2/origin/custom/*", status=404)
    telegram.client_says("meanwhile")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["before", "meanwhile"])
    assert lost.hits == 1
    assert len(kommo.calls("connect")) == connects
    assert (await health())[0] == 200
