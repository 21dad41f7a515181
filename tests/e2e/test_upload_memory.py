"""Files on their way to Telegram take disk for a moment, and hardly any memory."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.no_cover  # the bridge is a process of its own; counting costs time

CLIENTS = range(601, 641)
SIZE, ALLOWED = 8 << 20, 64 << 20


def memory(pid, name):
    """Return a figure of a process's memory: VmRSS for now, VmHWM for the most so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


async def test_large_files_for_many_clients_take_little_memory(
    process, telegram, kommo, eventually, config
):
    """Forty files of 8 MB at once leave memory as it was, and nothing behind on disk.

    Sixteen are under way at a time and the others wait in the queue, so more take no more.
    """
    await process.start()
    for client in CLIENTS:
        telegram.client_says("Hi", chat_id=client, name=f"Client {client}")
    await eventually(lambda: len(kommo.conversations) == len(CLIENTS), within_s=30)
    before = memory(process.pid, "VmRSS")
    fault = telegram.faults.hang("sendDocument", times=None)
    link = kommo.add_attachment(SIZE, "film.bin")
    for client in CLIENTS:
        await kommo.manager_sends(type="file", media=link, to=f"tg:700001:{client}")
    await eventually(lambda: fault.hits > 1, within_s=60)
    telegram.faults.remove(fault)
    await eventually(
        lambda: all(
            [sent.files["document"].size for sent in telegram.sent_to(client)] == [SIZE]
            for client in CLIENTS
        ),
        within_s=120,
    )
    assert memory(process.pid, "VmHWM") - before < ALLOWED
    names = {path.name for path in config.parent.iterdir()}
    assert {name for name in names if not name.startswith(("kommo-telegram.", "config."))} == {
        "bridge.log"
    }
