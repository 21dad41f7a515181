"""Topics of chats: of forums, and of private chats that have them.

Reference: Bot API, ForumTopicCreated; User (`has_topics_enabled`).
"""

from sandbox.telegram.people import People
from sandbox.telegram.world import ANN


class PeopleWithTopics(People):
    """What people can do with topics."""

    def opens_topic(self, name: str, *, chat_id: int = ANN, bot: int | None = None) -> int:
        """Let somebody begin a topic in a chat; return its number, that of its first message.

        Reference: Bot API, ForumTopicCreated; User (`has_topics_enabled`).
        """
        chat = self._chat(self.bot(bot), chat_id)
        thread = chat.last_id + 1
        chat.topics.add(thread)
        created = {"name": name, "icon_color": 7322096}
        return self.client_sends(
            {"forum_topic_created": created}, chat_id=chat_id, bot=bot, topic=thread
        )

    def deletes_topic(self, topic: int, *, chat_id: int = ANN, bot: int | None = None) -> None:
        """Let somebody delete a topic, with all that stands in it; no bot is told."""
        chat = self._chat(self.bot(bot), chat_id)
        chat.topics.discard(topic)
        for message_id, message in list(chat.messages.items()):
            if message.get("message_thread_id") == topic:
                del chat.messages[message_id]
