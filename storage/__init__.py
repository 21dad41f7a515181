"""One SQLite database between the two halves of the bridge: queues, conversations, messages."""
