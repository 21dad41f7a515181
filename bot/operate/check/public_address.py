"""The public address answers for itself: a proof that it leads to a bridge with this secret.

`check` asks with a random challenge. The proof is no signature that Kommo would accept.
"""

import hashlib
import hmac
import re

from aiohttp import web

PATH = "/check/{challenge}"
FORM = re.compile("[0-9a-f]{32}")


def proof(secret: str, challenge: str) -> str:
    """Return what only a bridge with this channel secret can answer."""
    message = f"kommo-telegram check {challenge}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class ChallengeRoute:
    """Answers challenges on the public listener."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one; nothing else is told."""
        challenge = request.match_info["challenge"]
        if not FORM.fullmatch(challenge):
            return web.Response(status=404)
        return web.Response(text=proof(self._secret, challenge))
