"""Access to the REST API by consent: link, browser, tokens, renewal, loss."""

import asyncio
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bot.account.consent import new_state
from bot.account.renewal import LEASE
from bot.http.tls import certificates
from sandbox.kommo.oauth import Integration
from storage.database import Database
from tests.e2e.commands import run_command, run_process
from tests.e2e.conftest import ACCOUNT_ID, Bridge

CLIENT_ID, CLIENT_SECRET = "33333333-4444-4555-8666-777777777777", "fake-client-secret"


@pytest.fixture
def with_oauth(config, kommo, ports):
    """Settings of an integration that Kommo knows; nobody has consented yet."""
    redirect_uri = f"http://127.0.0.1:{ports[0]}/oauth/kommo"
    kommo.authority.integration = Integration(CLIENT_ID, CLIENT_SECRET, redirect_uri)
    text = config.read_text(encoding="utf-8")
    text = text.replace("[kommo]", f'[kommo]\napi_url = "{kommo.url}"')
    table = f"""[kommo.oauth]
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
redirect_uri = "{redirect_uri}"
"""
    config.write_text(text.replace("[telegram]", f"{table}[telegram]"), encoding="utf-8")
    return config


@pytest.fixture
async def running(with_oauth):
    """The bridge with these settings."""
    bridge = Bridge(with_oauth)
    await bridge.start()
    yield bridge
    await bridge.stop()


def link_in(text):
    """Return the link to the consent that a text tells."""
    [link, *_] = re.findall(r"https://www\.kommo\.com/oauth\?\S+", text)
    return link


def log_of(process):
    """Return what a process has logged so far."""
    return process.log.read_text(encoding="utf-8") if process.log.exists() else ""


async def link_of(config):
    """Return the link that `check` shows."""
    _, said, errors = await run_command("check", config=config)
    return link_in(said + errors)


async def open_in_browser(link, kommo):
    """Let an administrator answer the consent; return where Kommo sends the browser, and page."""
    async with httpx.AsyncClient(follow_redirects=True, verify=certificates()) as browser:
        return await browser.get(f"{kommo.url}/oauth?{urlsplit(link).query}")


async def get(url, **query):
    """Return the answer to a GET, of a service that may be about to listen."""
    transport = httpx.AsyncHTTPTransport(verify=certificates(), retries=5)
    async with httpx.AsyncClient(transport=transport) as http:
        return await http.get(url, params=query or None)


@pytest.fixture
async def granted(running, with_oauth, kommo):
    """A running bridge that has access."""
    page = await open_in_browser(await link_of(with_oauth), kommo)
    assert page.status_code == 200, page.text
    return running


async def grant_in(config):
    """Return what is stored."""
    path = config.parent / "kommo-telegram.sqlite3"
    async with Database.open(path) as database, database.snapshot() as snapshot:
        return await snapshot.grants.get(CLIENT_ID)


async def test_an_administrator_opens_the_link_and_the_bridge_has_access(
    running, with_oauth, kommo
):
    """`check` shows the link; after the consent it says that the access is there."""
    page = await open_in_browser(await link_of(with_oauth), kommo)
    assert (page.status_code, "has access now" in page.text) == (200, True)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    code, said, errors = await run_command("check", config=with_oauth)
    assert code == 0, said + errors
    assert "REST access: granted by consent" in said
    assert with_oauth.parent.joinpath("kommo-telegram.sqlite3").stat().st_mode & 0o077 == 0


async def test_a_link_is_good_for_one_time(running, with_oauth, kommo):
    """The same address a second time changes nothing, and says what to do."""
    first = await open_in_browser(await link_of(with_oauth), kommo)
    before = await grant_in(with_oauth)
    again = await get(str(first.url))
    assert (first.status_code, again.status_code) == (200, 410)
    assert "kommo-telegram check" in again.text
    assert (await grant_in(with_oauth)).refresh_token == before.refresh_token


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        pytest.param({"state": "forged"}, 403, "not from this bridge", id="forged-state"),
        pytest.param({"state": None}, 403, "not from this bridge", id="no-state"),
        pytest.param({"error": "access_denied", "code": None}, 403, "no access", id="denied"),
        pytest.param({"code": None}, 403, "no access", id="no-code"),
        pytest.param({"code": "<b>wrong"}, 502, "does not accept the code", id="wrong-code"),
    ],
)
async def test_what_is_not_a_consent_gives_a_readable_page(
    running, with_oauth, change, status, said, caplog
):
    """A page says what happened; nothing is stored, nothing secret logged or repeated."""
    state = parse_qs(urlsplit(await link_of(with_oauth)).query)["state"][0]
    query = {"code": "fake-code", "referer": "example.kommo.com", "state": state, **change}
    url = f"{running.settings.public_url}/oauth/kommo"
    answer = await get(url, **{key: one for key, one in query.items() if one is not None})
    assert (answer.status_code, said in answer.text) == (status, True)
    assert "<b>" not in answer.text
    assert "fake-code" not in caplog.text
    assert CLIENT_SECRET not in caplog.text
    assert await grant_in(with_oauth) is None


async def test_a_link_of_yesterday_is_too_old(running, with_oauth):
    """After a day a link is worth nothing, and the page says how to get another."""
    old = new_state(CLIENT_SECRET, now=datetime.now(UTC) - timedelta(days=1), random=bytes)
    answer = await get(
        f"{running.settings.public_url}/oauth/kommo", state=old, code="c", referer="r"
    )
    assert (answer.status_code, "too old" in answer.text) == (410, True)
    assert "kommo-telegram check" in answer.text


async def test_when_kommo_does_not_answer_the_page_says_so(running, with_oauth, kommo):
    """An outage in the middle of the consent stores nothing; another link works."""
    kommo.faults.fail("/oauth2/access_token", status=500)
    page = await open_in_browser(await link_of(with_oauth), kommo)
    assert (page.status_code, "did not answer" in page.text) == (502, True)
    assert await grant_in(with_oauth) is None
    assert (await open_in_browser(await link_of(with_oauth), kommo)).status_code == 200


async def test_another_accounts_consent_gets_no_secret(with_oauth, kommo):
    """Where the settings name an account, the code of another goes nowhere."""
    text = with_oauth.read_text(encoding="utf-8")
    with_oauth.write_text(text.replace(f'api_url = "{kommo.url}"', 'subdomain = "example"', 1))
    bridge = Bridge(with_oauth)
    await bridge.start()
    try:
        state = new_state(CLIENT_SECRET, now=datetime.now(UTC), random=bytes)
        url = f"{bridge.settings.public_url}/oauth/kommo"
        answer = await get(url, state=state, code="c", referer="other.kommo.com")
        assert (answer.status_code, "another account" in answer.text) == (403, True)
    finally:
        await bridge.stop()


async def test_messages_cross_and_health_is_ok_without_any_consent(
    running, telegram, kommo, eventually
):
    """Plain messaging needs no REST access; health says so beside being ok."""
    telegram.client_says("hello")
    await eventually(lambda: [m.text for m in kommo.received] == ["hello"])
    answer = await get(f"http://127.0.0.1:{running.settings.admin.port}/healthz")
    assert answer.status_code == 200
    assert link_in(answer.json()["rest"]["problem"])


async def test_commands_renew_an_expired_token_beside_the_service(granted, with_oauth, kommo):
    """When Kommo has forgotten the token, a command renews it, stores it, and goes on."""
    before = await grant_in(with_oauth)
    kommo.authority.forget_access()
    code, said, errors = await run_command("sources", "list", config=with_oauth)
    assert code == 0, said + errors
    after = await grant_in(with_oauth)
    assert after.refresh_token != before.refresh_token
    assert kommo.authority.renewals == 1


async def test_many_commands_at_once_renew_once(granted, with_oauth, kommo):
    """Several processes' callers race for one renewal; none of them sees a refusal."""
    kommo.gate.per_second = None
    kommo.authority.forget_access()
    calls = [run_command_quietly("sources", "list", config=with_oauth) for _ in range(3)]
    assert await asyncio.gather(*calls) == [0, 0, 0]
    assert kommo.authority.renewals == 1


async def test_a_command_says_that_it_waits_for_another_process(granted, with_oauth, kommo):
    """Who was killed while renewing holds others up for a while: they say so on standard error."""
    kommo.authority.forget_access()
    now = datetime.now(UTC)
    async with Database.open(with_oauth.parent / "kommo-telegram.sqlite3") as database:
        async with database.transaction() as tx:
            until = now + LEASE
            assert await tx.grants.take(CLIENT_ID, by="dead", now=now, until=until)
        command = ["-m", "bot", "--config", str(with_oauth), "sources", "list", "--json"]
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=pipe, stderr=pipe
        )
        assert child.stderr is not None
        async with asyncio.timeout(90):
            line = await child.stderr.readline()
            async with database.transaction() as tx:
                await tx.grants.release(CLIENT_ID, by="dead", problem=None)
            said, errors = await child.communicate()
    assert line.startswith(b"waiting for another process that renews the access")
    assert (child.returncode, json.loads(said), errors) == (0, [], b"")


async def run_command_quietly(*arguments, config):
    """Run a command as a process; return its exit code."""
    return (await run_process(*arguments, config=config))[0]


async def test_a_lost_grant_is_said_with_a_link(granted, with_oauth, kommo):
    """After the integration was removed, a command says that access is lost, and what to do."""
    kommo.authority.revoke()
    code, _, errors = await run_command("sources", "list", config=with_oauth)
    assert code == 1
    assert "lost" in errors
    page = await open_in_browser(link_in(errors), kommo)
    assert page.status_code == 200
    assert (await run_command("sources", "list", config=with_oauth))[0] == 0


async def test_check_shows_one_link_however_many_miss_the_access(with_oauth, process, eventually):
    """The account and the waiting service need the same consent: one link, to be opened once."""
    text = with_oauth.read_text(encoding="utf-8")
    with_oauth.write_text(text.replace(f'account_id = "{ACCOUNT_ID}"\n', ""), encoding="utf-8")
    await process.start(is_healthy=False)
    await eventually(lambda: "kommo.com/oauth" in log_of(process), within_s=90)
    code, said, _ = await run_command("check", config=with_oauth)
    assert code == 1
    assert said.count("https://www.kommo.com/oauth?") == 1
    assert "(the link above)" in said


async def test_a_service_that_waits_for_the_consent_stops_when_told(
    with_oauth, process, eventually
):
    """SIGTERM ends the wait at once, and well."""
    text = with_oauth.read_text(encoding="utf-8")
    with_oauth.write_text(text.replace(f'account_id = "{ACCOUNT_ID}"\n', ""), encoding="utf-8")
    await process.start(is_healthy=False)
    await eventually(lambda: "kommo.com/oauth" in log_of(process), within_s=90)
    assert await process.terminate() == 0


async def test_without_an_account_run_waits_for_the_consent_that_tells_it(
    with_oauth, process, telegram, kommo, eventually, ports
):
    """Before the consent the service shows the link; after it, messages cross, unaided."""
    text = with_oauth.read_text(encoding="utf-8")
    with_oauth.write_text(text.replace(f'account_id = "{ACCOUNT_ID}"\n', ""), encoding="utf-8")
    await process.start(is_healthy=False)
    await eventually(lambda: "kommo.com/oauth" in log_of(process), within_s=90)
    health = await get(f"http://127.0.0.1:{ports[1]}/healthz")
    assert health.status_code == 503
    assert link_in(health.json()["problems"][0])
    page = await open_in_browser(link_in(log_of(process)), kommo)
    assert page.status_code == 200
    await process.until_healthy()
    telegram.client_says("hello")
    await eventually(lambda: [m.text for m in kommo.received] == ["hello"])
    assert "fake-code" not in log_of(process)
    assert "fake-access" not in log_of(process)
