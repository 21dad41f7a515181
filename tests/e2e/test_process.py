"""The real process: how it starts, refuses to start, and stops."""

import asyncio
import json

from tests.e2e.commands import run_command, run_process

ANN = 555
CONVERSATION = "tg:700001:555"


async def test_sigterm_ends_it_in_time_and_loses_nothing(
    process, telegram, kommo, eventually, ann
):
    """A stop while Telegram hangs ends within ten seconds; the answer arrives after the start."""
    await process.start()
    await ann.says("hi")
    fault = telegram.faults.hang("sendMessage", times=None)
    await kommo.manager_says("while it hangs", to=CONVERSATION)
    await kommo.manager_says("and one more", to=CONVERSATION)
    assert await process.terminate() == 0
    telegram.faults.remove(fault)
    await process.start()
    await eventually(lambda: "and one more" in telegram.texts_to(ANN), within_s=30)
    assert list(dict.fromkeys(telegram.texts_to(ANN))) == ["while it hangs", "and one more"]


async def test_a_second_instance_on_one_database_refuses_to_start(process, config, ports):
    """Two pollers would split the stream of updates: the second says why it does not start."""
    await process.start()
    code, _, errors = await run_process("run", config=config)
    assert code == 1
    assert "another instance" in errors
    assert "Traceback" not in errors


async def test_wrong_settings_are_named_one_per_line(config):
    """Each wrong setting gets a line with its path, never its value; exit code 2."""
    text = config.read_text(encoding="utf-8").replace("[kommo]", '[kommo]\nchanel_id = "x"', 1)
    config.write_text(text.replace("token = ", 'token = "no-token-at-all" #'), encoding="utf-8")
    code, output, errors = await run_process("run", config=config)
    assert (code, output) == (2, "")
    assert "kommo.chanel_id" in errors
    assert "channel_id" in errors
    assert "telegram.bots[0].token" in errors
    assert "no-token-at-all" not in errors
    assert "Traceback" not in errors


async def test_settings_that_others_may_read_are_warned_of(process, config):
    """The service starts, and says which command keeps its secrets to its owner."""
    config.chmod(0o644)
    await process.start()
    assert f"chmod 600 {config}" in process.log.read_text()


async def test_a_missing_settings_file_is_a_readable_line(tmp_path):
    """A file that is not there is named, with the remedy."""
    code, _, errors = await run_command("run", config=tmp_path / "none.toml")
    assert code == 2
    assert "none.toml" in errors
    assert "Traceback" not in errors


async def test_version_and_help_answer_without_settings(tmp_path):
    """The first commands of a new user work before anything is set up."""
    code, output, _ = await run_command("version")
    assert (code, output.startswith("kommo-telegram ")) == (0, True)
    code, output, _ = await run_command("--help")
    assert (code, "demo" in output, "queue" in output) == (0, True, True)
    assert (await run_command("nonsense"))[0] == 2


async def test_a_taken_port_is_a_readable_line(process, config, ports, tmp_path):
    """A port that somebody else has is named; the program ends with 1."""
    await process.start()
    other = tmp_path / "other"
    other.mkdir()
    copy = other / "config.toml"
    copy.write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    code, _, errors = await run_process("run", config=copy)
    assert code == 1
    assert str(ports[1]) in errors
    assert "Traceback" not in errors


async def test_dead_items_are_listed_retried_and_dropped(
    process, config, telegram, kommo, eventually, ann
):
    """What could not be delivered waits for a person, who sees why and decides."""
    await process.start()
    await ann.says("hi")
    telegram.client_blocks(ANN)
    first = await kommo.manager_says("first", to=CONVERSATION)
    second = await kommo.manager_says("second", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(second) == [-1])
    code, output, _ = await run_command("queue", "list", "--json", config=config)
    rows = json.loads(output)
    assert code == 0
    assert [(row["state"], row["direction"], row["conversation_id"]) for row in rows] == [
        ("dead", "outgoing", CONVERSATION)
    ] * 2
    assert all("blocked" in row["reason"] and row["since"] for row in rows)
    assert (await run_command("queue", "drop", rows[1]["id"], "--yes", config=config))[0] == 0
    telegram.client_unblocks(ANN)
    assert (await run_command("queue", "retry", rows[0]["id"], config=config))[0] == 0
    await eventually(lambda: telegram.texts_to(ANN) == ["first"])
    for _attempt in range(50):  # the client sees it a moment before its end is on disk
        code, output, _ = await run_command("queue", "list", config=config)
        if "nothing is waiting" in output:
            break
        await asyncio.sleep(0.1)
    assert (code, output) == (0, "The queues are empty: nothing is waiting, nothing has failed.\n")
    assert kommo.statuses_of(first)[0] == -1
    assert (await run_command("queue", "retry", "outgoing-999", config=config))[0] == 1
    assert (await run_command("queue", "retry", "nonsense", config=config))[0] == 2


async def test_check_says_what_works_and_what_does_not(config, telegram, kommo):
    """`check` has a line for each thing, and the remedy for what fails."""
    code, output, _ = await run_command("check", config=config)
    assert code == 0
    assert {"settings", "database", "bot 700001", "channel"} <= {
        line.split(":")[0].split(maxsplit=1)[-1] for line in output.splitlines()
    }
    telegram.revoke(700001)
    code, output, _ = await run_command("check", config=config)
    assert code == 1
    assert "BotFather" in output
    assert (await run_command("check", "--offline", config=config))[0] == 0


async def test_sigterm_ends_many_bots_in_time_too(process, config, telegram):
    """Each bot has a session of its own; they are closed side by side."""
    text = config.read_text(encoding="utf-8")
    bots = []
    for number in range(40):
        token = f"{710000 + number}:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"
        telegram.add_bot(token, name=f"Bot {number}", username=f"bot_{number}_bot")
        bots.append(f'[[telegram.bots]]\ntoken = "{token}"\nsource = "bot {number}"\n')
    before, _, after = text.partition("[[telegram.bots]]")
    rest = after[after.index("[listen]") :]
    config.write_text(before + "".join(bots) + rest, encoding="utf-8")
    await process.start()
    assert await process.terminate() == 0
