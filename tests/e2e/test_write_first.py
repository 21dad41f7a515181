"""A manager writes first, to a phone number."""

import pytest

ANN = 555


@pytest.fixture
async def shared(bridge, telegram, kommo, eventually):
    """A client who shared her own number with the bot."""
    telegram.client_sends(
        {"contact": {"phone_number": "14155550123", "first_name": "Ann", "user_id": ANN}}
    )
    await eventually(lambda: len(kommo.received) == 1)


@pytest.mark.parametrize("phone", ["+14155550123", "14155550123"])
async def test_the_client_of_a_shared_number_is_reached(
    shared, telegram, kommo, eventually, phone
):
    """With and without a plus, the number leads to the chat, and the status returns."""
    message = await kommo.write_first(phone, "Hello Ann")
    await eventually(lambda: kommo.statuses_of(message) == [1])
    assert telegram.texts_to(ANN)[-1] == "Hello Ann"


@pytest.mark.parametrize(
    ("phone", "source"), [("+14155550199", None), ("+14155550123", "another")]
)
async def test_an_unknown_number_fails_at_once(shared, telegram, kommo, eventually, phone, source):
    """Nobody else gets the message, and the manager is told."""
    message = await kommo.write_first(phone, "Hello Max", source=source)
    await eventually(lambda: kommo.statuses_of(message) == [-1])
    assert telegram.texts_to(ANN) == []
