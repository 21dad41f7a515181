"""The bridge with short pauses between attempts, of which tests have no use; also as a program."""

import functools
import sys
from dataclasses import replace
from typing import Any

from bot.__main__ import run
from bot.app.delivering import USUAL_RULES, DeliveryRules
from bot.cli import serve as command
from bot.deliver.chances import Chance
from bot.deliver.retries import Rules
from bot.queue.outcomes import RetryPolicy
from bot.receive.catch_up.schedule import CatchUpPace

QUICK_RULES = DeliveryRules(
    to_kommo=replace(
        USUAL_RULES.to_kommo, policy=replace(USUAL_RULES.to_kommo.policy, first_s=0.05)
    ),
    to_telegram=replace(
        USUAL_RULES.to_telegram,
        policy=replace(USUAL_RULES.to_telegram.policy, first_s=0.05),
        chance=Chance(tried_s=0.5),
    ),
)
"""As usual, but for the first pause, a second there, and the chance, ten seconds there."""

BRISK_RULES = DeliveryRules(*[Rules(RetryPolicy(first_s=0.05, longest_s=0.5))] * 2)


def change_app(**options: Any) -> None:
    """Let the command that runs the service do so with other options than usually."""
    command.open_app = functools.partial(  # type: ignore[attr-defined]
        command.open_app,  # type: ignore[attr-defined]
        **options,
    )


if __name__ == "__main__":
    change_app(rules=BRISK_RULES, pace=CatchUpPace(hold_s=0.5))
    sys.exit(run(sys.argv[1:]))
