"""`config show`: every setting with its origin, and no character of a secret."""

import json

import pytest
from pydantic import SecretStr

from bot.settings import Settings, load
from tests.e2e.commands import run_command
from tests.unit.test_docs import keys

SECRETS = {
    "kommo.channel_secret": "fake-channel-secret-1",
    "kommo.access_token": "fake-access-token-2",
    "kommo.oauth.client_secret": "fake-client-secret-3",
    "telegram.bots[0].token": "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001",
    "telegram.bots[1].token": "700002:FAKE-TOKEN-FOR-TESTS-ONLY-0000000002",
}
TEXT = """public_url = "https://bridge.example.com"

[kommo]
channel_id = "11111111-2222-4333-8444-555555555555"
channel_secret = "fake-channel-secret-1"
subdomain = "example"
access_token = "fake-access-token-2"
[kommo.oauth]
client_id = "client"
client_secret = "fake-client-secret-3"
redirect_uri = "https://bridge.example.com/oauth/kommo"

[[telegram.bots]]
token = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"
source = "one"
[[telegram.bots]]  # the second
source = "two"
token = "700002:FAKE-TOKEN-FOR-TESTS-ONLY-0000000002"

[texts]
welcome = \"\"\"
[logging]
level = "not this one"
\"\"\"
[logging]
level = "debug"
"""


@pytest.fixture
def file(tmp_path):
    """A settings file with every secret in it."""
    path = tmp_path / "config.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


async def show(file):
    """Return each setting's value and origin."""
    code, said, errors = await run_command("config", "show", "--json", config=file)
    assert (code, errors) == (0, "")
    return {row["name"]: (row["value"], row["origin"]) for row in json.loads(said)}


async def test_each_setting_has_its_value_and_its_line(file):
    """Tables, entries of lists, texts of several lines; what nobody set is the default."""
    found = await show(file)
    assert found["public_url"] == ("https://bridge.example.com", f"{file}, line 1")
    assert found["kommo.subdomain"] == ("example", f"{file}, line 6")
    assert found["kommo.oauth.client_id"] == ("client", f"{file}, line 9")
    assert found["telegram.bots[0].source"] == ("one", f"{file}, line 15")
    assert found["telegram.bots[1].source"] == ("two", f"{file}, line 17")
    assert found["logging.level"] == ("debug", f"{file}, line 26")
    assert found["listen.port"] == (8080, "default")
    assert found["storage.path"] == (str(file.parent / "kommo-telegram.sqlite3"), "default")


async def test_variables_and_credentials_are_named(file, tmp_path, monkeypatch):
    """What comes before the file hides what stands there."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "kommo.channel_secret").write_text("fake-from-credential")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    monkeypatch.setenv("KOMMO_TELEGRAM__LISTEN__PORT", "9090")
    monkeypatch.setenv("KOMMO_TELEGRAM__KOMMO__TITLE", "Ours")
    found = await show(file)
    assert found["kommo.channel_secret"][1] == "the credential kommo.channel_secret"
    assert found["listen.port"] == (9090, "$KOMMO_TELEGRAM__LISTEN__PORT")
    assert found["kommo.title"] == ("Ours", "$KOMMO_TELEGRAM__KOMMO__TITLE")


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["text", "json"])
async def test_no_character_of_a_secret_is_shown(file, arguments):
    """Every secret reads the same, whatever it is and however long."""
    code, said, _errors = await run_command("config", "show", *arguments, config=file)
    assert code == 0
    assert [secret for secret in SECRETS.values() if secret[-12:] in said] == []
    found = await show(file)
    assert {found[name][0] for name in SECRETS} == {"********"}


async def test_every_setting_is_shown(file):
    """Whatever the settings have, and every secret of theirs is one here."""
    found = await show(file)
    wanted = {
        key.replace("[]", "[0]") for key in keys(Settings) if not key.startswith("templates")
    }
    assert wanted <= set(found)
    settings = load(file, {})
    secret = [name for name, value in settings.kommo if isinstance(value, SecretStr)]
    assert {f"kommo.{name}" for name in secret} <= set(SECRETS)


async def test_in_a_pipe_each_setting_is_one_line(file):
    """Name, value and origin stand between tabs; a text of several lines stays one line."""
    _code, said, _errors = await run_command("config", "show", config=file)
    rows = [line.split("\t") for line in said.splitlines()]
    assert {len(row) for row in rows} == {3}
    assert ["kommo.subdomain", "example", f"{file}, line 6"] in rows


async def test_what_support_has_not_told_yet_is_said(file):
    """The days of waiting are no error."""
    file.write_text(TEXT.replace('channel_secret = "fake-channel-secret-1"\n', ""))
    found = await show(file)
    assert found["kommo.channel_secret"] == (None, "not set yet: Kommo support tells it")


async def test_wrong_settings_are_named_instead(file):
    """As everywhere: one line per wrong setting, exit code 2."""
    file.write_text(TEXT.replace("[kommo]", "[kommo]\nchanel_id = 1"))
    code, said, errors = await run_command("config", "show", "--json", config=file)
    assert (code, said) == (2, "")
    assert "kommo.chanel_id" in errors
