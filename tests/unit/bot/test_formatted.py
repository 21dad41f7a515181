"""Formatting survives cutting and joining: nothing is lost, nothing too long, offsets right."""

import pytest
from aiogram.types import MessageEntity
from hypothesis import given
from hypothesis import strategies as st

from bot.translate.outgoing.formatted import Formatted, caption_and_rest, from_html, joined, parts
from bot.translate.outgoing.html import FormatError, read_html
from bot.translate.outgoing.templates import TelegramTemplate, filled, in_telegrams_version
from bot.translate.text import utf16_length
from kommo.body import Body
from kommo.events import LegacyMessage
from kommo.ids import ConversationId, ParticipantId

PLANES = st.text(
    alphabet="ab \n\t.é–中\U0001f98a\U0001f468\u200d\U0001f469\U00010400\ufe0f", max_size=60
)


def shown(formatted):
    """Return what each entity covers, as a client would show it."""
    data = formatted.text.encode("utf-16-le")
    return [
        (
            entity.type,
            data[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le"),
        )
        for entity in formatted.entities
    ]


@st.composite
def texts(draw):
    """Return a formatted text; entities begin and end between characters."""
    pieces = draw(
        st.lists(st.tuples(PLANES, st.sampled_from([None, "bold", "italic"])), max_size=6)
    )
    formatted = Formatted("")
    for text, kind in pieces:
        start, length = utf16_length(formatted.text), utf16_length(text)
        entities = formatted.entities
        if kind and length:
            entities += (MessageEntity(type=kind, offset=start, length=length),)
        formatted = Formatted(formatted.text + text, entities)
    return formatted


def bare(text):
    """Return a text without white space: that alone may go at a cut."""
    return "".join(text.split())


@pytest.mark.no_cover  # so many examples: other tests show what is covered
@given(texts(), st.integers(2, 40))
def test_cutting_loses_nothing(formatted, limit):
    """All words come through, each part fits, and each word is formatted as it was."""
    cut = parts(formatted, limit)
    assert bare("".join(part.text for part in cut)) == bare(formatted.text)
    for part in cut:
        assert 0 < utf16_length(part.text) <= limit
        for entity in part.entities:
            assert entity.offset >= 0
            assert entity.length > 0
            assert entity.offset + entity.length <= utf16_length(part.text)
    for kind in ("bold", "italic"):
        whole = "".join(text for name, text in shown(formatted) if name == kind)
        cuts = "".join(text for part in cut for name, text in shown(part) if name == kind)
        assert bare(cuts) == bare(whole)


@pytest.mark.no_cover  # so many examples: other tests show what is covered
@given(texts())
def test_a_caption_and_what_follows_are_all(formatted):
    """What does not fit below a file goes on as text."""
    long = joined(*[formatted] * 40, by=" ")
    caption, rest = caption_and_rest(long)
    assert utf16_length(caption.text) <= 1024
    assert bare(caption.text + rest.text) == bare(long.text)
    assert bool(rest) == (bare(caption.text) != bare(long.text))


@pytest.mark.no_cover  # so many examples: other tests show what is covered
@given(st.lists(texts(), max_size=4))
def test_joining_moves_the_formatting_along(pieces):
    """Each piece keeps its own formatting, wherever it comes to stand."""
    whole = joined(*pieces)
    assert shown(whole) == [entity for piece in pieces if piece for entity in shown(piece)]


@pytest.mark.parametrize(
    ("html", "text", "entities"),
    [
        pytest.param("plain &amp; &lt;simple&gt;", "plain & <simple>", [], id="escapes"),
        pytest.param("<b>🦊</b> <i>x</i>", "🦊 x", [("bold", "🦊"), ("italic", "x")], id="planes"),
        pytest.param(
            "<b>a <u>b</u></b>", "a b", [("bold", "a b"), ("underline", "b")], id="nested"
        ),
        pytest.param("<b></b>x", "x", [], id="empty"),
        pytest.param("a<br>b\r\nc", "a\nb\nc", [], id="lines"),
        pytest.param(
            '<a href="https://x.example/?a=1&amp;b=2">x</a>', "x", [("text_link", "x")], id="link"
        ),
        pytest.param("a < b", "a < b", [], id="less-than"),
    ],
)
def test_html_becomes_entities(html, text, entities):
    """The formatting is read here, so nothing is left for Telegram to misread."""
    formatted = from_html(html)
    assert (formatted.text, shown(formatted)) == (text, entities)


def test_a_link_keeps_its_address():
    """An escaped address is read as what it says."""
    (span,) = read_html('<a href="https://x.example/?a=1&amp;b=2">x</a>')[1]
    assert span.url == "https://x.example/?a=1&b=2"


@pytest.mark.parametrize(
    ("html", "words"),
    [
        pytest.param("<b>x", "not closed", id="open"),
        pytest.param("x</b>", "closes nothing", id="closed"),
        pytest.param("<b><i>x</b></i>", "closes nothing", id="crossed"),
        pytest.param("<script>x</script>", "does not know", id="unknown"),
        pytest.param("<a>x</a>", "without href", id="link-to-nowhere"),
    ],
)
def test_other_html_is_refused(html, words):
    """Whoever writes a template reads what is wrong with it."""
    with pytest.raises(FormatError, match=words):
        from_html(html)


@pytest.mark.parametrize(
    ("html", "params", "text"),
    [
        pytest.param("No {{a}}", [("{{a}}", "1")], "No 1", id="braces"),
        pytest.param("No {{ A.b }}", [("a.b", "1")], "No 1", id="bare-name"),
        pytest.param("<b>{{a}}</b>", [("{{a}}", "<i>&amp;")], "<i>&amp;", id="value-of-markup"),
        pytest.param("{{a}}", [("{{a}}", "{{a}}")], "{{a}}", id="value-of-braces"),
        pytest.param("{{a}} {{b}}", [("a", "1")], None, id="missing"),
        pytest.param("<{{a}}>", [("a", "b")], None, id="in-the-place-of-a-tag"),
    ],
)
def test_placeholders_are_filled(html, params, text):
    """A value is put in as what it is; one that is missing leaves Kommo's text."""
    made = filled(html, params)
    assert (made and made.text) == text


def test_a_message_of_the_first_version_has_no_template():
    """The days before message ids knew no templates."""
    event = LegacyMessage("d", ConversationId("tg:1:2"), ParticipantId("tg:2"), Body("text", "Hi"))
    assert in_telegrams_version(event, [TelegramTemplate("a", html="b")]) == (event, None)
