"""The link to the consent, its state, and the account that it may concern."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.account.consent import LIFETIME, account_url, consent_url, end_of, new_state
from bot.settings.kommo_tables import KommoSettings, OAuthSettings

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECRET = "fake-client-secret"
OAUTH = {
    "client_id": "client",
    "client_secret": SECRET,
    "redirect_uri": "https://bridge.example.com/oauth/kommo",
}
CHANNEL = {
    "channel_id": "11111111-2222-4333-8444-555555555555",
    "channel_secret": "fa4e" * 10,
    "account_id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
}


def kommo(**how):
    """Return settings."""
    return KommoSettings.model_validate({**CHANNEL, **how})


def state(secret=SECRET):
    """Return a state of noon."""
    return new_state(secret, now=NOON, random=bytes)


def test_a_state_of_ours_tells_its_end():
    """Whoever knows the secret recognises it."""
    assert end_of(state(), SECRET) == NOON + LIFETIME


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param("", id="empty"),
        pytest.param("abc", id="short"),
        pytest.param("ä", id="not-ascii"),
        pytest.param("!" * 72, id="not-base64"),
        pytest.param(state("another-secret"), id="anothers"),
        pytest.param("B" + state()[1:], id="a-later-end"),
        pytest.param(state()[:-4], id="cut"),
    ],
)
def test_a_state_that_is_not_ours_has_no_end(forged):
    """Nothing that was made without the secret, or changed since, is taken."""
    assert end_of(forged, SECRET) is None


@pytest.mark.parametrize(
    ("how", "host"),
    [
        pytest.param({}, "www.kommo.com", id="kommo"),
        pytest.param({"chats_url": "https://amojo.amocrm.ru"}, "www.amocrm.ru", id="amocrm"),
    ],
)
def test_the_link_leads_to_the_consent_of_the_accounts_side(how, host):
    """It names the integration and carries a state."""
    link = consent_url(kommo(**how), OAuthSettings.model_validate(OAUTH), now=NOON, random=bytes)
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    assert (parts.hostname, parts.path, query["client_id"]) == (host, "/oauth", ["client"])
    assert end_of(query["state"][0], SECRET) == NOON + timedelta(days=1)


@pytest.mark.parametrize(
    ("how", "referer", "expected"),
    [
        pytest.param(
            {"subdomain": "example"}, "example.kommo.com", "https://example.kommo.com", id="same"
        ),
        pytest.param({"subdomain": "example"}, "", "https://example.kommo.com", id="not-told"),
        pytest.param({"subdomain": "example"}, "other.kommo.com", None, id="another-account"),
        pytest.param(
            {"api_url": "https://crm.example.com"},
            "evil.example",
            "https://crm.example.com",
            id="the-settings-come-first",
        ),
        pytest.param({}, "Other.kommo.com", "https://other.kommo.com", id="kommos-host"),
        pytest.param({}, "other.amocrm.ru", "https://other.amocrm.ru", id="amocrms-host"),
        pytest.param({}, "evil.example", None, id="foreign-host"),
        pytest.param({}, "evil.example/.kommo.com", None, id="path-in-disguise"),
        pytest.param({}, "evil@x.kommo.com", None, id="user-in-disguise"),
        pytest.param({}, ".kommo.com", None, id="no-name"),
        pytest.param({}, "", None, id="nothing"),
    ],
)
def test_secrets_go_to_the_settings_account_or_to_kommo(how, referer, expected):
    """What the address bar says cannot send them anywhere else."""
    assert account_url(kommo(**how), referer) == expected
