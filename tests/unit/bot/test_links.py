"""Media links: what they name, how long they live, and that nobody else can make one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from pydantic import ValidationError

from bot.media.links import LinkError, MediaLinks, exported
from bot.settings.tables import DeliverySettings
from bot.translate.files import BotFile, TelegramFile, file_address, file_at

NOW = datetime(2026, 1, 2, 10, tzinfo=UTC)
FILE = TelegramFile("FILE1", "u1", "план & %.pdf", "application/pdf", 1234)


def links(*, now=NOW, secret="channel-secret", days=7):
    """Return what makes and reads links at some moment."""
    return MediaLinks(
        "https://bridge.example.com/", secret, lifetime=timedelta(days=days), now=lambda: now
    )


def read_url(links, url):
    """Return what a link says; None when it is not one, or not any more."""
    token, _, name = url.partition("/media/")[2].partition("/")
    try:
        return links.read(token, unquote(name))
    except LinkError:
        return None


def parts_of(url):
    """Return a link's last two parts."""
    token, name = url.split("/")[-2:]
    return token, name


def test_a_link_names_what_it_is_about():
    """A link reads back to the bot and the file, with its name, type and size."""
    url = links().url(700001, FILE)
    link = read_url(links(), url)
    assert link is not None
    assert (link.bot_id, link.file_id, link.name) == (700001, "FILE1", "план & %.pdf")
    assert (link.mime_type, link.size, link.is_sticker) == ("application/pdf", 1234, False)
    assert url.startswith("https://bridge.example.com/media/")
    assert url.isascii()


def test_the_secret_is_not_in_the_link():
    """Neither the secret nor a key of it is part of a link."""
    assert "channel-secret" not in links().url(700001, FILE)


def test_a_link_lives_as_long_as_it_should_and_no_longer():
    """A link is good for its lifetime at least, and ends within a day after it."""
    url = links().url(700001, FILE)
    assert read_url(links(now=NOW + timedelta(days=7)), url) is not None
    assert read_url(links(now=NOW + timedelta(days=8)), url) is None


def test_a_file_has_the_same_link_all_day():
    """Kommo need not fetch a client's picture anew for each message of a day."""
    later = NOW + timedelta(hours=13)
    assert links().url(700001, FILE) == links(now=later).url(700001, FILE)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda token, name: (token, name + "x"), id="another-name"),
        pytest.param(lambda token, name: ("A" + token, name), id="another-file"),
        pytest.param(lambda token, name: (token.partition(".")[0], name), id="no-signature"),
        pytest.param(lambda token, name: (token + "=", name), id="padded-signature"),
        pytest.param(lambda token, name: (token + "\u2028", name), id="no-base64"),
        pytest.param(lambda token, name: ("", ""), id="nothing"),
    ],
)
def test_a_changed_link_is_forged(change):
    """Whatever is changed, the signature does not fit any more."""
    token, name = parts_of(links().url(700001, TelegramFile("F", "u", "a.txt", "text/plain")))
    with pytest.raises(LinkError, match="not made by this bridge"):
        links().read(*change(token, name))


def test_a_link_of_another_channel_is_forged():
    """The key comes from the channel secret."""
    assert read_url(links(secret="another"), links().url(700001, FILE)) is None


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://example.com/media/a.b/c", id="somebody-elses"),
        pytest.param("https://bridge.example.com/media/a.b/c", id="forged"),
        pytest.param(links(secret="another").url(700001, FILE), id="another-channels"),
        pytest.param("telegram-file:[]", id="no-address"),
        pytest.param(
            links().url(0, replace(FILE, file_id=exported("1", "photos/a.jpg"))), id="an-exports"
        ),
    ],
)
def test_an_address_of_somebody_else_is_no_link(url):
    """Only links of this bridge to a bot's files are read."""
    assert links().file_of(url) is None


def test_a_link_that_waited_for_long_still_names_its_file():
    """Earlier versions stored links; a new one is made of it when the message is delivered."""
    stored = links().url(700001, replace(FILE, chat_id=555))
    later = links(now=NOW + timedelta(days=99), days=30)
    found = later.file_of(stored)
    assert found == BotFile(700001, replace(FILE, unique_id="", chat_id=555))
    assert read_url(later, later.url(found.bot_id, found.file)) is not None


@pytest.mark.parametrize("size", [1234, None])
@pytest.mark.parametrize("is_sticker", [True, False])
def test_a_payload_names_a_file_with_all_that_its_link_needs(size, is_sticker):
    """What identifies it elsewhere, and is of no use to fetch it, is left out."""
    file = replace(FILE, size=size, is_sticker=is_sticker, chat_id=-77)
    found = file_at(file_address(700001, file))
    assert found == BotFile(700001, replace(file, unique_id=""))


def test_other_media_is_no_file_of_ours():
    """What has a public address keeps it."""
    assert file_at("https://example.com/a.pdf") is None


def test_the_settings_let_no_link_live_less_than_a_week():
    """Kommo may fetch a file late: a month as it comes, and never less than seven days."""
    assert DeliverySettings().media_link_days == 30
    assert DeliverySettings(media_link_days=7).media_link_days == 7
    with pytest.raises(ValidationError, match="media_link_days"):
        DeliverySettings(media_link_days=6)


def test_a_link_may_name_the_chat_and_need_not():
    """Links that were made before chats were named are as good as ever."""
    old, new = links().url(1, FILE), links().url(1, replace(FILE, chat_id=555))
    read = [read_url(links(), url) for url in (old, new)]
    assert [link.chat_id for link in read if link is not None] == [None, 555]


def test_the_tag_of_a_chat_does_not_name_it():
    """Each chat of each bot has its own, and only this channel can tell which."""
    tags = {links().tag(bot, chat) for bot in (1, 2) for chat in (5, 6)}
    assert len(tags) == 4
    assert links(secret="another").tag(1, 5) not in tags
