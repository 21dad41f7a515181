"""How fast an import goes, and how patient it is."""

from dataclasses import dataclass, field

from bot.queue.outcomes import RetryPolicy


@dataclass(frozen=True)
class ImportPace:
    """How an import treats Kommo.

    Args:
        chats: so many chats are imported side by side.
        beside_live_s: the pause before each message of a chat while live ones are about.
        behind_s: so long a message waits while live ones are due, at most.
        look_again_s: so long nobody looks for live ones after they were due for longer.
        record_s: so often, at least, what Kommo took is recorded.
        policy: the pauses after a failure.
        give_up_s: after so long without any success the import stops.
        alone: a message that fails so often while other calls succeed is left out.
        react_again_s: when to react again to a message that Kommo does not know yet.
        gap_s: the pause between calls after Kommo asked to slow down; each success shortens it.
    """

    chats: int = 4
    beside_live_s: float = 0.04
    behind_s: float = 0.2
    look_again_s: float = 5.0
    record_s: float = 1.0
    policy: RetryPolicy = field(default_factory=lambda: RetryPolicy(longest_s=60.0))
    give_up_s: float = 900.0
    alone: int = 6
    gap_s: float = 0.2
    react_again_s: tuple[float, ...] = (0.5, 2.0)
