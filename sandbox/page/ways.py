"""The latest messages' ways through the bridge, step by step, with times."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from sandbox.page.bridge import Bridge
from sandbox.page.ledger import Ledger
from sandbox.page.sightings import Sighting

Json: TypeAlias = dict[str, Any]

SHOWN: Final = 24
EXCERPT: Final = 60
STEPS: Final = ("written", "stored", "sent", "confirmed")
ENDS: Final = frozenset({"sent", "dead", "dropped"})


class Ways:
    """Asks the bridge about the latest messages, until it has nothing more to say of them."""

    def __init__(self) -> None:
        self._steps: dict[str, list[Json]] = {}
        self._finished: set[str] = set()

    async def ask(self, bridge: Bridge, ledger: Ledger) -> None:
        """Ask about those whose end is not known yet."""
        latest = ledger.sightings[-SHOWN:]
        names = [one.name for one in latest if one.name not in self._finished]
        if not names:
            return
        self._steps.update(await bridge.steps(names))
        self._finished |= {one.name for one in latest if self._is_finished(one)}

    def records(self, ledger: Ledger) -> dict[str, Json]:
        """Return the latest messages' ways."""
        return {
            f"ways/{one.name.replace('/', '.')}": way(one, self._steps.get(one.name, []))
            for one in ledger.sightings[-SHOWN:]
        }

    def _is_finished(self, one: Sighting) -> bool:
        names = {step["step"] for step in self._steps.get(one.name, [])}
        return bool(names & ENDS) and (one.direction == "incoming" or "status" in names)


def way(one: Sighting, steps: Sequence[Json]) -> Json:
    """Return one message's way: what the servers saw, and what the bridge noted."""
    noted = {step["step"]: step["at"] for step in reversed(steps)}
    is_incoming = one.direction == "incoming"
    confirmed = noted.get("sent") if is_incoming else one.confirmed_at
    failed = [step for step in steps if step["step"] in {"attempt", "waits", "dead"}]
    troubles = [step for step in failed if step.get("reason")]
    return {
        "name": one.name,
        "direction": one.direction,
        "who": one.who,
        "text": one.text[:EXCERPT],
        "at": one.written_at,
        "written": one.written_at,
        "stored": noted.get("stored"),
        "sent": one.arrived_at,
        "confirmed": confirmed,
        "status": "" if one.is_expected else "refused",
        "tries": sum(step["step"] == "attempt" for step in steps),
        "trouble": troubles[-1]["reason"] if troubles and not confirmed else "",
    }
