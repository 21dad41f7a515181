"""Which topic of a chat a message stands in, and a call leads to.

Reference: Bot API, sendMessage (`message_thread_id`), Message (`is_topic_message`).
"""

from sandbox.telegram.model import ApiCall, Chat, Json, bad_request


def in_topic(thread: int | None) -> Json:
    """The fields of a message that stands in a topic; none for any other."""
    return {} if thread is None else {"message_thread_id": thread, "is_topic_message": True}


def topic_of(call: ApiCall, chat: Chat) -> int | None:
    """The topic that a call leads to; refuses one that the chat does not have."""
    thread = call.integer("message_thread_id")
    if not thread:
        return None
    if thread not in chat.topics:
        raise bad_request("message thread not found")
    return thread
