"""Queue items: their kinds and keys, how they are enqueued, how an attempt ends."""
