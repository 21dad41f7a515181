"""`trace` of what an import brought along."""

import json

import pytest

from tests.e2e.exports import ANN, OWNER, chat, message, naming_bot, written

CONVERSATION = f"tg:700001:{ANN}"


@pytest.fixture
def config(config):
    """Settings that name the channel's bot."""
    return naming_bot(config)


@pytest.fixture
def imported(tmp_path, command):
    """Import a chat of two messages."""

    async def run():
        export = chat(message(1, "hello"), message(2, "welcome", by=OWNER))
        path = written(tmp_path / "export", export)
        code, _, errors = await command("import", str(path), "--yes")
        assert code == 0, errors

    return run


@pytest.mark.parametrize(
    ("number", "direction"), [(0, "incoming"), (1, "outgoing")], ids=["client", "company"]
)
async def test_an_imported_message_can_be_followed(kommo, command, imported, number, direction):
    """Our id and Kommo's lead to when it was written, when it was imported, and its end."""
    await imported()
    message = kommo.messages_in(CONVERSATION)[number]
    for name in (message.msgid, message.id):
        code, output, errors = await command("trace", name, "--json")
        assert (code, errors) == (0, "")
        document = json.loads(output)
        assert [step["step"] for step in document["steps"]] == ["written", "imported", "sent"]
        assert document["direction"] == direction
        assert document["conversation_id"] == CONVERSATION
        assert (document["external_id"], document["kommo_message_id"]) == (
            message.msgid,
            message.id,
        )


async def test_a_conversation_leads_to_its_newest_imported_message(kommo, command, imported):
    """A conversation of which only old messages are known has a newest one, too."""
    await imported()
    code, output, _ = await command("trace", CONVERSATION)
    assert code == 0
    assert kommo.messages_in(CONVERSATION)[1].id in output
    assert "taken along by an import" in output
