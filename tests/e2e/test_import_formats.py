"""Imports of other systems, of very many messages, and how far they are said to be."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.exports import ANN, BEN, OWNER, chat, message, naming_bot, written

ROOT = Path(__file__).parents[2]
MANY = 100_000

MEASURE = """
import sys
from bot.__main__ import run
code = run(sys.argv[1:])
with open("/proc/self/status") as status:
    peak = next(line for line in status if line.startswith("VmHWM"))
print(peak.split()[1], file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def config(config):
    """Settings that name the channel's bot."""
    return naming_bot(config)


def lines(path, *rows):
    """Write JSON Lines."""
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    path.write_text(text, "utf-8")
    return path


async def test_another_system_by_json_lines(tmp_path, config, kommo, command, bridge):
    """Chats in any order, authors, quotes and files come along."""
    user = kommo.account.users[0]
    config.write_text(
        f'{config.read_text("utf-8")}\n[import.managers]\n{OWNER} = "{user.id}"\n', "utf-8"
    )
    (tmp_path / "files").mkdir()
    (tmp_path / "files/plan.pdf").write_bytes(b"plan")
    ann = {"chat_id": ANN, "side": "client", "name": "Ann"}
    us = {"chat_id": ANN, "side": "company"}
    path = lines(
        tmp_path / "history.jsonl",
        {**ann, "id": 2, "at": "2024-03-01T10:00:00+01:00", "text": "Monday?"},
        {"chat_id": BEN, "id": 2, "at": 1_700_000_000, "side": "client", "text": "Ben"},
        {**us, "id": "a b", "at": 1_709_283_601, "text": "Yes", "author_id": OWNER, "reply_to": 2},
        {**us, "id": 4, "at": 1_709_283_602, "text": "Bye"},
        {**ann, "id": 1, "at": 1_700_000_000, "file": "files/plan.pdf", "text": "plan"},
        {**ann, "id": 5, "at": 1_709_283_603, "file": "../secret", "kind": "photo"},
    )
    for _ in range(2):
        code, output, errors = await command("import", str(path), "--yes", "--json")
        assert code == 0, errors
    assert (json.loads(output)["sent"], json.loads(output)["imported_before"]) == (0, 6)
    plan, monday, yes, bye, secret = kommo.messages_in(f"tg:700001:{ANN}")
    assert (plan.text, plan.content["file_name"]) == ("plan", "plan.pdf")
    assert (monday.text, monday.timestamp, monday.sender.name) == ("Monday?", 1_709_283_600, "Ann")
    assert yes.sender is user
    assert yes.reply_to["message"] == {"msgid": monday.msgid}
    assert bye.sender is kommo.account.channel_bot
    assert secret.text == "[photo secret: the file is not in the export]"
    assert [one.is_silent for one in (plan, monday, yes, bye, secret)] == [True] * 4 + [False]
    assert kommo.texts_in(f"tg:700001:{BEN}") == ["Ben"]


async def test_a_wrong_line_imports_nothing(tmp_path, kommo, command):
    """The number of the line and what is wrong with it are said."""
    right = {"chat_id": ANN, "id": 1, "at": 1_700_000_000, "side": "client", "text": "a"}
    path = lines(tmp_path / "history.jsonl", right, {**right, "id": 2, "nmae": "Ann"})
    code, _, errors = await command("import", str(path), "--yes")
    assert code == 1
    assert "line 2: 'nmae' is no key of the format" in errors
    assert kommo.calls() == []


async def test_the_converter_of_the_page_works(tmp_path, kommo, command):
    """What the documentation shows as a converter makes an import."""
    page = (ROOT / "docs/guide/import-format.md").read_text("utf-8")
    [script] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    table = (
        "phone_chat,number,when,from_us,message\n"
        '555,7,2024-03-01T09:30:00Z,no,"Hello, ""you"""\n'
        "555,8,2024-03-01T09:31:00Z,yes,Welcome\n"
    )
    made = subprocess.run(  # noqa: ASYNC221 - milliseconds
        [sys.executable, "-c", script], input=table, capture_output=True, text=True, check=True
    )
    path = tmp_path / "history.jsonl"
    path.write_text(made.stdout, "utf-8")
    code, _, errors = await command("import", str(path), "--yes")
    assert code == 0, errors
    assert kommo.texts_in("tg:700001:555") == ['Hello, "you"', "Welcome"]


def test_memory_does_not_grow_with_the_export(tmp_path, config):
    """A hundred thousand messages take hardly more than one."""
    small = written(tmp_path / "small", chat(message(1, "hello")))
    big = tmp_path / "big"
    big.mkdir()
    one = json.dumps(message(7777777, "hello, how are you?"), indent=1)
    with (big / "result.json").open("w", encoding="utf-8") as file:
        file.write('{"name": "Ann", "type": "personal_chat", "id": 555, "messages": [\n')
        for number in range(MANY):
            file.write(one.replace("7777777", str(MANY - number)) + ",\n")
        file.write(one + "]}")
    peaks = []
    for path in (small, big):
        arguments = ["--config", str(config), "import", str(path), "--dry-run", "--json"]
        ended = subprocess.run(
            [sys.executable, "-c", MEASURE, *arguments],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks.append(int(ended.stderr.split()[-1]))
    assert json.loads(ended.stdout)["messages"] == MANY + 1
    assert peaks[1] - peaks[0] < 50 * 1024  # kilobytes


async def test_the_channels_bot_has_the_bots_name_and_picture(
    tmp_path, config, telegram, kommo, command, bridge
):
    """What nobody in particular wrote is shown with the name and the picture of the bot."""
    telegram.set_avatar(b"picture", chat_id=700001)
    text = config.read_text("utf-8").replace(
        "[[telegram.bots]]", '[[telegram.bots]]\nname = "Shop"'
    )
    config.write_text(text, "utf-8")
    path = written(tmp_path / "export", chat(message(1, "answer", by=OWNER)))
    code, _, errors = await command("import", str(path), "--yes")
    assert code == 0, errors
    [call] = kommo.calls("send")
    sender = json.loads(call.body)["payload"]["sender"]
    assert (sender["id"], sender["name"]) == ("tg:700001", "Shop")
    assert "/media/" in sender["avatar"]
    assert "FAKE-TOKEN" not in call.body.decode()
