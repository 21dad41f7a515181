"""The channel's time window: switched off, or kept."""

import pytest

from tests.e2e.commands import run_command
from tests.e2e.conftest import Bridge

CONVERSATION = "tg:700001:555"
TEMPLATE = {"id": 1, "content": "We are back", "params": []}
HOUR_S = 3600


@pytest.fixture
def set_window(config):
    """Write the setting into the file."""

    def write(value):
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("[kommo]", f"[kommo]\ntime_window = {value}"))

    return write


@pytest.fixture
async def start(config):
    """Start the bridge with the settings as they are now."""
    bridge = Bridge(config)

    async def begin():
        await bridge.start()
        return bridge

    yield begin
    await bridge.stop()


async def test_after_the_window_only_a_template_passes_until_the_client_writes(
    set_window, start, telegram, kommo, eventually
):
    """A late answer fails with what to do, in the manager's language; templates still arrive."""
    set_window('"24h"\nlanguage = "es"')
    await start()
    telegram.client_says("hello", date=int(telegram.now()) - 25 * HOUR_S)
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["hello"])
    late = await kommo.manager_says("too late", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(late) == [-1])
    [status] = kommo.account.kommo_message(late).statuses
    assert (status.error_code, "plantilla" in status.error) == (905, True)
    template = await kommo.manager_sends(to=CONVERSATION, text="We are back", template=TEMPLATE)
    await eventually(lambda: kommo.statuses_of(template) == [1])
    telegram.client_says("here I am")
    await eventually(lambda: "here I am" in kommo.texts_in(CONVERSATION))
    again = await kommo.manager_says("welcome", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(again) == [1])
    assert telegram.texts_to(555) == ["We are back", "welcome"]
    assert not kommo.account.is_time_window_disabled


@pytest.mark.parametrize(
    ("value", "is_disabled"),
    [
        pytest.param("false", True, id="off"),
        pytest.param("true", False, id="kommos-own"),
        pytest.param('"7d"', False, id="declared"),
    ],
)
async def test_every_way_of_connecting_says_the_same_of_the_window(
    set_window, start, kommo, config, eventually, value, is_disabled
):
    """Start and `connect` put the switch where the settings want it; `check` leaves it alone."""
    set_window(value)
    kommo.account.is_time_window_disabled = not is_disabled
    await start()
    await eventually(lambda: kommo.is_connected)
    assert kommo.account.is_time_window_disabled is is_disabled
    kommo.account.is_time_window_disabled = not is_disabled
    await run_command("check", config=config)
    assert kommo.account.is_time_window_disabled is not is_disabled
    await run_command("connect", config=config)
    assert kommo.account.is_time_window_disabled is is_disabled


async def test_a_window_that_is_no_length_is_a_wrong_setting(set_window, config):
    """A number without a unit is not guessed."""
    set_window('"24"')
    code, _, errors = await run_command("check", "--offline", config=config)
    assert code == 2
    assert "kommo.time_window" in errors
    assert "24h" in errors
