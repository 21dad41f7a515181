"""Every way to fail, towards each side: what was under way arrives, in order, once."""

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"
TEXTS = ["first", "second", "third"]

FAULTS = {
    "500": lambda faults, call: faults.fail(call, status=500),
    "502-page": lambda faults, call: faults.html(call),
    "hang": lambda faults, call: faults.hang(call, seconds=1),
    "reset-before": lambda faults, call: faults.reset(call),
    "reset-after": lambda faults, call: faults.reset(call, after_processing=True),
    "429": lambda faults, call: faults.fail(call, status=429, retry_after=1),
}


@pytest.fixture
async def known(bridge, telegram, kommo, eventually):
    """A client who wrote."""
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)


CALLS = {
    "telegram": "sendMessage",
    "kommo": "/v2/origin/custom/*",
    "statuses": "/v2/origin/custom/*/delivery_status",
}


@pytest.mark.parametrize("side", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_costs_time_only(known, telegram, kommo, eventually, fault, side):
    """Both directions stay complete and in order, and the manager is told the truth.

    Telegram has no key against doubles: what it took without an answer it gets once more.
    """
    server = telegram if side == "telegram" else kommo
    hit = FAULTS[fault](server.faults, CALLS[side])
    answers = []
    for text in TEXTS:
        telegram.client_says(text)
        answers.append(await kommo.manager_says(f"re: {text}", to=CONVERSATION))
    await eventually(lambda: all(1 in kommo.statuses_of(answer) for answer in answers))
    telegram.client_says("thanks")
    await eventually(lambda: all(2 in kommo.statuses_of(answer) for answer in answers))
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "thanks")
    assert hit.hits == 1
    assert [t for t in kommo.texts_in(CONVERSATION) if t[:3] != "re:"] == ["hi", *TEXTS, "thanks"]
    shown = [f"re: {text}" for text in TEXTS]
    again = shown[:1] if (side, fault) == ("telegram", "reset-after") else []
    assert telegram.texts_to(ANN) == [*again, *shown]
    told = [kommo.statuses_of(answer) for answer in answers]
    twice = [1] if (side, fault) == ("statuses", "reset-after") else []
    assert told == [[*twice, 1, 2], [1, 2], [1, 2]]
