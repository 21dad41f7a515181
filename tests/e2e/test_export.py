"""Export of one client: all that `forget` would erase, and the files that can still be had."""

import json
import resource
import stat

import pytest

from tests.e2e.commands import run_command, run_process

ANN, BOB, STRANGER = 555, 556, 777
CONVERSATION = "tg:700001:555"
PHONE = "+14155550123"
PLAN, OFFER, PICTURE = b"secret plan" * 1000, b"%PDF-1.4 offer", b"\xff\xd8\xff picture"


def refusal(words):
    """Return what getFile says of a file that is gone."""
    return {"ok": False, "error_code": 400, "description": f"Bad Request: {words}"}


@pytest.fixture
async def known(bridge, telegram, kommo, eventually):
    """A client of whom all kinds of things are kept, and another one."""
    telegram.client_says("my words", chat_id=ANN, name="Annabella")
    telegram.client_shares_phone(PHONE, chat_id=ANN)
    plan = telegram.media("document", telegram.add_file(PLAN, "plan.pdf"))
    telegram.client_sends(plan, chat_id=ANN)
    photo = telegram.media("photo", telegram.add_file(PICTURE, "p.jpg"))
    telegram.client_sends(photo, chat_id=ANN)
    person = {"id": ANN, "is_bot": False, "first_name": "Annabella"}
    chat = {"id": ANN, "type": "private"}
    telegram.push({"message": {"chat": chat, "from": person, "message_id": 4242}})
    telegram.client_says("words of Bob", chat_id=BOB, name="Bob")
    await eventually(lambda: len(kommo.received) == 6)
    link = kommo.add_attachment(OFFER, "offer.pdf")
    answer = await kommo.manager_sends(
        type="file", media=link, file_name="offer.pdf", to=CONVERSATION
    )
    await eventually(lambda: kommo.statuses_of(answer) == [1])


async def export(config, folder, chat=ANN):
    """Run the command; return its exit code and what it says."""
    code, output, errors = await run_command(
        "export", "--chat", str(chat), str(folder), config=config
    )
    return code, output + errors


def read(folder):
    """Return the document of an export."""
    return json.loads((folder / "client.json").read_text("utf-8"))


async def test_all_that_is_kept_of_a_client_is_exported(known, bridge, tmp_path):
    """While the service runs: rows and files of the client, none of another, and no token."""
    folder = tmp_path / "ann"
    code, said = await export(bridge.config, folder)
    assert code == 0, said
    document, text = read(folder), (folder / "client.json").read_text("utf-8")
    assert (document["chat_id"], document["conversation_ids"]) == (ANN, [CONVERSATION])
    [conversation] = document["kept"]["conversations"]
    assert (conversation["name"], conversation["phone"]) == ("Annabella", PHONE)
    assert conversation["created_at"].endswith("+00:00")
    kinds = {row["kind"] for row in document["kept"]["to_kommo"]}
    assert {"new_message", "delivery_status"} <= kinds
    assert "my words" in text
    assert "words of Bob" not in text
    files = {file["name"]: (folder / file["path"]).read_bytes() for file in document["files"]}
    assert files["plan.pdf"] == PLAN
    assert files["offer.pdf"] == OFFER
    assert PICTURE in files.values()
    assert "FAKE-TOKEN" not in text + said


async def test_only_the_owner_reads_an_export(known, bridge, tmp_path):
    """Whatever the folder's files hold, others on the machine cannot read them."""
    folder = tmp_path / "ann"
    await export(bridge.config, folder)
    paths = [folder, *folder.rglob("*")]
    assert len(paths) >= 5
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in paths} == {0}


async def test_what_was_forgotten_is_not_there_to_export(known, bridge, tmp_path):
    """After `forget` nothing is kept, and the export says so and makes no folder."""
    await run_command("forget", "--chat", str(ANN), "--yes", config=bridge.config)
    code, said = await export(bridge.config, tmp_path / "ann")
    assert (code, "there is no conversation '555'" in said) == (1, True)
    assert not (tmp_path / "ann").exists()


async def test_it_works_while_the_service_is_stopped(known, bridge, tmp_path):
    """By the conversation's id as well, into a folder that is there and empty."""
    await bridge.stop()
    folder = tmp_path / "empty"
    folder.mkdir()
    code, said = await export(bridge.config, folder, CONVERSATION)
    assert code == 0, said
    assert read(folder)["chat_id"] == ANN


@pytest.mark.parametrize(
    ("words", "times", "reason"),
    [
        pytest.param("invalid file_id", 1, "Telegram no longer knows the file", id="gone"),
        pytest.param("file is too big", 1, "the file is too big for bots", id="too-big"),
        pytest.param(
            "wrong file_id or the file is temporarily unavailable",
            4,
            "Telegram does not have the file for now",
            id="said-of-both",
        ),
    ],
)
async def test_a_file_that_is_gone_is_named_with_the_reason(
    known, bridge, telegram, tmp_path, words, times, reason
):
    """The rest is exported, and that is a success: nobody can have the file."""
    telegram.faults.fail(what="getFile", status=400, body=refusal(words), times=times)
    code, said = await export(bridge.config, tmp_path / "ann")
    assert code == 0, said
    assert "1 files can no longer be had" in said
    [missing] = [file for file in read(tmp_path / "ann")["files"] if file["path"] is None]
    assert missing["reason"] == reason


async def test_a_telegram_that_is_down_makes_an_export_incomplete(
    known, bridge, telegram, kommo, tmp_path
):
    """What is kept is written all the same; the exit code says that files may be had later."""
    telegram.is_down = True
    code, said = await export(bridge.config, tmp_path / "ann")
    telegram.is_down = False
    assert code == 1
    assert "could not be downloaded now" in said
    document = read(tmp_path / "ann")
    assert document["kept"]["conversations"]
    assert [file["name"] for file in document["files"] if file["path"]] == ["offer.pdf"]
    assert "FAKE-TOKEN" not in json.dumps(document) + said


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("used", "is not empty", id="not-empty"),
        pytest.param("file", "is a file", id="a-file"),
        pytest.param("none/ann", "the folder above it does not exist", id="no-parent"),
        pytest.param("file/ann", "Not a directory", id="below-a-file"),
        pytest.param("n" * 300, "File name too long", id="too-long"),
        pytest.param("/proc/ann", "cannot create", id="not-writable"),
    ],
)
async def test_a_folder_that_cannot_be_used_is_refused(known, bridge, tmp_path, path, words):
    """In one line, and what is there stays as it is."""
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine").write_text("mine")
    (tmp_path / "file").write_text("mine")
    code, said = await export(bridge.config, tmp_path / path)
    assert (code, words in said, said.count("\n")) == (1, True, 1), said
    assert (tmp_path / "used" / "mine").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "mine"


async def test_a_full_disk_leaves_nothing_half_written(
    known, bridge, telegram, kommo, eventually, tmp_path
):
    """A line says why; no part of a client's data lies about."""
    big = telegram.media("document", telegram.add_file(b"x" * (4 << 20), "big.bin"))
    telegram.client_sends(big, chat_id=ANN)
    await eventually(lambda: len(kommo.received) == 7)
    await bridge.stop()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, hard))
    try:
        code, said = await export(bridge.config, tmp_path / "ann")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (code, "cannot write the export" in said) == (1, True), said
    assert not (tmp_path / "ann").exists()


async def test_of_a_blocked_stranger_the_block_and_its_notes_are_kept(
    bridge, telegram, kommo, eventually, tmp_path
):
    """They are exported; `forget` erases them, and keeps that the client is stopped."""
    await run_command(
        "block", "--chat", str(STRANGER), "--reason", "insults", config=bridge.config
    )
    telegram.client_says("unheard", chat_id=STRANGER)
    telegram.client_says("hello", chat_id=BOB)
    await eventually(lambda: len(kommo.received) == 1)
    code, said = await export(bridge.config, tmp_path / "before", STRANGER)
    assert code == 0, said
    kept = read(tmp_path / "before")["kept"]
    assert [row["reason"] for row in kept["blocks"]] == ["insults"]
    assert [row["kind"] for row in kept["to_kommo"]] == ["blocked"]
    await run_command("forget", "--chat", str(STRANGER), "--yes", config=bridge.config)
    code, said = await export(bridge.config, tmp_path / "after", STRANGER)
    assert code == 0, said
    kept = read(tmp_path / "after")["kept"]
    assert [(row["chat_id"], row["reason"]) for row in kept["blocks"]] == [(STRANGER, None)]
    assert kept["to_kommo"] == []


@pytest.mark.parametrize("chat", ["4711", "nobody", "tg:1:2", "", "9" * 30])
async def test_who_is_not_known_has_no_export(bridge, tmp_path, chat):
    """A readable line, and no folder."""
    code, said = await export(bridge.config, tmp_path / "ann", chat)
    assert (code, "there is no conversation" in said) == (1, True)
    assert not (tmp_path / "ann").exists()


async def test_without_a_client_or_a_folder_the_usage_is_wrong(config):
    """As a process: exit code 2, and no traceback."""
    code, _said, errors = await run_process("export", "--chat", "555", config=config)
    assert (code, "Traceback" in errors) == (2, False)
