"""Texts on their way to Telegram and to Kommo."""

from dataclasses import dataclass

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from bot.translate.text import CAPTION_LIMIT, TEXT_LIMIT, clean, flatten, split, utf16_length

FAMILY = "👨‍👩‍👧‍👦"
ZALGO = "z" + "\u0301" * 50

texts = st.text(
    st.one_of(
        st.sampled_from([*" \n\r\t\xa0", "\u0301", "\u200d", "\u0600", "🇩", "👨", "👩", "e", "я"]),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=200,
)


def squeezed(text: str) -> str:
    """Return a text without white space."""
    return "".join(text.split())


@given(texts, st.integers(2, 40))
@example("\u0600 a" * 10, 5)
@example("a \u0301" * 10, 4)
@example("a\r\n\u0301" * 10, 3)
@example(FAMILY * 3, 12)
def test_split_loses_nothing(text, limit):
    """Whatever a manager writes reaches the client whole, in parts that Telegram takes."""
    parts = split(text, limit)
    assert squeezed("".join(parts)) == squeezed(text)
    assert all(part.strip() for part in parts)
    assert all(utf16_length(part) <= limit for part in parts)


@given(texts, st.integers(12, 40))
def test_split_never_cuts_a_grapheme(text, limit):
    """An accent or a family emoji never falls apart, unless it alone is longer than a part."""
    graphemes = regex.findall(r"\X", text)
    if all(utf16_length(grapheme) <= limit for grapheme in graphemes):
        kept = [part for part in graphemes if part.strip()]
        found = [g for part in split(text, limit) for g in regex.findall(r"\X", part) if g.strip()]
        assert found == kept


@given(texts, st.integers(2, 400))
def test_text_that_fits_is_left_alone(text, limit):
    """A text that needs no cut is sent as it was written."""
    if utf16_length(text) <= limit and text.strip():
        assert split(text, limit) == [text]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("one two\n\nthree four", ["one two", "three four"], id="paragraph"),
        pytest.param("one\n \t\ntwo three", ["one", "two three"], id="blank-line-with-spaces"),
        pytest.param("one\r\n\r\ntwo three", ["one", "two three"], id="windows-paragraph"),
        pytest.param("one two\nthree four", ["one two", "three four"], id="line"),
        pytest.param("one\r\ntwo three", ["one", "two three"], id="windows-line-is-no-paragraph"),
        pytest.param("one two three", ["one two", "three"], id="space"),
        pytest.param("one two\xa0three", ["one", "two\xa0three"], id="no-break-space"),
        pytest.param("a" * 25, ["a" * 10, "a" * 10, "a" * 5], id="no-space"),
        pytest.param("a" * 10 + "\n\nb", ["a" * 10, "b"], id="full-part-before-a-break"),
        pytest.param("👍" * 6, ["👍" * 5, "👍"], id="two-units-each"),
        pytest.param("a" + "👍" * 5, ["a" + "👍" * 4, "👍"], id="surrogate-pair-at-the-limit"),
        pytest.param("abcdefghie\u0301x", ["abcdefghi", "e\u0301x"], id="accent-at-the-limit"),
        pytest.param("a " + ZALGO, ["a", *regex.findall(".{1,10}", ZALGO)], id="zalgo"),
        pytest.param(" " * 15 + "a", [" " * 5 + "a"], id="spaces-alone-are-no-part"),
        pytest.param("a" + "\n" * 30 + "b", ["a", "b"], id="many-empty-lines"),
        pytest.param("", [], id="empty"),
        pytest.param(" \n\t " * 10, [], id="white-space-only"),
    ],
)
def test_cuts_are_where_a_person_would_make_them(text, parts):
    """Parts end at a paragraph if one ends in time, else at a line, a word, a character."""
    assert split(text, 10) == parts


def test_parts_fit_in_bytes():
    """A part of the widest characters stays below what Telegram takes before it reads entities."""
    assert max(len(part.encode()) for part in split("‱" * 10_000)) <= 32_768 / 2
    assert max(map(utf16_length, split("‱" * 10_000, CAPTION_LIMIT))) == CAPTION_LIMIT


def test_a_part_needs_room_for_one_character():
    """A limit that no emoji fits into is a mistake of the caller's, not an endless loop."""
    with pytest.raises(ValueError, match="2 UTF-16 units"):
        split("👍", 1)


@pytest.mark.no_cover  # so many characters: other tests show what is covered
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 1_000_000, id="no-space"),
        pytest.param("word " * 200_000, id="words"),
        pytest.param("a\n" * 500_000, id="lines"),
        pytest.param("z" + "\u0301" * 1_000_000, id="zalgo"),
        pytest.param(FAMILY * 100_000, id="emoji"),
        pytest.param(" " * 1_000_000, id="spaces"),
        pytest.param("a" + " \u0301" * 500_000, id="accented-spaces"),
    ],
)
def test_a_megabyte_of_anything_is_split(text):
    """A megabyte of anything does not stop the bridge."""
    assert all(utf16_length(part) <= TEXT_LIMIT for part in split(text))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("a\x00b\x1fc\x7fd\x85e", "a b c d e", id="control-characters"),
        pytest.param("a\tb", "a b", id="tab"),
        pytest.param("a\r\nb", "a\nb", id="carriage-return"),
        pytest.param("a\ud83db\ude00", "a\ufffdb\ufffd", id="half-a-pair"),
        pytest.param("\ud83d\ude00", "😀", id="pair-in-halves"),
        pytest.param(f"é {FAMILY}", f"é {FAMILY}", id="all-else-stays"),
    ],
)
def test_clean_is_what_telegram_takes(text, cleaned):
    """What is left of a text is known before it is sent, and it can always be encoded."""
    assert clean(text) == cleaned
    assert clean(text).encode()


@dataclass(frozen=True)
class Entity:
    """A message entity without aiogram."""

    offset: int
    length: int
    url: str | None = "https://example.com/a"
    type: str = "text_link"


@pytest.mark.parametrize(
    ("text", "entities", "plain"),
    [
        pytest.param(
            "see here now", [Entity(4, 4)], "see here (https://example.com/a) now", id="link"
        ),
        pytest.param(
            "👍 here", [Entity(3, 4)], "👍 here (https://example.com/a)", id="emoji-before"
        ),
        pytest.param("a 👍!", [Entity(2, 2)], "a 👍 (https://example.com/a)!", id="emoji-inside"),
        pytest.param(
            "a 👍!", [Entity(2, 1)], "a 👍 (https://example.com/a)!", id="ends-inside-a-pair"
        ),
        pytest.param(
            "a b",
            [Entity(2, 1, "https://b.test"), Entity(0, 1, "https://a.test")],
            "a (https://a.test) b (https://b.test)",
            id="in-any-order",
        ),
        pytest.param(
            "Ann, hello", [Entity(0, 3, None, "text_mention")], "Ann, hello", id="mention"
        ),
        pytest.param("bold", [Entity(0, 4, None, "bold")], "bold", id="bold"),
        pytest.param("link", [Entity(0, 4, None)], "link", id="link-without-address"),
        pytest.param(
            "Example.com/a", [Entity(0, 13, "http://example.com/a/")], "Example.com/a", id="same"
        ),
        pytest.param(
            "example.com/A",
            [Entity(0, 13)],
            "example.com/A (https://example.com/a)",
            id="another-path",
        ),
        pytest.param("ab", [Entity(1, 99)], "ab (https://example.com/a)", id="too-long"),
        pytest.param("ab", [Entity(50, 9)], "ab (https://example.com/a)", id="beyond-the-end"),
        pytest.param("ab", [Entity(-5, 6)], "a (https://example.com/a)b", id="negative-offset"),
        pytest.param("ab", [Entity(1, -9)], "a (https://example.com/a)b", id="negative-length"),
        pytest.param("", [Entity(0, 4)], " (https://example.com/a)", id="no-text"),
        pytest.param("a", [], "a", id="plain"),
        pytest.param("a\ud83d", [], "a\ud83d", id="half-a-pair-is-left-to-others"),
    ],
)
def test_links_keep_their_address(text, entities, plain):
    """A manager sees where a client's link leads, however odd its place in the text."""
    assert flatten(text, entities) == plain
