"""Votes: who voted."""

from aiogram.types import Chat, PollAnswer, User

from bot.translate.ids import ChatAddress
from bot.translate.votes import Vote, client_vote


def test_a_vote_names_its_client():
    """The client's private chat has the client's own id."""
    ann = User(id=555, is_bot=False, first_name="Ann")
    answer = PollAnswer(poll_id="1", user=ann, option_ids=[0], option_persistent_ids=["a"])
    assert client_vote(answer, bot_id=700001) == Vote(ChatAddress(700001, 555))


def test_a_vote_in_the_name_of_a_chat_is_nobodys():
    """Where a channel votes, no client is known to have read anything."""
    channel = Chat(id=-100555, type="channel")
    answer = PollAnswer(
        poll_id="1", voter_chat=channel, option_ids=[0], option_persistent_ids=["a"]
    )
    assert client_vote(answer, bot_id=700001) is None
