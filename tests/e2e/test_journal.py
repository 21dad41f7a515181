"""A send that Telegram answered is known after a kill, though its record had to wait."""

import contextlib
import sqlite3

CONVERSATION = "tg:700001:555"
ANN = 555
UNDER_WAY = "SELECT 1 FROM inbox WHERE started_at IS NOT NULL"


async def test_what_telegram_took_before_a_kill_is_not_sent_again(
    process, config, telegram, kommo, eventually
):
    """Killed while the database takes nothing: the client has it once, and Kommo is told."""
    database = config.parent / "kommo-telegram.sqlite3"
    await process.start()
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    telegram.latency_s = 1.0
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        await eventually(lambda: other.execute(UNDER_WAY).fetchone())
        other.execute("BEGIN IMMEDIATE")
        journal = database.with_name(f"{database.name}-sends")
        await eventually(lambda: '"taken"' in journal.read_text())
        await process.kill()
        other.execute("ROLLBACK")
    assert kommo.statuses_of(message_id) == []
    telegram.latency_s = 0.0
    await process.start()
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert telegram.texts_to(ANN) == ["hello"]
    await eventually(lambda: journal.read_text() == "")
