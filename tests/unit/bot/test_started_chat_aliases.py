"""How a conversation and its client are called in Kommo."""

from datetime import UTC, datetime

import pytest

from bot.deliver.kommo.started_chats import aliases_to_try, known_aliases
from bot.translate.aliases import Alias, message_under, numbered, plain, reaction_under
from bot.translate.ids import ChatAddress, parse_conversation, parse_message
from kommo.content import Content
from kommo.ids import ConversationId, ExternalMessageId, ParticipantId
from kommo.models import NewMessage, Reaction
from kommo.people import Person
from storage.conversation_chats import ConversationChat

NAME = ChatAddress(1, 7).conversation_id
OPEN = ConversationChat("chat-b", NAME, "person-b", None, "open", 2)


def alias(suffix="", *, is_binding=False):
    """Return the alias with this suffix, perhaps the one that binds the chat to it."""
    chat_id, user_id = ("chat-b", "person-b") if is_binding else (None, None)
    return Alias(ConversationId(NAME + suffix), suffix, chat_id, user_id)  # type: ignore[arg-type]


MESSAGE = NewMessage(
    at=datetime(2026, 1, 2, tzinfo=UTC),
    external_id=ExternalMessageId("tg:1:7:9"),
    conversation_id=NAME,
    sender=Person(id=ParticipantId("tg:7"), name="Ann"),
    content=Content(type="text", text="Hi"),
)


@pytest.mark.parametrize(
    ("started", "expected"),
    [
        pytest.param(None, [alias()], id="nobody-started"),
        pytest.param(
            OPEN,
            [alias(is_binding=True), alias("~2", is_binding=True), alias()],
            id="not-answered-yet",
        ),
        pytest.param(
            ConversationChat("chat-b", NAME, "p", f"{NAME}~2", "bound", 2),
            [alias("~2")],
            id="bound-under-its-own-alias",
        ),
        pytest.param(
            ConversationChat("c", NAME, "p", NAME, "bound", 2), [alias()], id="under-ours"
        ),
    ],
)
def test_which_aliases_are_tried(started, expected):
    """Ours first, as Kommo describes it; then one of its own; then as before."""
    assert list(aliases_to_try(NAME, started)) == expected


def test_where_a_message_is_looked_for():
    """In the newest conversation, then in ours; once, where they are the same."""
    assert list(known_aliases(NAME, None)) == [alias()]
    assert list(known_aliases(NAME, OPEN)) == [alias(is_binding=True), alias()]
    bound = ConversationChat("c", NAME, "p", NAME, "bound", 2)
    assert list(known_aliases(NAME, bound)) == [alias()]


def test_a_message_under_an_alias():
    """The client, and nobody else, is called by it; the message's own id stays."""
    said = message_under(MESSAGE, alias("~2", is_binding=True))
    assert (said.conversation_id, said.kommo_chat_id) == (f"{NAME}~2", "chat-b")
    assert (said.sender.id, said.sender.ref_id) == ("tg:7~2", "person-b")
    assert said.external_id == MESSAGE.external_id
    assert message_under(MESSAGE, plain(NAME)) == MESSAGE


def test_a_message_to_the_client_under_an_alias():
    """What was written elsewhere keeps its author."""
    manager = Person(id="m", name="Manager", ref_id="user-m")
    message = MESSAGE.model_copy(update={"sender": manager, "receiver": MESSAGE.sender})
    said = message_under(message, numbered(NAME, 3))
    assert said.sender == manager
    assert said.receiver is not None
    assert said.receiver.id == "tg:7~3"


def test_a_reaction_under_an_alias():
    """In a chat that is not bound yet, Kommo's own id names it."""
    reaction = Reaction(
        type="react", emoji="x", conversation_id=NAME, external_id="tg:1:7:9", user_id="tg:7"
    )
    binding = reaction_under(reaction, alias(is_binding=True))
    assert (binding.conversation_id, binding.kommo_chat_id) == (None, "chat-b")
    named = reaction_under(reaction, numbered(NAME, 2))
    assert (named.conversation_id, named.user_id) == (f"{NAME}~2", "tg:7~2")


def test_aliases_are_read_back():
    """A hook of a further conversation leads to the same chat; no message has such an id."""
    assert parse_conversation("tg:1:7~12") == ChatAddress(1, 7)
    assert parse_conversation("tg:1:7~") is None
    assert parse_message("tg:1:7~1:9") is None
