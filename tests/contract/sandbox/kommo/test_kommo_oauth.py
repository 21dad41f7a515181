"""Who may use the REST API, how often, and what refusals look like."""

from datetime import timedelta

import pytest

from sandbox.kommo.model import RefusedError
from sandbox.kommo.oauth import MAX_EXCESS, Authority, Gate, Integration

OWN = Integration("client", "fake-secret", "https://bridge.example.com/oauth/kommo")
BEARER = {"Authorization": "Bearer sandbox-access-token"}
SOURCE = {"name": "Sales", "external_id": "sales"}


@pytest.fixture
def kommo(kommo):
    """A Kommo that knows an integration."""
    kommo.authority.integration = OWN
    return kommo


async def ask(http, kommo, **fields):
    """Make a token call; return status and body."""
    body = {
        "client_id": OWN.client_id,
        "client_secret": OWN.client_secret,
        "redirect_uri": OWN.redirect_uri,
        **fields,
    }
    async with http.post(f"{kommo.url}/oauth2/access_token", json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def code_of(http, kommo):
    """Let an administrator consent; return the code that the browser is sent on with."""
    url = f"{kommo.url}/oauth?client_id=client&state=abc&mode=popup"
    async with http.get(url, allow_redirects=False) as answer:
        target = answer.headers["Location"]
    assert target.startswith(OWN.redirect_uri)
    query = dict(part.split("=") for part in target.partition("?")[2].split("&"))
    assert (query["state"], query["referer"]) == ("abc", "example.kommo.com")
    return query["code"]


async def exchange(http, kommo):
    """Return the first pair."""
    code = await code_of(http, kommo)
    return (await ask(http, kommo, grant_type="authorization_code", code=code))[1]


async def opens(http, kommo, token):
    """Tell whether a token opens the REST API."""
    headers = {"Authorization": f"Bearer {token}"}
    async with http.get(f"{kommo.url}/api/v4/account", headers=headers) as answer:
        return answer.status == 200


async def test_a_code_is_good_once(http, kommo):
    """It gives a pair for a day; a second time it gives nothing."""
    code = await code_of(http, kommo)
    status, pair = await ask(http, kommo, grant_type="authorization_code", code=code)
    assert (status, pair["token_type"], pair["expires_in"]) == (200, "Bearer", 86_400)
    assert await opens(http, kommo, pair["access_token"])
    assert (await ask(http, kommo, grant_type="authorization_code", code=code))[0] == 400


async def test_a_renewal_kills_the_pair_before_it(http, kommo):
    """Neither the old access token nor the old refresh token is worth anything after it."""
    old = await exchange(http, kommo)
    renew = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    status, new = await ask(http, kommo, **renew)
    assert (status, kommo.authority.renewals) == (200, 1)
    assert (await ask(http, kommo, **renew))[0] == 400
    assert await opens(http, kommo, new["access_token"])
    assert not await opens(http, kommo, old["access_token"])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"client_id": "other"}, 401, id="foreign-integration"),
        pytest.param({"client_secret": "other"}, 401, id="wrong-secret"),
        pytest.param({"redirect_uri": "https://bridge.example.com"}, 400, id="other-redirect"),
        pytest.param({"grant_type": "password"}, 400, id="unknown-grant"),
        pytest.param({"code": "other"}, 400, id="unknown-code"),
        pytest.param({"code": 1}, 400, id="not-a-text"),
    ],
)
async def test_whoever_is_not_the_integration_gets_no_tokens(http, kommo, change, status):
    """Each wrong field has its status, in a document of the problem."""
    code = await code_of(http, kommo)
    fields = {"grant_type": "authorization_code", "code": code, **change}
    answered, body = await ask(http, kommo, **fields)
    assert (answered, body["status"]) == (status, status)


async def test_a_refused_consent_says_so(http, kommo):
    """The browser comes back with an error in the place of a code."""
    kommo.authority.denies_consent = True
    url = f"{kommo.url}/oauth?client_id=client&state=abc"
    async with http.get(url, allow_redirects=False) as answer:
        assert "error=access_denied" in answer.headers["Location"]
    async with http.get(f"{kommo.url}/oauth?client_id=other") as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("life", "is_good"),
    [
        pytest.param(timedelta(minutes=19), True, id="in-time"),
        pytest.param(timedelta(minutes=20), False, id="too-late"),
    ],
)
async def test_a_code_lives_twenty_minutes(http, kommo, clock, life, is_good):
    """The end of its life is the documented one."""
    code = await code_of(http, kommo)
    clock.now += life
    status, _ = await ask(http, kommo, grant_type="authorization_code", code=code)
    assert (status == 200) is is_good


def test_the_eighth_request_of_a_second_is_too_many():
    """Seven pass, the eighth does not, and a second later seven pass again."""
    at = [0.0]
    gate = Gate(clock=lambda: at[0])
    for _ in range(7):
        gate.pass_through()
    with pytest.raises(RefusedError) as caught:
        gate.pass_through()
    assert caught.value.status == 429
    at[0] = 1.0
    gate.pass_through()
    assert gate.excess == 1


def test_who_goes_on_asking_too_often_is_blocked():
    """After a lot of excess the address is refused, however slowly it asks then."""
    at = [0.0]
    gate = Gate(clock=lambda: at[0])
    for _ in range(7):
        gate.pass_through()
    for _ in range(MAX_EXCESS + 1):
        with pytest.raises(RefusedError):
            gate.pass_through()
    at[0] = 10.0
    with pytest.raises(RefusedError) as caught:
        gate.pass_through()
    assert caught.value.status == 403


def test_a_switched_off_limit_lets_all_pass():
    """Tests of something else need not wait."""
    gate = Gate(per_second=None)
    for _ in range(100):
        gate.pass_through()
    assert gate.excess == 0


def test_a_header_without_bearer_opens_nothing(clock):
    """The token alone is no authorization."""
    authority = Authority(clock, "long-lived")
    assert authority.is_good("Bearer long-lived")
    assert not authority.is_good("long-lived")


@pytest.mark.parametrize(
    ("switch", "status"),
    [pytest.param("is_paid", 402, id="unpaid"), pytest.param("has_rights", 403, id="no-rights")],
)
async def test_unpaid_accounts_and_missing_rights_are_refused(http, kommo, switch, status):
    """Each has its status."""
    setattr(kommo.gate, switch, False)
    async with http.get(f"{kommo.url}/api/v4/account", headers=BEARER) as answer:
        assert answer.status == status


async def write(http, kommo, method, *rows):
    """Write sources; return status and body, None for an empty one."""
    url = f"{kommo.url}/api/v4/sources"
    async with http.request(method, url, json=list(rows), headers=BEARER) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        pytest.param({"name": ""}, "1.name", id="blank"),
        pytest.param({"external_id": "x" * 37}, "1.external_id", id="too-long"),
        pytest.param({"external_id": "sales"}, "1.external_id", id="taken"),
        pytest.param({"pipeline_id": 9}, "1.pipeline_id", id="no-such-pipeline"),
        pytest.param({"origin_code": "123"}, "1.origin_code", id="digits-only"),
    ],
)
async def test_a_row_that_is_wrong_is_named(http, kommo, change, path):
    """A validation error has Kommo's shape, and none of the rows is kept."""
    second = {"name": "Support", "external_id": "support", **change}
    status, body = await write(http, kommo, "POST", SOURCE, second)
    assert (status, body["detail"]) == (400, "Request validation failed")
    [row] = body["validation-errors"]
    assert (row["request_id"], row["errors"][0]["path"]) == ("1", path)
    assert set(row["errors"][0]) == {"code", "path", "detail"}
    assert kommo.account.sources == []


async def test_no_sources_are_answered_with_nothing(http, kommo):
    """An empty list is 204, and so is the answer to a deletion; an unknown id is named."""
    assert (await write(http, kommo, "GET"))[0] == 204
    assert (await write(http, kommo, "DELETE", {"id": 5}))[0] == 404
    _, body = await write(http, kommo, "POST", SOURCE)
    own = body["_embedded"]["sources"][0]
    assert (own["pipeline_id"], own["default"]) == (1300, False)
    status, body = await write(http, kommo, "DELETE", {"id": 5})
    assert (status, body["errors"][0]["errors"]["code"]) == (400, "EntityNotFound")
    assert await write(http, kommo, "DELETE", {"id": own["id"]}) == (204, None)


async def test_an_external_id_cannot_be_changed(http, kommo):
    """A rename is fine, another external_id is not."""
    _, body = await write(http, kommo, "POST", SOURCE)
    number = body["_embedded"]["sources"][0]["id"]
    assert (await write(http, kommo, "PATCH", {"id": number, "name": "New"}))[0] == 200
    assert (await write(http, kommo, "PATCH", {"id": number, "external_id": "b"}))[0] == 400
    assert kommo.account.sources[0]["name"] == "New"


async def test_without_a_widget_there_are_no_sources(http, kommo):
    """Reading and writing are both refused."""
    kommo.account.has_widget = False
    assert (await write(http, kommo, "GET"))[0] == 403
    assert (await write(http, kommo, "POST", SOURCE))[0] == 403
