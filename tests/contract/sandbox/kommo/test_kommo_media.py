"""Files of managers, and Kommo's fetching of clients' files."""

import hashlib

import pytest
from aiohttp import web

SCOPE = "11111111-2222-4333-8444-555555555555_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
PICTURE = b"\x89PNG and so on"


@pytest.fixture
async def bridge():
    """A bridge that serves one picture."""

    async def picture(_: web.Request) -> web.Response:
        return web.Response(body=PICTURE, content_type="image/png")

    app = web.Application()
    app.router.add_get("/picture", picture)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


@pytest.mark.parametrize("name", ["plan.png", "plan (1) für Zoë.png", "a/b?c.bin"])
async def test_an_attachment_is_served_to_anybody(http, kommo, name):
    """Whoever knows the link gets the file, by GET and HEAD, until it is removed."""
    url = kommo.add_attachment(PICTURE, name)
    async with http.get(url) as answer:
        assert (answer.status, await answer.read()) == (200, PICTURE)
    async with http.head(url) as answer:
        assert answer.headers["Content-Length"] == str(len(PICTURE))
    kommo.remove_attachment(url)
    async with http.get(url) as answer:
        assert answer.status == 404


async def test_a_large_attachment_is_generated(http, kommo):
    """A file given by its size alone is as long as it says."""
    async with http.get(kommo.add_attachment(200_000, "large.bin")) as answer:
        assert len(await answer.read()) == answer.content_length == 200_000


@pytest.mark.parametrize("head_first", [False, True])
async def test_links_of_messages_are_fetched(integration, kommo, bridge, eventually, head_first):
    """Kommo fetches media and avatar after it answered, as often as they are named."""
    kommo.fetch_media, kommo.head_first = True, head_first
    link = f"{bridge}/picture"
    content = {"type": "picture", "media": link}
    sender = {"id": "tg:555", "name": "Zoë", "avatar": f"{bridge}/missing"}
    assert (await integration.send(message=content, sender=sender))[0] == 200
    await eventually(lambda: len(kommo.fetched) == 2)
    picture, avatar = sorted(kommo.fetched, key=lambda one: one.status)
    assert (picture.url, picture.status, picture.size) == (link, 200, len(PICTURE))
    assert picture.sha256 == hashlib.sha256(PICTURE).hexdigest()
    assert picture.headers["Content-Type"] == "image/png"
    assert (picture.head_status, avatar.status) == (200 if head_first else None, 404)


async def test_an_unreachable_link_is_noted(integration, kommo, eventually):
    """A link that nobody serves is noted with what went wrong."""
    kommo.fetch_media = True
    await integration.send(message={"type": "voice", "media": "http://127.0.0.1:9/voice"})
    await eventually(lambda: len(kommo.fetched) == 1)
    assert (kommo.fetched[0].status, "Connector" in kommo.fetched[0].error) == (None, True)


async def test_links_are_not_fetched_unasked(integration, kommo):
    """Without being told to, Kommo fetches nothing."""
    await integration.send(message={"type": "voice", "media": "http://127.0.0.1:9/voice"})
    assert kommo.fetched == []
