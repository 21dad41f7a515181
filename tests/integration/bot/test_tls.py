"""Telegram over TLS: who cannot be trusted hears nothing. Needs openssl."""

import asyncio
import ssl

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramNetworkError
from aiohttp import web

from bot.http.telegram_session import TelegramSession
from bot.http.tls import certificates
from tests.programs import program

TOKEN = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"


@pytest.fixture
async def certificate(tmp_path):
    """Return a certificate that signed itself; its key lies beside it."""
    path = tmp_path / "certificate.pem"
    process = await asyncio.create_subprocess_exec(
        *(program("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
        *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=127.0.0.1"),
        *("-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", str(path.with_name("key.pem")), "-out", str(path)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    return path


@pytest.fixture
async def telegram(certificate):
    """Yield the address of a Telegram with that certificate, and what it was asked."""
    asked = []

    async def get_me(request):
        asked.append(request.path)
        me = {"id": 700001, "is_bot": True, "first_name": "Sales", "username": "sales_bot"}
        return web.json_response({"ok": True, "result": me})

    application = web.Application()
    application.router.add_post("/{token}/getMe", get_me)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}", asked
    await runner.cleanup()


@pytest.fixture(autouse=True)
def _fresh():
    """Read the certificates anew, before and after."""
    certificates.cache_clear()
    yield
    certificates.cache_clear()


async def test_a_certificate_of_nobody_ends_the_connection(telegram):
    """The token is in the address: it is not said to who is not known to be Telegram."""
    url, asked = telegram
    async with Bot(TOKEN, session=TelegramSession(url)).context() as bot:
        with pytest.raises(TelegramNetworkError, match="Certificate"):
            await bot.get_me()
    assert asked == []


async def test_an_authority_of_ones_own_is_named_to_the_environment(
    telegram, certificate, monkeypatch
):
    """So the bridge works behind a company's own proxy."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url, asked = telegram
    async with Bot(TOKEN, session=TelegramSession(url)).context() as bot:
        assert (await bot.get_me()).username == "sales_bot"
    assert len(asked) == 1


async def test_certificates_are_read_once_for_all_bots():
    """Each reading takes 50 ms, and there may be a hundred bots."""
    assert certificates() is certificates()
