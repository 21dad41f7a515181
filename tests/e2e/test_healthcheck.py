"""`healthcheck` asks the running service, and the journal says what a start and an end are."""

import re

import pytest
from aiohttp import web

from tests.e2e.commands import run_command, run_process
from tests.e2e.conftest import SECRET, Bridge


async def test_a_service_that_is_well_is_exit_code_0(bridge, command, monkeypatch):
    """One word and no error, also where a proxy is set for the rest of the world."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert await command("healthcheck") == (0, "ok\n", "")


async def test_a_service_that_does_not_run_is_exit_code_1(command):
    """The reason is one line on standard error."""
    code, said, errors = await command("healthcheck")
    assert (code, said, errors.count("\n")) == (1, "", 1)
    assert "the service is not running" in errors


async def test_a_service_that_is_unwell_says_why(config, command):
    """Kommo refuses the channel: the reason is that of `/healthz`."""
    config.write_text(config.read_text().replace(SECRET, "0" * 40))
    bridge = Bridge(config)
    await bridge.start()
    try:
        for _attempt in range(100):
            code, said, errors = await command("healthcheck")
            if code:
                break
    finally:
        await bridge.stop()
    assert (code, said) == (1, "")
    assert "the channel is not connected" in errors


@pytest.mark.parametrize("text", ["hello", "[]", "{}", '{"problems": 1}'])
async def test_another_program_is_not_taken_for_the_service(command, ports, text):
    """Whatever answers there, it is not the bridge."""

    async def answer(_request):
        return web.Response(text=text)

    application = web.Application()
    application.router.add_get("/healthz", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", ports[1]).start()
    try:
        code, _said, errors = await command("healthcheck")
    finally:
        await runner.cleanup()
    assert code == 1
    assert "another program" in errors


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost"])
async def test_it_is_asked_wherever_it_listens(config, host):
    """An address of all interfaces is asked on this machine."""
    config.write_text(config.read_text().replace("[admin]", f'[admin]\nhost = "{host}"'))
    bridge = Bridge(config)
    await bridge.start()
    try:
        assert (await run_command("healthcheck", config=config))[0] == 0
    finally:
        await bridge.stop()


async def test_the_log_names_a_start_and_an_end(process, config):
    """One line with version, settings file and bots; one when it is over."""
    await process.start()
    assert await process.terminate() == 0
    lines = process.log.read_text().splitlines()
    assert re.search(r"kommo-telegram \d\S* started", lines[0])
    assert str(config) in lines[0]
    assert "700001" in lines[0]
    assert re.search(r"kommo-telegram \d\S* stopped", lines[-1])


async def test_wrong_settings_are_errors_in_the_journal(config, monkeypatch):
    """Each line has the priority by which the journal finds it; elsewhere there is none."""
    config.write_text(config.read_text().replace("[kommo]", '[kommo]\nchanel_id = "x"\nx = 1', 1))
    code, _, errors = await run_process("run", config=config)
    assert (code, errors.startswith("kommo.chanel_id")) == (2, True)
    monkeypatch.setenv("JOURNAL_STREAM", "8:12345")
    code, _, errors = await run_process("run", config=config)
    assert code == 2
    assert [line[:3] for line in errors.splitlines()] == ["<3>", "<3>"]


async def test_version_is_an_option_too():
    """As every program has it."""
    code, said, _ = await run_command("--version")
    assert (code, said.startswith("kommo-telegram ")) == (0, True)
    assert (await run_command("version"))[1] == said
