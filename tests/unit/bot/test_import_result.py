"""What an import says of itself at its end."""

import pytest

from bot.cli.import_table import show_result
from bot.imports.lane import Done, Refusal

REFUSAL = Refusal("incoming-7", "tg:700001:555", "Kommo answered 400")


@pytest.mark.parametrize(
    ("done", "said"),
    [
        pytest.param(Done(sent=1), "1 message imported in 2 s.", id="one"),
        pytest.param(
            Done(lost_reactions=1), "Kommo did not accept 1 reaction.", id="one-lost-reaction"
        ),
        pytest.param(
            Done(lost_reactions=2), "Kommo did not accept 2 reactions.", id="lost-reactions"
        ),
        pytest.param(
            Done(refused=[REFUSAL]), "Kommo refused 1 message, see `queue list`:", id="one-refused"
        ),
    ],
)
def test_one_is_counted_as_one(capsys, done, said):
    """Each count reads as a sentence, whether it is one or many."""
    show_result(done, 2.0)
    assert said in capsys.readouterr().out.splitlines()
