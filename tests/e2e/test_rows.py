"""What the README's table of what crosses says, where no other story tells it."""

from datetime import timedelta

import pytest

CONVERSATION = "tg:700001:555"
MAX = {"id": 999, "is_bot": False, "first_name": "Max", "last_name": "Example"}


async def test_a_forwarded_message_says_from_whom(bridge, telegram, kommo, eventually):
    """The manager reads above a forwarded message who wrote it first."""
    origin = {"type": "user", "date": 1767340000, "sender_user": MAX}
    telegram.client_sends({"text": "Try this shop", "forward_origin": origin})
    await eventually(lambda: CONVERSATION in kommo.conversations)
    await eventually(
        lambda: kommo.texts_in(CONVERSATION) == ["[Forwarded from Max Example]\nTry this shop"]
    )


async def test_a_forwarded_place_and_a_file_without_address_show(
    bridge, telegram, kommo, eventually, ann
):
    """The client sees what was forwarded, and that there was a file, though Kommo lost it."""
    await ann.says("Hi")
    place = {"type": "location", "text": "", "location": {"lon": -99.13, "lat": 19.43}}
    ids = [
        await kommo.manager_sends(text="", forwards={"messages": [place]}, to=CONVERSATION),
        await kommo.manager_sends(
            type="file", text="Your bill", file_name="bill.pdf", to=CONVERSATION
        ),
    ]
    await eventually(lambda: [kommo.statuses_of(one) for one in ids] == [[1], [1]])
    assert "sendLocation" in [sent.method for sent in telegram.sent_to(555)]
    assert telegram.texts_to(555)[-1] == "Your bill\n📎 bill.pdf"


@pytest.fixture
def five_minutes(config):
    """Settings that give up after five minutes towards Telegram."""
    text = config.read_text(encoding="utf-8")
    config.write_text(text + "\n[delivery]\ntelegram_give_up_min = 5\n", encoding="utf-8")


async def test_a_file_that_cannot_be_fetched_in_time_is_told(
    five_minutes, bridge, telegram, kommo, eventually, ann
):
    """After the time of the settings the manager reads that the file did not arrive."""
    await ann.says("Hi")
    failing = kommo.faults.fail("/attachments", status=503, times=None)
    link = kommo.add_attachment(b"%PDF", "a.pdf")
    message_id = await kommo.manager_sends(type="file", media=link, to=CONVERSATION)
    await eventually(lambda: failing.hits)
    assert kommo.statuses_of(message_id) == []
    await bridge.stop()  # a running bridge takes such a jump for a clock that was wrong
    bridge.ahead = timedelta(minutes=6)
    await bridge.start()
    await eventually(lambda: kommo.statuses_of(message_id) == [-1])
    status = kommo.manager.message(message_id).statuses[-1]
    assert (status.error_code, status.error) == (
        903,
        "The file could not be fetched from Kommo in time.",
    )
    assert telegram.sent_to(555) == []
