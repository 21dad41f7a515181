"""Which side is whose."""

import pytest

from bot.imports.sides import LeftOut, Told, Unclear, client_of

ANN, BEN, OWNER, MANAGER, BOT = 555, 556, 900, 901, 700001


def settled(peer, authors, *, kind="personal_chat", owner=None, wanted=None):
    """Return who is the client of a chat."""
    chat = Told(peer, kind, frozenset(authors), owner)
    return client_of(chat, managers={MANAGER}, bots={BOT}, wanted=wanted)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(settled(ANN, {ANN, OWNER}), ANN, id="one-chat"),
        pytest.param(settled(ANN, {OWNER}), ANN, id="the-client-never-wrote"),
        pytest.param(settled(ANN, {ANN}), ANN, id="nobody-answered"),
        pytest.param(settled(ANN, {ANN, OWNER}, owner=OWNER), ANN, id="account"),
        pytest.param(settled(ANN, {ANN, MANAGER}), ANN, id="a-manager-wrote"),
        pytest.param(settled(BOT, {BOT, ANN}, kind="bot_chat"), ANN, id="mirror-image"),
        pytest.param(
            settled(BOT, {BOT, OWNER}, kind="bot_chat", owner=OWNER), OWNER, id="own-bot"
        ),
        pytest.param(
            settled(7, {7, OWNER}, kind="bot_chat", owner=OWNER),
            LeftOut("chats with other bots"),
            id="another-bot",
        ),
        pytest.param(settled(BOT, {BOT}, kind="bot_chat"), Unclear((BOT,)), id="silent-bot-chat"),
        pytest.param(settled(ANN, {ANN, OWNER, BEN}), Unclear((ANN, BEN, OWNER)), id="three"),
        pytest.param(settled(ANN, {0}), Unclear((ANN,)), id="nobody-is-named"),
        pytest.param(settled(None, {ANN, OWNER}), Unclear((ANN, OWNER)), id="chat-without-id"),
        pytest.param(
            settled(MANAGER, {MANAGER, ANN}), Unclear((ANN, MANAGER)), id="the-peer-is-a-manager"
        ),
        pytest.param(
            settled(MANAGER, {MANAGER, OWNER}, owner=OWNER),
            LeftOut("chats with colleagues"),
            id="a-colleague",
        ),
        pytest.param(
            settled(ANN, {ANN, BEN}, owner=OWNER), Unclear((ANN, BEN, OWNER)), id="a-stranger"
        ),
        pytest.param(settled(MANAGER, {MANAGER, ANN}, wanted=ANN), ANN, id="unclear-but-named"),
        pytest.param(settled(ANN, {ANN, OWNER}, wanted=OWNER), OWNER, id="named-the-other"),
        pytest.param(
            settled(ANN, {ANN, OWNER}, owner=OWNER, wanted=BEN),
            LeftOut("chats of other clients"),
            id="another-client",
        ),
        *(
            pytest.param(settled(5, {5}, kind=kind), LeftOut(reason), id=kind)
            for kind, reason in (
                ("private_group", "groups"),
                ("private_supergroup", "groups"),
                ("public_supergroup", "groups"),
                ("private_channel", "channels"),
                ("public_channel", "channels"),
                ("saved_messages", "saved messages"),
                ("replies", "other chats"),
                ("verification_codes", "other chats"),
                ("", "other chats"),
            )
        ),
    ],
)
def test_who_is_the_client(found, expected):
    """It is settled from the export, asked, or left out with a reason; never guessed."""
    assert found == expected
