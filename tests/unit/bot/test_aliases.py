"""Aliases are tried in order: the newer ones first, then the usual one."""

import pytest

from bot.deliver.kommo.aliases import first_accepted
from bot.translate.aliases import numbered, plain
from kommo.errors import RejectedError

CONVERSATION = "tg:700001:555"
NEWER, USUAL = numbered(CONVERSATION, 1), plain(CONVERSATION)


def refusing(*refused, status=400, **why):
    """Return an attempt that is refused under some aliases, and the aliases it was made under."""
    tried = []

    async def attempt(alias):
        tried.append(alias)
        if alias in refused:
            raise RejectedError("no", status=status, **why)
        return alias.conversation_id

    return attempt, tried


@pytest.mark.parametrize(
    ("aliases", "refused", "accepted"),
    [
        pytest.param([USUAL], [], USUAL, id="one"),
        pytest.param([NEWER, USUAL], [], NEWER, id="the-newer-one"),
        pytest.param([NEWER, USUAL], [NEWER], USUAL, id="the-usual-one"),
    ],
)
async def test_the_first_that_is_accepted_is_the_answer(aliases, refused, accepted):
    """Nothing is tried after it."""
    attempt, tried = refusing(*refused)
    assert await first_accepted(aliases, attempt, 400) == accepted.conversation_id
    assert tried == aliases[: aliases.index(accepted) + 1]


@pytest.mark.parametrize(
    ("refused", "status", "tries"),
    [
        pytest.param([NEWER, USUAL], 400, 2, id="the-last-refusal-is-final"),
        pytest.param([NEWER], 404, 1, id="another-status-says-nothing-of-the-alias"),
        pytest.param([NEWER], 403, 1, id="the-channel-is-refused"),
    ],
)
async def test_a_refusal_that_is_not_the_aliass_is_final(refused, status, tries):
    """The caller learns it, as it is the same under any other."""
    attempt, tried = refusing(*refused, status=status)
    with pytest.raises(RejectedError):
        await first_accepted([NEWER, USUAL], attempt, 400)
    assert len(tried) == tries
