"""The channel is connected at every start, however long Kommo takes to agree."""

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
