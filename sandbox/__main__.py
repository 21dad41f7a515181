"""`python -m sandbox`: both servers in a process of their own, until it is told to stop.

The first line on standard output is one JSON object with their addresses.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence

from sandbox.kommo.model import Channel, Habits
from sandbox.kommo.server import KommoServer
from sandbox.telegram.server import TelegramServer

CHANNEL_ID = "11111111-2222-4333-8444-555555555555"
ACCOUNT_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SECRET = "0" * 40
TOKEN = "700001:SANDBOX-TOKEN-THAT-OPENS-NOTHING-000"  # noqa: S105 - opens nothing


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--telegram-port", type=int, default=0, help="default: any free one")
    parser.add_argument("--kommo-port", type=int, default=0, help="default: any free one")
    parser.add_argument("--token", action="append", help="of a bot; may be repeated")
    parser.add_argument("--channel-id", default=CHANNEL_ID)
    parser.add_argument("--secret", default=SECRET, help="of the channel")
    parser.add_argument("--account-id", default=ACCOUNT_ID)
    parser.add_argument("--hook-url", help="where hooks go; :scope_id in it is replaced")
    parser.add_argument(
        "--connected", action="store_true", help="start with the channel connected"
    )
    parser.add_argument(
        "--status-field",
        choices=("both", "status_code", "delivery_status"),
        default="both",
        help="which name of a delivery status is taken",
    )
    parser.add_argument("--fetch-media", action="store_true", help="fetch the links that arrive")
    return parser.parse_args(given)


async def serve(options: argparse.Namespace) -> None:
    """Run both servers until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with (
        TelegramServer.start(port=options.telegram_port) as telegram,
        KommoServer.start(
            Channel(options.channel_id, options.secret, options.account_id),
            port=options.kommo_port,
            hook_url=options.hook_url,
            habits=Habits(
                is_connected=options.connected,
                fetch_media=options.fetch_media,
                status_field=options.status_field,
            ),
        ) as kommo,
    ):
        for token in options.token or [TOKEN]:
            telegram.add_bot(token)
        addresses = {"telegram": telegram.url, "kommo": kommo.url, "scope_id": kommo.scope_id}
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
