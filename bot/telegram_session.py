"""The connections of one bot to Telegram."""

import socket

import aiohttp
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer

from bot.certificates import certificates_for

CONNECTIONS = 100
"""So many requests of one bot are under way at most; further ones wait for their turn."""

SEND_BYTES = 128 << 10
"""So much of a file lies between us and the network: an upload ends soon after its last bytes."""

NAMES_S = 3600
"""So long a looked-up name is remembered, as aiogram does."""


def upload_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Return a socket that takes no more than it can send soon."""
    family, kind, protocol, _name, _address = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    return made


class TelegramSession(AiohttpSession):
    """aiogram's session, with what costs a bridge of many bots most left out.

    aiogram reads the certificates anew for every bot, and waits a quarter of a second after
    closing, which aiohttp has long done itself.

    Args:
        api_url: where the Bot API is.
    """

    def __init__(self, api_url: str) -> None:
        BaseSession.__init__(self, api=TelegramAPIServer.from_base(api_url))
        self._api_url = api_url
        self._session: aiohttp.ClientSession | None = None

    async def create_session(self) -> aiohttp.ClientSession:
        """Return the pool; it is opened with the first request."""
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS,
                ttl_dns_cache=NAMES_S,
                ssl=certificates_for(self._api_url),
                socket_factory=upload_socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def close(self) -> None:
        """Close the connections and wait until they are."""
        if self._session is not None:
            await self._session.close()
