"""Old messages: an export of Telegram Desktop on the card in Kommo."""

import io
import json
import os
import time

import httpx
import pytest
from PIL import Image

from tests.e2e.commands import run_command
from tests.e2e.exports import (
    ANN,
    BEN,
    CHANNEL_BOT,
    OWNER,
    account,
    chat,
    message,
    naming_bot,
    written,
)

CONVERSATION = "tg:700001:555"

NESTED = json.loads("[" * 900 + "]" * 900)


@pytest.fixture
def config(config):
    """Settings that name the channel's bot."""
    return naming_bot(config)


@pytest.fixture
def talk():
    """A chat of three messages."""
    return chat(
        message(1, "Do you deliver?"), message(2, "Yes.", by=OWNER), message(3, "Thank you")
    )


async def imported(command, path, *options):
    """Import without a question; return what the command says of it as JSON."""
    code, output, errors = await command("import", str(path), "--yes", "--json", *options)
    assert code == 0, errors
    return json.loads(output)


async def test_a_chat_stands_on_the_card_as_it_was(tmp_path, kommo, command, talk):
    """Each message is at its side, of its author, at its time; the newest makes the lead."""
    said = await imported(command, written(tmp_path / "export", talk))
    assert (said["sent"], said["refused"]) == (3, [])
    rows = [
        (one.text, one.is_incoming, one.sender.name, one.msec_timestamp, one.is_silent)
        for one in kommo.messages_in(CONVERSATION)
    ]
    assert rows == [
        ("Do you deliver?", True, "Ann", 1_700_000_010_000, True),
        ("Yes.", False, "Channel bot", 1_700_000_020_000, True),
        ("Thank you", True, "Ann", 1_700_000_030_000, False),
    ]
    assert [lead.conversation_id for lead in kommo.leads] == [CONVERSATION]
    assert [one.text for one in kommo.received] == ["Do you deliver?", "Yes.", "Thank you"]


async def test_a_repetition_doubles_nothing(tmp_path, kommo, command, talk):
    """The same command again sends nothing, and what is new in a later export is added."""
    path = written(tmp_path / "export", talk)
    await imported(command, path)
    again = await imported(command, path)
    assert (again["sent"], again["imported_before"]) == (0, 3)
    talk["messages"].append(message(4, "One more"))
    later = await imported(command, written(tmp_path / "later", account(talk)))
    assert (later["sent"], later["imported_before"]) == (1, 3)
    assert kommo.texts_in(CONVERSATION) == ["Do you deliver?", "Yes.", "Thank you", "One more"]
    assert kommo.repeated == 0


async def test_silent_makes_no_lead(tmp_path, kommo, command, talk):
    """With --silent nobody is told of the newest message either."""
    await imported(command, written(tmp_path / "export", talk), "--silent")
    assert [one.is_silent for one in kommo.received] == [True] * 3
    assert kommo.leads == []


async def test_a_mapped_writer_is_the_kommo_user(tmp_path, config, kommo, command, talk):
    """What a colleague wrote appears under that colleague's name in Kommo."""
    user = kommo.account.users[0]
    config.write_text(
        f'{config.read_text("utf-8")}\n[import.managers]\n{OWNER} = "{user.id}"\n', "utf-8"
    )
    await imported(command, written(tmp_path / "export", talk))
    assert kommo.messages_in(CONVERSATION)[1].sender is user


async def test_old_answers_have_a_status(tmp_path, kommo, command):
    """What the client answered was read; the rest was delivered."""
    export = chat(message(1, "a", by=OWNER), message(2, "b"), message(3, "c", by=OWNER))
    await imported(command, written(tmp_path / "export", export))
    statuses = [
        [status.code for status in one.statuses] for one in kommo.messages_in(CONVERSATION)
    ]
    assert statuses == [[2], [], [1]]


async def test_an_account_that_takes_no_old_status_is_told_none(tmp_path, kommo, command, talk):
    """The message matters more than its status."""
    kommo.account.takes_old_status = False
    said = await imported(command, written(tmp_path / "export", talk))
    assert (said["sent"], said["refused"]) == (3, [])
    assert all(not one.statuses for one in kommo.messages_in(CONVERSATION))


async def test_replies_and_reactions_stand_where_they_were(tmp_path, kommo, command):
    """A reply quotes the imported message, and emoji are on their messages."""
    marks = [
        {"type": "emoji", "count": 1, "emoji": emoji, "recent": [{"from_id": f"user{person}"}]}
        for emoji, person in (("👍", ANN), ("🔥", OWNER))
    ]
    export = chat(
        message(1, "Monday?"),
        message(2, "Yes", by=OWNER, reply_to_message_id=1, reactions=marks),
        message(3, "To what is not there", reply_to_message_id=77),
    )
    said = await imported(command, written(tmp_path / "export", export))
    first, answer, last = kommo.messages_in(CONVERSATION)
    assert answer.reply_to["message"] == {"msgid": first.msgid}
    assert sorted(answer.reactions.values()) == sorted(["👍", "🔥"])
    assert last.reply_to is None
    assert said["lost_reactions"] == 0


async def test_an_account_with_groups_in_it(tmp_path, kommo, command):
    """Each client has a conversation; what is no client's chat is left out and counted."""
    export = account(
        chat(message(1, "ann")),
        chat(message(2, "ben", by=BEN), peer=BEN, name="Ben"),
        chat(message(3, "group"), kind="private_supergroup", peer=7, name="Group"),
        chat(message(4, "note", by=OWNER), kind="saved_messages", peer=OWNER, name=None),
        chat(message(5, "father"), kind="bot_chat", peer=8, name="BotFather"),
        chat({"id": 6, "type": "service", "action": "pin_message"}, peer=9, name="Pinned"),
    )
    said = await imported(command, written(tmp_path / "export", export))
    assert sorted(kommo.conversations) == ["tg:700001:555", "tg:700001:556"]
    assert said["plan"]["left_out"] == {
        "chats": {
            "chats with other bots": 1,
            "chats without a message to import": 1,
            "groups": 1,
            "saved messages": 1,
        },
        "messages": {"service messages": 1},
    }


async def test_files_are_fetched_from_where_the_export_lies(
    tmp_path, bridge, kommo, command, ports
):
    """Kommo gets each file, whole and in part, by a link that the running service serves."""
    export = chat(
        message(1, "plan", file="files/plan.pdf", mime_type="application/pdf"),
        message(2, file="stickers/s.webp", media_type="sticker", sticker_emoji="😀"),
        message(3, file="(File not included.)", file_name="big.iso", file_size=5 << 30),
    )
    path = written(tmp_path / "export", export, files__plan_dot_pdf=b"x" * 100_000)
    (path / "stickers").mkdir()
    Image.new("RGBA", (4, 4)).save(path / "stickers/s.webp", "WEBP")
    await imported(command, path)
    plan, sticker, missing = kommo.messages_in(CONVERSATION)
    async with httpx.AsyncClient() as http:
        whole = await http.get(plan.content["media"])
        part = await http.get(plan.content["media"], headers={"Range": "bytes=5-9"})
        head = await http.head(plan.content["media"])
        picture = await http.get(sticker.content["media"])
    assert (whole.status_code, whole.content) == (200, b"x" * 100_000)
    assert (part.status_code, part.content) == (206, b"x" * 5)
    assert head.headers["content-length"] == "100000"
    assert picture.content.startswith(b"\x89PNG")
    assert missing.text == "[file big.iso, 5.0 GB: the file is not in the export]"
    assert plan.content["file_name"] == "plan.pdf"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("../secret.txt", id="above"),
        pytest.param("files/../../secret.txt", id="above-from-inside"),
        pytest.param("/etc/passwd", id="absolute"),
        pytest.param("link.txt", id="link"),
        pytest.param("folder/secret.txt", id="linked-folder"),
        pytest.param("pipe", id="pipe"),
        pytest.param("files", id="folder"),
        pytest.param("a\0b", id="nul"),
        pytest.param("x" * 5000, id="endless"),
        pytest.param("..", id="dots"),
        pytest.param(".", id="dot"),
    ],
)
async def test_nothing_outside_of_the_folder_is_served(tmp_path, kommo, command, path):
    """A hostile path is a missing file: no link is made for it."""
    (tmp_path / "secret.txt").write_text("secret")
    export = chat(message(1, "look", file=path, file_name="../../secret\u202e.txt"))
    folder = written(tmp_path / "export", export)
    (folder / "files").mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    await imported(command, folder)
    [only] = kommo.messages_in(CONVERSATION)
    assert "media" not in only.content
    assert only.text.startswith("look\n[file ")


async def test_what_is_made_a_link_later_leads_nowhere(tmp_path, bridge, kommo, command):
    """A file that was replaced by a symbolic link after the import is gone."""
    export = chat(message(1, file="files/a.txt"))
    path = written(tmp_path / "export", export, files__a_dot_txt=b"good")
    await imported(command, path)
    [only] = kommo.messages_in(CONVERSATION)
    (tmp_path / "secret.txt").write_text("secret")
    (path / "files/a.txt").unlink()
    (path / "files/a.txt").symlink_to(tmp_path / "secret.txt")
    async with httpx.AsyncClient() as http:
        assert (await http.get(only.content["media"])).status_code == 404


async def test_a_dry_run_changes_nothing(tmp_path, config, kommo, command, talk):
    """It shows the table, and makes neither a call nor a database."""
    path = written(tmp_path / "export", talk)
    code, output, errors = await command("import", str(path), "--dry-run")
    assert code == 0
    assert "messages of clients\t2\t2 text" in output
    assert "messages of the company\t1\t1 text" in output
    assert "about 1 s" in output
    assert "one day before the lead was made" in errors
    assert kommo.calls() == []
    assert not (config.parent / "kommo-telegram.sqlite3").exists()


async def test_without_a_bot_nothing_of_the_company_begins(tmp_path, config, kommo, command, talk):
    """Nothing is sent when nobody could be shown as the author of an answer."""
    without = config.read_text("utf-8").replace(f'channel_bot_id = "{CHANNEL_BOT}"', "")
    config.write_text(without, "utf-8")
    path = written(tmp_path / "export", talk)
    code, _, errors = await command("import", str(path), "--yes")
    assert code == 2
    assert "kommo.channel_bot_id: is missing" in errors
    assert kommo.calls() == []
    assert (await command("import", str(path), "--dry-run"))[0] == 0


@pytest.mark.parametrize(
    ("typed", "code", "sent"), [("", 1, 0), ("n\n", 1, 0), ("y\n", 0, 3)], ids=["end", "no", "yes"]
)
async def test_a_person_is_asked(tmp_path, monkeypatch, kommo, command, talk, typed, code, sent):
    """Without --yes the table is followed by a question."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    said, output, _ = await command("import", str(written(tmp_path / "export", talk)))
    assert (said, len(kommo.received)) == (code, sent)
    assert "messages of clients" in output


async def test_an_unclear_chat_is_not_guessed(tmp_path, kommo, command):
    """With --yes nobody is asked who the client is, and nothing is sent; --client settles it."""
    export = chat(message(1, "a"), message(2, "b", by=OWNER), message(3, "c", by=BEN))
    path = written(tmp_path / "export", export)
    code, _, errors = await command("import", str(path), "--yes")
    assert code == 1
    assert "--client ID" in errors
    assert kommo.received == []
    await imported(command, path, "--client", str(ANN))
    assert [one.is_incoming for one in kommo.messages_in(CONVERSATION)] == [True, False, False]


async def test_days_and_clients_can_be_chosen(tmp_path, kommo, command):
    """--since, --until and --client take a part of an account."""
    day_s = 24 * 3600
    first_s = 1_704_067_200  # 2024-01-01, UTC
    days = [message(number, f"day {number}", at_s=first_s + number * day_s) for number in range(5)]
    export = account(chat(*days), chat(message(9, "ben", by=BEN), peer=BEN, name="Ben"))
    path = written(tmp_path / "export", export)
    chosen = ("--since", "2024-01-02", "--until", "2024-01-04", "--timezone", "UTC")
    said = await imported(command, path, *chosen, "--client", str(ANN))
    assert kommo.texts_in(CONVERSATION) == ["day 1", "day 2", "day 3"]
    assert list(kommo.conversations) == [CONVERSATION]
    assert said["plan"]["left_out"]["messages"] == {
        "messages from after --until": 1,
        "messages from before --since": 1,
    }


@pytest.mark.parametrize(
    ("export", "said"),
    [
        pytest.param('{"name": "Ann", "type": "personal_chat", "id": 5, "messages": [{"id"',
                     "was not written to its end", id="cut-off"),
        pytest.param('{"a": 1}', "no export of Telegram Desktop", id="another-json"),
        pytest.param("[1, 2]", "no export of Telegram Desktop", id="a-list"),
        pytest.param("", "was not written to its end", id="empty"),
        pytest.param("hello", "is damaged", id="no-json"),
        pytest.param('{"messages": []}', "nothing to import", id="no-messages"),
        pytest.param('{"chats": {"list": []}}', "no export of Telegram Desktop", id="no-chats"),
    ],
)  # fmt: skip
async def test_what_is_broken_is_said_before_anything_is_sent(
    tmp_path, kommo, command, export, said
):
    """A damaged export imports nothing, and a person learns what to do."""
    file = tmp_path / "result.json"
    file.write_text(export, "utf-8")
    code, _, errors = await command("import", str(file), "--yes")
    assert (code, kommo.calls()) == (1, [])
    assert said in errors
    assert "Traceback" not in errors


async def test_a_folder_without_result_is_said(tmp_path, command):
    """Who exported as HTML learns which format to choose."""
    code, _, errors = await command("import", str(tmp_path), "--yes")
    assert code == 1
    assert "Machine-readable JSON" in errors


async def test_every_trap_of_an_export(tmp_path, kommo, command):
    """Control characters, names of nobody, authors as numbers, times without a zone."""
    old = {
        "id": 1,
        "type": "message",
        "date": "2020-01-01T12:00:00",
        "from_id": ANN,
        "text": "old",
    }
    export = chat(
        old,
        message(2, "con\x01trol", from_id=f"user{ANN}"),
        message(3, "half \ud83d pair"),
        {"id": 4, "type": "unsupported"},
        message(5, "twins", at_s=1_700_000_050),
        message(6, "twins", at_s=1_700_000_050),
        message(-999_999_950, "moved", at_s=1_600_000_000),
        message(7, "answer", by=None, at_s=1_700_000_070, **{"from": "Owner"}),
        name=None,
    )
    export["messages"][7]["from_id"] = f"user{OWNER}"
    folder = tmp_path / "export"
    folder.mkdir()
    text = json.dumps(export, indent=1).replace("\\u0001", "\\x01")
    (folder / "result.json").write_text(text, "utf-8")
    said = await imported(command, folder, "--timezone", "Europe/Berlin")
    messages = kommo.messages_in(CONVERSATION)
    assert [one.text for one in messages] == [
        "old", "moved", "con\x01trol", "half ? pair", "twins", "twins", "answer",
    ]  # fmt: skip
    assert messages[0].timestamp == 1_577_876_400  # 11:00 UTC
    assert messages[4].msec_timestamp + 1 == messages[5].msec_timestamp
    assert messages[1].sender.name == "Ann"
    assert said["plan"]["left_out"]["messages"] == {"messages that Telegram did not export": 1}


async def test_a_person_says_who_the_client_is(tmp_path, monkeypatch, kommo, command):
    """Where it is not clear it is asked, until one of the possible ids is typed."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"17\n{BEN}\ny\n"))
    export = chat(message(1, "a"), message(2, "b", by=OWNER), message(3, "c", by=BEN))
    code, _, errors = await command("import", str(written(tmp_path / "export", export)))
    assert code == 0, errors
    assert [one.is_incoming for one in kommo.messages_in(f"tg:700001:{BEN}")] == [
        False, False, True,
    ]  # fmt: skip


async def test_an_import_yields_for_moments_only_without_a_service(
    tmp_path, config, bridge, telegram, kommo, command, eventually, talk
):
    """Live messages that nobody delivers do not hold an import up."""
    kommo.is_down = True
    telegram.client_says("waits for the service", chat_id=BEN)
    await eventually(lambda: len(telegram.confirmed()) == 1)
    await bridge.stop()
    kommo.is_down = False
    began_at = time.monotonic()
    assert (await imported(command, written(tmp_path / "export", talk)))["sent"] == 3
    assert time.monotonic() - began_at < 5


async def test_files_that_the_service_cannot_serve_are_not_imported(
    tmp_path, config, bridge, kommo, command
):
    """Their links would be dead: a person learns where to put the export, and nothing is sent."""
    other = config.with_name("other.toml")
    elsewhere = f'[storage]\npath = "{tmp_path}/other.sqlite3"\n'
    other.write_text(f"{config.read_text('utf-8')}\n{elsewhere}", "utf-8")
    export = chat(message(1, "plan", file="files/plan.pdf"))
    path = written(tmp_path / "export", export, files__plan_dot_pdf=b"plan")
    code, _, errors = await run_command("import", str(path), "--yes", config=other)
    assert code == 1
    assert f"the service cannot read the files in {path}" in errors
    assert kommo.received == []


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"text": NESTED}, id="nested-text"),
        pytest.param({"text_entities": NESTED}, id="nested-entities"),
        pytest.param({"date_unixtime": str(2**51)}, id="far-future"),
        pytest.param({"date_unixtime": "-5", "date": "0001-01-01T00:00:00"}, id="far-past"),
        pytest.param({"date_unixtime": "x", "date": "yesterday"}, id="no-date"),
        pytest.param({"id": 2**70}, id="huge-number"),
        pytest.param({"id": None}, id="no-number"),
        pytest.param({"from_id": "user" + "9" * 400}, id="huge-author"),
        pytest.param({"text": "\x00\x1b[31m\u202e"}, id="controls"),
        pytest.param({"text": "x" * 100_000}, id="long"),
        pytest.param({"file": "a" * 300, "file_name": "\n\x1b]0;x\x07.txt"}, id="file-name"),
        pytest.param({"file": "a/" * 3000}, id="deep-path"),
        pytest.param({"location_information": {"latitude": "1e400"}}, id="nowhere"),
        pytest.param({"contact_information": {"phone_number": "\x00"}}, id="blank-contact"),
        pytest.param({"from": "\u200b\x1b[2J"}, id="invisible-name"),
        pytest.param({"duration_seconds": -5, "file": "f", "media_type": "voice_message"},
                     id="negative"),
    ],
)  # fmt: skip
async def test_a_hostile_message_stops_no_other(tmp_path, kommo, command, odd):
    """Whatever stands in one message, the others arrive, and nothing is a traceback."""
    export = account(chat(message(1, "before"), {**message(2, "odd"), **odd}, message(3, "after")))
    path = written(tmp_path / "export", export)
    code, _, errors = await command("import", str(path), "--yes")
    assert code == 0, errors
    assert "Traceback" not in errors
    assert {"before", "after"} <= set(kommo.texts_in(CONVERSATION))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param({"id": "\ud83d"}, id="id"),
        pytest.param({"text": "half \ud83d"}, id="text"),
        pytest.param({"file": "\ud83d"}, id="file"),
        pytest.param({"reply_to": "\udc00"}, id="reply"),
    ],
)
async def test_half_a_character_is_said(tmp_path, kommo, command, line):
    """What cannot be encoded is a wrong line."""
    row = {"chat_id": ANN, "id": 1, "at": 1_700_000_000, "side": "client", "text": "a", **line}
    path = tmp_path / "history.jsonl"
    path.write_text(json.dumps(row), "utf-8")
    code, _, errors = await command("import", str(path), "--yes")
    assert code == 1
    assert "line 1: holds half a character" in errors
    assert kommo.received == []


async def test_files_lie_beside_a_linked_result(tmp_path, kommo, command):
    """A result.json that is a link opens no other folder."""
    real = written(tmp_path / "real", chat(message(1, "look", file="a.txt")), a_dot_txt=b"x")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/result.json").symlink_to(real / "result.json")
    await imported(command, tmp_path / "linked")
    [only] = kommo.messages_in(CONVERSATION)
    assert "media" not in only.content


async def test_a_full_disk_for_the_spool_is_said(tmp_path, monkeypatch, kommo, command, talk):
    """Without room for temporary files a person learns where to make some."""
    monkeypatch.setattr("storage.spool.PRAGMAS", ("max_page_count = 2",))
    path = written(tmp_path / "export", talk)
    code, _, errors = await command("import", str(path), "--yes")
    assert code == 1
    assert "TMPDIR" in errors
    assert kommo.received == []
