"""Access by consent, against a Kommo whose tokens rotate and a real database."""

import asyncio
import logging
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.account.access import AHEAD, GrantedAccess
from bot.account.renewal import LEASE
from bot.health import Health, RestHealth
from bot.http.tls import certificates
from bot.operate.operators.alerts import alerts_in
from bot.operate.status.state import read_state
from kommo.crm import PAUSES_S, CrmApi
from kommo.errors import (
    RateLimitedError,
    RejectedError,
    RequestError,
    ServerError,
    UnreachableError,
)
from kommo.limits import CrmLimits
from kommo.oauth import Integration, OAuthApi
from sandbox.kommo.model import Channel
from sandbox.kommo.oauth import Integration as KnownIntegration
from sandbox.kommo.server import KommoServer
from storage.database import Database

CLIENT_ID, SECRET, REDIRECT = "client", "fake-client-secret", "https://bridge.example.com/o"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock():
    """The clock of both sides."""
    return Clock()


@pytest.fixture
async def kommo(clock):
    """A Kommo that knows the integration, and takes any number of requests."""
    async with KommoServer.start(
        Channel("c", "s", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"), now=clock
    ) as server:
        server.authority.integration = KnownIntegration(CLIENT_ID, SECRET, REDIRECT)
        server.gate.per_second = None
        yield server


class Quick:
    """A pace without waiting."""

    async def turn(self) -> None:
        """Go on."""

    def slow_down(self, for_s: float | None) -> None:
        """Go on all the same."""


@pytest.fixture
async def database(tmp_path):
    """The database, as one more process sees it."""
    async with Database.open(tmp_path / "bridge.sqlite3") as opened:
        yield opened


@pytest.fixture
async def make(tmp_path, kommo, clock):
    """Make an access as one more process would: with a database connection of its own."""
    async with AsyncExitStack() as stack:

        async def access(health=None):
            path = tmp_path / "bridge.sqlite3"
            database = await stack.enter_async_context(Database.open(path))
            http = httpx.AsyncClient(timeout=5, verify=certificates())
            await stack.enter_async_context(http)
            api = OAuthApi(http, Integration(CLIENT_ID, SECRET, REDIRECT), pace=Quick(), now=clock)
            made = GrantedAccess(
                database, api, CLIENT_ID, link=lambda: "LINK", health=health, now=clock
            )
            return await stack.enter_async_context(made.closing())

        yield access


@pytest.fixture
async def access(make, kommo):
    """An access that was granted."""
    made = await make()
    await consent(made, kommo)
    return made


async def consent(access, kommo):
    """Grant access as the browser does."""
    url = kommo.authority.consent({"client_id": CLIENT_ID, "state": "s"})
    await access.grant(kommo.url, httpx.URL(url).params["code"])


def crm(access, kommo, stack_http):
    """Return the REST API with an access."""
    return CrmApi(stack_http, access=access, pace=CrmLimits(1000), now=lambda: NOON)


async def test_twenty_callers_of_two_processes_share_one_renewal(access, make, kommo, clock):
    """However many find the token expired at once, Kommo is asked for one new pair."""
    other = await make()
    clock.at += timedelta(hours=24)
    tokens = await asyncio.gather(*(one.token() for one in [access, other] * 10))
    assert len(set(tokens)) == 1
    assert kommo.authority.renewals == 1
    assert kommo.authority.is_good(f"Bearer {tokens[0]}")


async def test_a_token_refused_in_the_middle_is_renewed_by_callers_at_once(access, kommo):
    """Twenty calls whose token Kommo forgot all succeed, with one renewal."""
    kommo.authority.forget_access()
    async with httpx.AsyncClient(base_url=kommo.url, verify=certificates()) as http:
        api = crm(access, kommo, http)
        ids = await asyncio.gather(*(api.account_id() for _ in range(20)))
    assert set(ids) == {kommo.account.id}
    assert kommo.authority.renewals == 1


async def test_refusals_that_a_new_token_does_not_mend_are_no_storm(access, kommo):
    """When Kommo refuses every token, one is renewed, and the caller is told what to do."""
    kommo.faults.fail("/api/v4/*", status=401, times=None)
    async with httpx.AsyncClient(base_url=kommo.url, verify=certificates()) as http:
        api = crm(access, kommo, http)
        for _ in range(5):
            with pytest.raises(RejectedError, match="LINK"):
                await api.account_id()
    assert kommo.authority.renewals == 1


async def test_tokens_are_renewed_ahead_of_time_and_not_before(access, kommo, clock):
    """The scheduler's turn does nothing while a token is fresh, and renews it hours early."""
    await access.keep()
    assert kommo.authority.renewals == 0
    clock.at += timedelta(hours=24) - AHEAD
    await access.keep()
    assert kommo.authority.renewals == 1


async def test_a_cancelled_caller_does_not_lose_the_new_tokens(access, make, kommo, clock):
    """Kommo's answer is stored even when the one who asked has gone: the old ones are dead."""
    clock.at += timedelta(hours=24)
    kommo.latency_s = 0.3
    caller = asyncio.create_task(access.token())
    await asyncio.sleep(0.1)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    kommo.latency_s = 0
    assert kommo.authority.is_good(f"Bearer {await (await make()).token()}")
    assert kommo.authority.renewals == 1


async def test_a_process_that_died_while_renewing_holds_nobody_for_ever(access, database, clock):
    """Its lease ends; until then a token that is good is used as it is."""
    async with database.transaction() as tx:
        assert await tx.grants.take(CLIENT_ID, by="dead", now=clock.at, until=clock.at + LEASE)
    token = await access.token()
    clock.at += timedelta(hours=24)
    assert await access.token() != token


async def test_a_wait_for_another_process_is_said(access, database, kommo, clock, caplog):
    """After a moment a person reads what a command waits for; when the lease ends, it goes on."""
    clock.at += timedelta(hours=24)
    async with database.transaction() as tx:
        assert await tx.grants.take(CLIENT_ID, by="dead", now=clock.at, until=clock.at + LEASE)
    waiting = asyncio.create_task(access.token())
    for _ in range(1000):
        if "waiting for another process" in caplog.text:
            break
        await asyncio.sleep(0.01)
    assert not waiting.done()
    clock.at += LEASE
    assert kommo.authority.is_good(f"Bearer {await waiting}")
    assert caplog.text.count("waiting for another process") == 1


async def test_a_renewal_that_hangs_is_given_up_while_its_lease_lasts(
    access, kommo, clock, monkeypatch
):
    """The next one may try at once: nobody waits for a lease whose holder knows better."""
    monkeypatch.setattr("bot.account.renewal.RENEWAL_S", 0.2)
    clock.at += timedelta(hours=24)
    kommo.faults.hang("/oauth2/access_token")
    with pytest.raises(UnreachableError, match="did not renew"):
        await access.token()
    assert kommo.authority.is_good(f"Bearer {await access.token()}")


async def test_an_outage_is_no_loss(access, kommo, clock, caplog):
    """While Kommo fails, the next turn tries again; nobody is asked to consent."""
    clock.at += timedelta(hours=24) - AHEAD
    kommo.faults.fail("/oauth2/access_token", status=500)
    await access.keep()
    assert "could not be renewed yet" in caplog.text
    await access.keep()
    assert kommo.authority.renewals == 1


async def test_a_lost_grant_is_an_alert_until_the_next_consent(
    make, database, kommo, clock, caplog
):
    """Operators read once what is lost and which link to open; a consent ends it."""
    caplog.set_level(logging.INFO)
    health = Health(rest=RestHealth())
    access = await make(health.rest)
    await consent(access, kommo)
    kommo.authority.revoke()
    clock.at += timedelta(hours=24)
    await access.keep()
    await access.keep()
    assert caplog.text.count("REST API is lost") == 1
    state = await read_state(database, health, now=clock())
    [alert] = [one for one in alerts_in(state, free_bytes=10**12) if one.key == "rest"]
    assert "LINK" in alert.text
    assert health.problems() == []
    await consent(access, kommo)
    assert health.rest.problem is None
    assert "fake-refresh" not in caplog.text


async def test_the_old_token_serves_as_long_as_it_is_good(access, kommo, clock):
    """A renewal that is refused hours ahead of time costs nothing yet."""
    token = await access.token()
    kommo.authority.integration = KnownIntegration(CLIENT_ID, "another-secret", REDIRECT)
    clock.at += timedelta(hours=24) - AHEAD
    await access.keep()
    assert await access.token() == token
    kommo.authority.integration = KnownIntegration(CLIENT_ID, SECRET, REDIRECT)
    await access.keep()
    assert await access.token() != token


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        pytest.param(402, RejectedError, "renew its subscription", id="unpaid"),
        pytest.param(403, RejectedError, "administrator", id="no-rights"),
        pytest.param(429, RateLimitedError, "7 requests a second", id="too-often"),
        pytest.param(500, ServerError, "try again in a few minutes", id="broken"),
    ],
)
async def test_each_refusal_has_its_error_and_its_remedy(access, kommo, status, kind, said):
    """What a person can do stands beside what Kommo said, for calls and for renewals."""
    kommo.faults.fail("/api/v4/*", status=status)
    async with httpx.AsyncClient(base_url=kommo.url, verify=certificates()) as http:
        with pytest.raises(kind, match=said):
            await crm(access, kommo, http).account_id()


@pytest.mark.parametrize("status", [402, 403])
async def test_a_renewal_that_is_refused_for_another_reason_says_that_one(
    access, kommo, clock, status
):
    """An unpaid account is not told to consent again."""
    clock.at += timedelta(hours=24)
    kommo.faults.fail("/oauth2/access_token", status=status)
    with pytest.raises(RejectedError, match="cannot be renewed") as caught:
        await access.token()
    assert "LINK" not in str(caught.value)


async def test_an_answer_that_cannot_be_read_is_not_quoted(access, kommo, clock):
    """It may hold half of a token."""
    clock.at += timedelta(hours=24)
    kommo.faults.fail("/oauth2/access_token", status=200)
    with pytest.raises(RequestError, match="cannot be read"):
        await access.token()


async def test_twenty_commands_side_by_side_all_get_through(access, kommo):
    """Each keeps a pace of its own: those that Kommo has no time for wait, and none is blocked."""
    kommo.gate.per_second = 7
    async with httpx.AsyncClient(base_url=kommo.url, verify=certificates()) as http:
        commands = [
            CrmApi(http, access=access, pace=CrmLimits(), now=lambda: NOON, pauses_s=PAUSES_S)
            for _ in range(20)
        ]
        ids = await asyncio.gather(*(one.account_id() for one in commands))
    assert set(ids) == {kommo.account.id}
    assert kommo.gate.excess > 0
    assert not kommo.gate.is_blocked


async def test_requests_of_one_process_stay_below_what_kommo_takes(access, kommo):
    """Thirty calls at once through the limiter meet no refusal from a Kommo that counts."""
    kommo.gate.per_second = 7
    async with httpx.AsyncClient(base_url=kommo.url, verify=certificates()) as http:
        api = CrmApi(http, access=access, pace=CrmLimits(), now=lambda: NOON)
        await asyncio.gather(*(api.sources() for _ in range(15)))
    assert kommo.gate.excess == 0
