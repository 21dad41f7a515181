"""What managers read, in their language."""

import pytest

from bot.translate.incoming.reachability import BLOCKED, UNBLOCKED
from bot.translate.languages import LANGUAGES, in_language
from bot.translate.outgoing import refusals
from bot.translate.outgoing.refusals import Verdict, refusal

NOTICES = (BLOCKED, UNBLOCKED)
TEXTS = sorted(
    {value.text for value in vars(refusals).values() if isinstance(value, Verdict)}
    | {verdict.text for _, verdict in refusals._BY_DESCRIPTION}
    | set(NOTICES)
)


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_exists_in_every_language(text):
    """No manager reads a foreign language in the middle of their own, and none twice the same."""
    said = [in_language(text, language) for language in LANGUAGES]
    assert said[0] == text
    assert len(set(said)) == len(LANGUAGES)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_fit_beside_a_message(text):
    """They are short and end as a sentence, in each language."""
    for language in LANGUAGES:
        said = in_language(text, language)
        assert len(said) <= 100
        assert said.endswith((".", ".]"))


def test_the_blocked_client_in_russian():
    """The table and the languages meet."""
    verdict = refusal(403, "Forbidden: bot was blocked by the user")
    assert in_language(verdict.text, "ru") == "Клиент заблокировал бота."


def test_a_text_without_translation_stays_as_it_is():
    """Better English than nothing."""
    assert in_language("Something new.", "es") == "Something new."
