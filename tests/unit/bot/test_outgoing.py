"""A manager's message → Telegram calls: a sample of each kind, and what they have in common."""

import json
from pathlib import Path

import pytest
from aiogram.client.default import Default
from aiogram.methods import SendMessage, SetMessageReaction
from aiogram.types import ReactionTypeEmoji
from pydantic import BaseModel

from bot.translate.ids import ChatAddress
from bot.translate.outgoing import refusals
from bot.translate.outgoing.files import KommoFile
from bot.translate.outgoing.formatted import Formatted
from bot.translate.outgoing.messages import (
    Manner,
    manager_message,
    problem,
    quoted_lines,
    reaction,
)
from bot.translate.outgoing.templates import TelegramTemplate, in_telegrams_version
from kommo.body import Body
from kommo.events import ManagerMessage, parse_event

SAMPLES = Path(__file__).parents[2] / "samples"
ADDRESS = ChatAddress(700001, 555)
IDS = {"id": "99999999-8888-4777-8666-555555555555", "client_id": "tg:700001:555"}


def hook(content):
    """Return what a webhook says with this content."""
    body = {
        "account_id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
        "time": 1767348060,
        "message": {
            "receiver": {"id": "22222222-3333-4444-8555-666666666666", "client_id": "tg:555"},
            "sender": {"id": "33333333-4444-4555-8666-777777777777"},
            "conversation": IDS,
            "timestamp": 1767348060,
            "msec_timestamp": 1767348060456,
            "message": {"id": "77777777-6666-4555-8444-333333333333", **content},
        },
    }
    return parse_event(json.dumps(body).encode())


def parsed(body):
    """Return what a webhook says."""
    return parse_event(body)


def plain(value):
    """Return a call, or a part of one, as JSON says it; what is not set is left out."""
    if isinstance(value, KommoFile):
        return {"file": value.url, "name": value.filename}
    if isinstance(value, BaseModel):
        fields = {name: plain(field) for name, field in value}
        return {name: field for name, field in fields.items() if field is not None}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return None if isinstance(value, Default) else value


def calls_of(event, address=ADDRESS, manner=None):
    """Return the calls that show a message."""
    return manager_message(event, address, manner or Manner())


def named(call):
    """Return a call with its method's name."""
    return {"method": call.__api_method__, **plain(call)}


@pytest.mark.parametrize("name", sorted(p.name for p in SAMPLES.glob("*.manager.json")))
def test_each_kind_becomes_its_calls(name):
    """What a manager sends is shown by exactly these calls."""
    sample = SAMPLES / name
    content = json.loads(sample.read_text(encoding="utf-8"))
    event = hook(content)
    assert isinstance(event, ManagerMessage)
    calls = [named(call) for call in calls_of(event, ADDRESS)]
    expected = sample.with_name(name.replace(".manager.", ".telegram."))
    assert calls == json.loads(expected.read_text(encoding="utf-8"))


def test_the_first_version_of_webhooks_is_understood():
    """A flat body from the days before message ids is shown just the same."""
    event = parsed(
        b'{"receiver": "tg:555", "conversation_id": "tg:700001:555", "type": "picture", '
        b'"text": "Look", "media": "https://files.example/a.png", "file_name": "a.png"}'
    )
    (call,) = calls_of(event, ADDRESS)
    assert (call.photo, call.caption) == (
        KommoFile("https://files.example/a.png", "a.png"),
        "Look",
    )
    assert problem(event) is None


def test_nothing_is_read_as_markup():
    """A manager's text never sets a parse mode, and never an entity."""
    (call,) = calls_of(hook({"type": "text", "text": "<b>*_`[x](y)"}), ADDRESS)
    assert (call.text, call.parse_mode, call.entities) == ("<b>*_`[x](y)", None, None)


def test_a_text_of_spaces_is_nothing():
    """What Telegram would refuse as empty is not even tried."""
    assert calls_of(hook({"type": "text", "text": " \n\t"}), ADDRESS) == []


def test_reply_and_buttons_frame_a_long_message():
    """The first part answers, the last one has the buttons."""
    event = hook(
        {"type": "text", "text": "word " * 2000, "markup": {"buttons": [[{"text": "A"}]]}}
    )
    calls = calls_of(event, ADDRESS, Manner(reply_to=42))
    assert [call.reply_parameters and call.reply_parameters.message_id for call in calls] == [
        42,
        None,
        None,
    ]
    assert [bool(call.reply_markup) for call in calls] == [False, False, True]
    assert calls[0].reply_parameters.allow_sending_without_reply


def test_a_templates_version_stands_for_the_text():
    """What the settings say goes out, and not Kommo's text."""
    calls = calls_of(
        hook({"type": "text", "text": "Kommo's"}), ADDRESS, Manner(text=Formatted("ours"))
    )
    assert calls == [SendMessage(chat_id=555, text="ours", parse_mode=None)]


def test_business_chats_have_inline_buttons():
    """A business chat knows no keyboard in the place of the client's own."""
    event = hook({"type": "text", "text": "?", "markup": {"buttons": [[{"text": "A"}]]}})
    manner = Manner(buttons="keyboard")
    (own,) = calls_of(event, ADDRESS, manner)
    (business,) = calls_of(event, ChatAddress(700001, 555, 999), manner)
    assert own.reply_markup.keyboard[0][0].text == "A"
    assert business.reply_markup.inline_keyboard[0][0].text == "A"


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        pytest.param({"type": "text", "text": ""}, None, id="empty-text-is-judged-later"),
        pytest.param({"type": "picture"}, refusals.NO_FILE, id="no-file"),
        pytest.param({"type": "picture", "text": "x"}, None, id="no-file-but-words"),
        pytest.param(
            {"type": "picture", "forwards": {"messages": [{"type": "text", "text": "x"}]}},
            None,
            id="no-file-but-forwarded",
        ),
        pytest.param({"type": "hologram"}, refusals.UNSUPPORTED, id="unknown"),
        pytest.param({"type": "hologram", "text": "x"}, None, id="unknown-with-text"),
        pytest.param({"type": "hologram", "media": "https://a.example"}, None, id="with-file"),
        pytest.param({"type": "contact"}, refusals.UNSUPPORTED, id="contact-of-nobody"),
        pytest.param(
            {"type": "file", "media": "https://a.example/b", "file_size": 52428801},
            refusals.FILE_TOO_BIG,
            id="too-big",
        ),
        pytest.param(
            {"type": "file", "media": "https://a.example/b", "file_size": 52428800},
            None,
            id="just-not-too-big",
        ),
    ],
)
def test_what_cannot_be_shown_is_known_beforehand(content, verdict):
    """A message that nothing can be made of is not fetched, and not tried."""
    assert problem(hook(content)) is verdict


TEMPLATES = (
    TelegramTemplate(external_id="a", html="<b>{{x}}</b>"),
    TelegramTemplate(kommo_id="7", picture="https://shop.example/a.png"),
)


@pytest.mark.parametrize(
    ("template", "text", "media"),
    [
        pytest.param(None, None, None, id="no-template"),
        pytest.param({"id": 8, "external_id": "b"}, None, None, id="no-version"),
        pytest.param(
            {"id": 8, "external_id": "a", "params": [{"key": "x", "value": "1"}]},
            "1",
            None,
            id="text",
        ),
        pytest.param({"id": 7}, None, "https://shop.example/a.png", id="picture"),
    ],
)
def test_a_template_is_known_by_either_id(template, text, media):
    """The settings name a template as the integration does, or as Kommo does."""
    event = hook({"type": "text", "text": "Kommo's", "template": template})
    shown, own = in_telegrams_version(event, TEMPLATES)
    assert (own and own.text, shown.body.media) == (text, media)
    assert shown.body.type == ("picture" if media else "text")


@pytest.mark.parametrize(
    ("quoted", "lines"),
    [
        pytest.param(Body(text="one\r\ntwo"), "> one\n> two", id="lines"),
        pytest.param(
            Body(type="file", media="u", file_name="a\x00.pdf"), "> 📎 a .pdf", id="file"
        ),
        pytest.param(Body(type="voice", media="u"), "> 📎 voice", id="voice"),
        pytest.param(Body(text="x" * 301), "> " + "x" * 300 + "…", id="long"),
        pytest.param(Body(), "", id="nothing"),
    ],
)
def test_quotes_begin_with_a_mark(quoted, lines):
    """A quotation can be told from what the manager says."""
    assert quoted_lines(quoted) == lines


def reacted(**change):
    """Return a manager's reaction."""
    told = {
        "message": {"id": "88888888-7777-4666-8555-444444444444"},
        "user": {"id": "33333333-4444-4555-8666-777777777777"},
        "conversation": IDS,
        "type": "react",
        "emoji": "👍",
        **change,
    }
    return parse_event(json.dumps({"action": {"reaction": told}}).encode())


@pytest.mark.parametrize(
    ("event", "message_id", "shown"),
    [
        pytest.param(reacted(), 42, [ReactionTypeEmoji(emoji="👍")], id="allowed"),
        pytest.param(reacted(emoji="😂"), 42, [ReactionTypeEmoji(emoji="🤣")], id="nearest"),
        pytest.param(reacted(type="unreact", emoji=None), 42, [], id="taken-back"),
    ],
)
def test_a_reaction_is_one_emoji_or_none(event, message_id, shown):
    """A bot has one reaction to a message."""
    assert reaction(event, ADDRESS, message_id) == SetMessageReaction(
        chat_id=555, message_id=42, reaction=shown
    )


@pytest.mark.parametrize(
    ("event", "address", "message_id"),
    [
        pytest.param(reacted(), ADDRESS, None, id="unknown-message"),
        pytest.param(reacted(), ChatAddress(700001, 555, 999), 42, id="business-chat"),
        pytest.param(reacted(emoji="🇲🇽"), ADDRESS, 42, id="no-match"),
    ],
)
def test_a_reaction_without_a_match_is_none(event, address, message_id):
    """What Telegram cannot show is known before it is tried."""
    assert reaction(event, address, message_id) is None
