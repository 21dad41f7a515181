"""Metrics for Prometheus: attempts, latencies, queues. No personal data in names or labels."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.operate.status.state import State
from bot.queue.outcomes import Delivered, Outcome, RetryLater
from bot.translate.ids import parse_conversation
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem

PREFIX = "kommo_telegram"
ATTEMPT_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
DELIVERY_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600, 21600, 86400)


class Metrics:
    """Counts what the workers do; shows it together with how the service is."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        labels = ("direction", "bot")
        self._attempts = Counter(
            f"{PREFIX}_attempts",
            "Delivery attempts, by outcome.",
            (*labels, "outcome"),
            registry=self._registry,
        )
        self._attempt_s = Histogram(
            f"{PREFIX}_attempt_seconds",
            "How long an attempt took.",
            labels,
            buckets=ATTEMPT_S,
            registry=self._registry,
        )
        self._delivery_s = Histogram(
            f"{PREFIX}_delivery_seconds",
            "From storing an item to its delivery.",
            labels,
            buckets=DELIVERY_S,
            registry=self._registry,
        )
        self._items = self._gauge("queue_items", "Items in a queue.", "direction", "state")
        self._oldest_s = self._gauge(
            "queue_oldest_seconds", "How long the oldest pending item has waited.", "direction"
        )
        self._bots = self._gauge("bot_works", "1: the bot's updates arrive.", "bot")
        self._channel = self._gauge("channel_connected", "1: the channel is connected.")

    def observe(
        self,
        direction: Direction,
        item: QueueItem,
        outcome: Outcome,
        *,
        took_s: float,
        age_s: float,
    ) -> None:
        """Count one attempt.

        Args:
            direction: which way the item goes.
            item: what was tried.
            outcome: its result.
            took_s: how long the attempt took.
            age_s: how long ago the item was stored.
        """
        address = parse_conversation(item.conversation_id or "")
        bot = str(address.bot_id) if address else ""
        self._attempts.labels(direction, bot, _word(outcome)).inc()
        self._attempt_s.labels(direction, bot).observe(took_s)
        if isinstance(outcome, Delivered):
            self._delivery_s.labels(direction, bot).observe(age_s)

    def render(self, state: State) -> bytes:
        """Return everything in Prometheus' text format."""
        for queue in state.queues:
            self._items.labels(queue.direction, "pending").set(queue.pending)
            self._items.labels(queue.direction, "dead").set(queue.dead)
            self._oldest_s.labels(queue.direction).set(queue.oldest_s)
        for bot in state.health.bots.values():
            self._bots.labels(str(bot.bot_id)).set(bot.problem is None)
        self._channel.set(state.health.channel.is_connected)
        return generate_latest(self._registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", help_text, labels, registry=self._registry)


def _word(outcome: Outcome) -> str:
    if isinstance(outcome, Delivered):
        return "delivered"
    return "retry_later" if isinstance(outcome, RetryLater) else "undeliverable"
