"""Settings from real files, credentials and variables."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.settings import Settings, load
from bot.settings.location import find_file, readable_by_others

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "config.example.toml"
TOKEN = "700001:TEST" + "x" * 31
OTHER = "700002:TEST" + "y" * 31
UUID = "11111111-2222-4333-8444-555555555555"
VARIABLE = "KOMMO_TELEGRAM__"

MINIMAL = f"""
public_url = "https://bridge.example.com"
[kommo]
channel_id = "{UUID}"
channel_secret = "fake-secret"
account_id = "{UUID}"
[[telegram.bots]]
token = "{TOKEN}"
"""

Read = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a settings file and read it."""

    def reader(text: str = MINIMAL, environ: Mapping[str, str] | None = None) -> Settings:
        path = tmp_path / "config.toml"
        path.write_text(text, "utf-8")
        return load(path, environ or {})

    return reader


def changed(*changes: tuple[str, str], tail: str = "") -> str:
    """Return the smallest settings with something else in them."""
    text = MINIMAL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text + tail


def problems(read: Read, text: str = MINIMAL, **environ: str) -> list[str]:
    """Return the lines that an operator reads."""
    with pytest.raises(ConfigError) as caught:
        read(text, {VARIABLE + name: value for name, value in environ.items()})
    lines = str(caught.value).split("\n")
    assert len(lines) == len(caught.value.problems)
    return lines


def test_defaults_need_five_settings(read, tmp_path):
    """With only what is required, everything else has a sensible value."""
    settings = read()
    assert settings.public_url == "https://bridge.example.com"
    assert settings.kommo.chats_url == "https://amojo.kommo.com"
    assert settings.kommo.connect_on_start
    assert settings.kommo.rest_url is None
    assert settings.telegram.bots[0].bot_id == 700001
    assert (settings.listen.port, settings.admin.port) == (8080, 8081)
    assert settings.database == tmp_path / "kommo-telegram.sqlite3"
    assert settings.delivery.kommo_give_up_h == 72


def test_database_stands_beside_the_settings_file(read, tmp_path):
    """A relative path does not depend on where the bridge was started."""
    assert read(MINIMAL + '[storage]\npath = "data/x.db"').database == tmp_path / "data" / "x.db"
    assert read(MINIMAL + '[storage]\npath = "/var/x.db"').database == Path("/var/x.db")


def test_the_example_loads_as_it_is():
    """Whoever copies the example and fills in five values has settings that load."""
    settings = load(EXAMPLE, {})
    assert settings.telegram.bots[0].name == "Sales"
    assert EXAMPLE.read_text("utf-8").count("# REQUIRED") == 4


def test_the_example_names_every_setting(tmp_path):
    """With every optional line taken in, the example has each setting once, and loads."""
    alternative = '# api_url = "https://example.kommo.com"\n'
    text = EXAMPLE.read_text("utf-8")
    assert alternative in text
    path = tmp_path / "config.toml"
    text = text.replace(alternative, "").replace("chat_ids = []", "chat_ids = [-1]")
    path.write_text(re.sub(r"(?m)^# (?=\w+ = |\[)", "", text), "utf-8")
    settings = load(path, {})
    assert len(settings.telegram.bots) == 2
    written = set(_keys(tomllib.loads(path.read_text("utf-8"))))
    assert written | {"kommo.api_url"} == set(_keys(settings.model_dump(by_alias=True)))


def _keys(table: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """Return the names of all settings in nested tables."""
    for key, value in table.items():
        entries = value if isinstance(value, list | tuple) else [value]
        tables = [entry for entry in entries if isinstance(entry, dict)]
        for entry in tables:
            yield from _keys(entry, f"{prefix}{key}.")
        if not tables:
            yield f"{prefix}{key}"


@pytest.mark.parametrize(
    ("kommo", "rest_url"),
    [
        pytest.param('subdomain = "Example"', "https://example.kommo.com", id="subdomain"),
        pytest.param('api_url = "http://127.0.0.1:9/"', "http://127.0.0.1:9", id="api-url"),
        pytest.param(
            'subdomain = "example"\nchats_url = "https://amojo.amocrm.ru"',
            "https://example.amocrm.ru",
            id="amocrm",
        ),
    ],
)
def test_account_is_looked_up_with_token_and_address(read, kommo, rest_url):
    """Who gives a token and the account's address need not know the account's amojo id."""
    access = f'access_token = "fake"\n{kommo}'
    assert read(changed((f'account_id = "{UUID}"', access))).kommo.rest_url == rest_url
    oauth = (
        f"{kommo}\n[kommo.oauth]\nclient_id = 'a'\nclient_secret = 'fake'\n"
        "redirect_uri = 'https://bridge.example.com/oauth/kommo'"
    )
    settings = read(changed((f'account_id = "{UUID}"', oauth)))
    assert settings.kommo.rest_url == rest_url
    assert "fake" in settings.secrets()


BOTS = f"""
source = "sales"
default = true
[[telegram.bots]]
token = "{OTHER}"
source = "support"
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(changed(("https", "http")), "public_url: is http", id="http"),
        pytest.param(
            changed(("https://", "")), "public_url: is not a web address", id="no-scheme"
        ),
        pytest.param(
            changed(("example.com", "example.com:x")), "public_url: is not a web", id="bad-port"
        ),
        pytest.param(
            changed(("example.com", "example.com/?a=1")), "public_url: contains more", id="query"
        ),
        pytest.param(
            changed(("bridge.", "u:p@bridge.")), "public_url: contains more", id="user-in-address"
        ),
        pytest.param(changed(("bridge.", "bri dge.")), "public_url: is not a web", id="space"),
        pytest.param(changed(('"https', '"ftp')), "public_url: is not a web", id="ftp"),
        pytest.param(
            changed((f'nnel_id = "{UUID}"', 'nnel_id = "1"')),
            "kommo.channel_id: is not a UUID",
            id="uuid",
        ),
        pytest.param(
            changed(('"fake-secret"', '""')), "kommo.channel_secret: is empty", id="empty"
        ),
        pytest.param(
            changed(('"fake-secret"', '"fake\\nsecret"')),
            "kommo.channel_secret: holds",
            id="break",
        ),
        pytest.param(
            changed(('"fake-secret"', "12345678")),
            "kommo.channel_secret: is not a text",
            id="number",
        ),
        pytest.param(
            changed((f'account_id = "{UUID}"', "")), "kommo.account_id: is missing", id="account"
        ),
        pytest.param(
            changed((f'account_id = "{UUID}"', 'access_token = "fake"')),
            "kommo.account_id: is missing",
            id="token-without-address",
        ),
        pytest.param(
            changed(("[kommo]", '[kommo]\nsubdomain = "a"\napi_url = "https://a.test"')),
            "kommo.api_url: is set beside subdomain",
            id="two-addresses",
        ),
        pytest.param(
            changed(("[kommo]", '[kommo]\nsubdomain = "a.kommo.com"')),
            "kommo.subdomain: is not the first part",
            id="subdomain",
        ),
        pytest.param(
            changed(("[kommo]", '[kommo]\nstatus_field = "x"')),
            "kommo.status_field: is not one of",
            id="choice",
        ),
        pytest.param(
            changed(("[kommo]", "[kommo]\nconnect_on_start = 1")),
            "kommo.connect_on_start: is neither true nor false",
            id="bool",
        ),
        pytest.param(
            changed(("[kommo]", "[kommo]\noauth = 1")), "kommo.oauth: is not a table", id="table"
        ),
        pytest.param(
            changed(("[kommo]", '[kommo]\noauth = {client_id = "a", client_secret = "b"}')),
            "kommo.oauth.redirect_uri: is missing",
            id="oauth",
        ),
        pytest.param(
            changed((TOKEN, "700001 no key")), "telegram.bots[0].token: does not", id="token"
        ),
        pytest.param(
            changed(("[[telegram.bots]]", "[telegram.bots]")),
            "telegram.bots: is not a list",
            id="single-brackets",
        ),
        pytest.param(
            changed(
                ("[[telegram.bots]]", "[telegram]\nbots = []\n[logging]"),
                (f'token = "{TOKEN}"', ""),
            ),
            "telegram.bots: has too few entries",
            id="no-bot",
        ),
        pytest.param(
            MINIMAL + f'[[telegram.bots]]\ntoken = "{OTHER}"\nsource = "a"',
            "telegram.bots[0].source: is missing, where there are several bots",
            id="several-without-source",
        ),
        pytest.param(
            (MINIMAL + BOTS).replace(OTHER, TOKEN), "telegram.bots[1].token: is set", id="same-bot"
        ),
        pytest.param(
            (MINIMAL + BOTS).replace("support", "sales"),
            "telegram.bots[1].source: is set",
            id="same-source",
        ),
        pytest.param(
            MINIMAL + BOTS + "default = true",
            "telegram.bots[1].default: is set",
            id="two-defaults",
        ),
        pytest.param(
            MINIMAL + f'source = "{"x" * 37}"', "telegram.bots[0].source: is too", id="source"
        ),
        pytest.param(
            MINIMAL + "pipeline_id = 0", "telegram.bots[0].pipeline_id: is too", id="zero"
        ),
        pytest.param(MINIMAL + 'name = " "', "telegram.bots[0].name: is blank", id="blank"),
        pytest.param(MINIMAL + "[listen]\nport = 65536", "listen.port: is too large", id="port"),
        pytest.param(
            MINIMAL + "[listen]\nport = true", "listen.port: is not a whole", id="bool-port"
        ),
        pytest.param(
            MINIMAL + "[listen]\nport = 8081", "admin.port: is the port of", id="same-port"
        ),
        pytest.param(
            MINIMAL + "[storage]\npath = ''", "storage.path: is not a file", id="no-name"
        ),
        pytest.param(MINIMAL + "[storage]\npath = 1", "storage.path: is not a text", id="path"),
        pytest.param(
            MINIMAL + "[delivery]\nkommo_give_up_h = 0",
            "delivery.kommo_give_up_h: is too",
            id="hours",
        ),
        pytest.param(
            MINIMAL + "[delivery]\nkommo_give_up_h = nan",
            "delivery.kommo_give_up_h: is ",
            id="nan",
        ),
        pytest.param(
            MINIMAL + "[delivery]\ntelegram_give_up_min = inf",
            "delivery.telegram_give_up_min: is too large",
            id="for-ever",
        ),
        pytest.param(
            MINIMAL + '[operators]\nchat_ids = ["5"]', "operators.chat_ids[0]: is not", id="chat"
        ),
        pytest.param(
            MINIMAL + '[[templates]]\nhtml = "Hi"',
            "templates[0].external_id: is missing",
            id="template-of-nothing",
        ),
        pytest.param(
            MINIMAL + "[[templates]]\nid = 1", "templates[0].html: is missing", id="no-template"
        ),
        pytest.param(
            MINIMAL + '[[templates]]\nid = 1\nhtml = "<b>Hi"',
            "templates[0].html: has a <b> that is not closed",
            id="open-tag",
        ),
        pytest.param(
            MINIMAL + '[logging]\nlevel = "loud"', "logging.level: is not one", id="level"
        ),
        pytest.param(
            MINIMAL + "[logging]\nlevel = 1", "logging.level: is not one", id="level-number"
        ),
    ],
)
def test_wrong_settings_are_named(read, text, line):
    """One line says which setting is wrong, what is wrong with it, and what is expected."""
    (only, *others) = problems(read, text)
    assert only.startswith(line)
    assert "; expected " in only
    assert not [other for other in others if not other.startswith("telegram.bots[1].source")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            changed(("[kommo]", "[kommo]\nchanel_secret = 1")), "kommo.channel_secret", id="typo"
        ),
        pytest.param(MINIMAL + "tokn = 1", "telegram.bots[0].token", id="typo-in-a-list"),
        pytest.param("channel_bot_id = 1" + MINIMAL, "kommo.channel_bot_id", id="wrong-table"),
        pytest.param("telegrm = 1" + MINIMAL, "telegram", id="table"),
        pytest.param(MINIMAL + "[listen]\nzzz = 1", "one of host, port", id="nothing-near"),
        pytest.param("_env_file = '.env'" + MINIMAL, None, id="no-option-of-the-library"),
    ],
)
def test_unknown_keys_name_the_nearest(read, text, line):
    """A typo is an error that names the setting which was probably meant."""
    (only,) = problems(read, text)
    assert "is not a setting of this release; expected " in only
    assert line is None or only.endswith(f"expected {line}")


def test_all_problems_are_told_at_once(read):
    """Nobody has to start the bridge five times to mend five settings."""
    paths = [line.partition(":")[0] for line in problems(read, "[listen]\nport = 'x'")]
    required = ["public_url", "kommo.channel_id", "kommo.channel_secret", "kommo.account_id"]
    assert sorted(paths) == sorted([*required, "telegram.bots", "listen.port"])


def test_no_value_is_ever_shown(read):
    """An error never shows what was written, for it may be a secret in the wrong place."""
    fake = "sEcReT0123456789"
    text = (
        re.sub(r"= .*", f"= '{fake}'", MINIMAL) + f"[listen]\nport = '{fake}'\nhost = ['{fake}']"
    )
    assert fake not in "".join(problems(read, text, LOGGING=f"{fake}", ADMIN__PORT=fake))
    for broken in (
        f"a = {fake}",
        f"a = '{fake}",
        f"{fake}",
        f"{fake} = 1\n{fake} = 1",
        f"'{fake}",
    ):
        assert fake not in "".join(problems(read, broken))
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert caught.value.__suppress_context__


# --- the file


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        pytest.param(b"a = 1\nb = x", "line 2, column 5", "texts stand in quotes", id="no-quotes"),
        pytest.param(b"a = 1\na = 2", "line 2, column 6", "appears twice", id="twice"),
        pytest.param(b"[a]\n[a]", "line 2, column 3", "appears twice", id="table-twice"),
        pytest.param(b"abc", "line 1, column 4", "without = and value", id="no-value"),
        pytest.param(b"a = [1, 2", "line 1, column 10", "not closed", id="list"),
        pytest.param(b"a = 'x\n", "line 2, column 1", "text is not closed", id="text"),
        pytest.param(
            b"a = 'x\nb = 'y'", "line 1, column 7", "on its line", id="text-of-two-lines"
        ),
        pytest.param(b'a = "x\n', "line 1, column 7", "on its line", id="text-in-quotes"),
        pytest.param(b"[a", "line 1, column 3", "this is not TOML", id="header"),
        pytest.param(b"a = [" + b"[" * 9999, "", "nested too deeply", id="deep"),
        pytest.param(b"a = 1\nb = '\xe9'", "", "line 2 is not in UTF-8", id="latin-1"),
    ],
)
def test_broken_toml_is_located(tmp_path, content, where, what):
    """A slip in the file is found at its line and column."""
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).startswith(f"{path}")
    assert where in str(caught.value)
    assert what in str(caught.value)


def test_files_from_windows_are_read(tmp_path):
    """A byte order mark and Windows line ends do no harm."""
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert load(path, {}).kommo.channel_id == UUID


def test_unreadable_files_are_named(tmp_path):
    """A folder or a missing file is a clear error too."""
    for path, words in ((tmp_path, "Is a directory"), (tmp_path / "x.toml", "No such file")):
        with pytest.raises(ConfigError, match=f"{path}: cannot be read: {words}"):
            load(path, {})


def test_order_of_the_files(tmp_path):
    """The option comes before the variable, then the working folder, then the system."""
    environ = {"KOMMO_TELEGRAM_CONFIG": "b.toml"}
    system = tmp_path / "etc" / "config.toml"
    system.parent.mkdir()
    for name in ("a.toml", "b.toml", "config.toml", "etc/config.toml"):
        (tmp_path / name).touch()
    find = partial(find_file, cwd=tmp_path, system_file=system)
    assert find(Path("a.toml"), environ) == tmp_path / "a.toml"
    assert find(None, environ) == tmp_path / "b.toml"
    assert find(None, {"KOMMO_TELEGRAM_CONFIG": ""}) == tmp_path / "config.toml"
    (tmp_path / "config.toml").unlink()
    assert find(None, {}) == system


def test_missing_files_tell_where_was_looked(tmp_path):
    """Without any settings, the error names the places and the command that helps."""
    system = tmp_path / "etc" / "config.toml"
    find = partial(find_file, cwd=tmp_path, system_file=system)
    with pytest.raises(ConfigError) as caught:
        find(None, {})
    for word in (str(tmp_path / "config.toml"), str(system), "kommo-telegram init"):
        assert word in str(caught.value)
    with pytest.raises(ConfigError, match="KOMMO_TELEGRAM_CONFIG"):
        find(None, {"KOMMO_TELEGRAM_CONFIG": "x.toml"})
    (tmp_path / "config.toml").touch()
    with pytest.raises(ConfigError, match=r"x\.toml: there is no settings file"):
        find(Path("x.toml"), {})


def test_files_that_cannot_be_looked_at_are_taken(tmp_path):
    """A folder without permission is reported by reading, not passed over in silence."""
    (tmp_path / "config.toml").symlink_to("config.toml")  # a loop: neither there nor missing
    assert find_file(None, {}, tmp_path) == tmp_path / "config.toml"


def test_settings_readable_by_others_are_a_warning(tmp_path):
    """Whoever leaves secrets open to the machine's other users is told how to mend it."""
    path = tmp_path / "config.toml"
    path.touch(0o600)
    assert readable_by_others(path) is None
    path.chmod(0o640)
    assert f"chmod 600 {path}" in (readable_by_others(path) or "")


# --- variables and credentials


def test_everything_can_come_from_the_environment(tmp_path, monkeypatch):
    """A container needs no settings file."""
    monkeypatch.chdir(tmp_path)
    environ = {
        VARIABLE + "PUBLIC_URL": "https://bridge.example.com/",
        VARIABLE + "KOMMO__CHANNEL_ID": UUID,
        VARIABLE + "KOMMO__CHANNEL_SECRET": "fake-secret",
        VARIABLE + "KOMMO__ACCOUNT_ID": UUID,
        VARIABLE + "TELEGRAM__BOTS__0__TOKEN": TOKEN,
        VARIABLE + "TELEGRAM__BOTS__0__SOURCE": "7",
        VARIABLE + "TELEGRAM__BOTS__1": json.dumps({"token": OTHER}),
        VARIABLE + "TELEGRAM__BOTS__1__SOURCE": "8",
        VARIABLE + "TELEGRAM__INFER_READ": "false",
        VARIABLE + "LISTEN__PORT": "0",
        VARIABLE + "DELIVERY__KOMMO_GIVE_UP_H": "0.5",
        VARIABLE + "OPERATORS__CHAT_IDS": "[1, -2]",
        VARIABLE + "OPERATORS__CHAT_IDS__2": "3",
        "SOMETHING_ELSE": "x",
    }
    assert find_file(None, environ, tmp_path, system_file=tmp_path / "none") is None
    settings = load(None, environ)
    assert settings.public_url == "https://bridge.example.com"
    assert [bot.source for bot in settings.telegram.bots] == ["7", "8"]
    assert (settings.telegram.infer_read, settings.listen.port) == (False, 0)
    assert settings.operators.chat_ids == (1, -2, 3)
    assert settings.delivery.kommo_give_up_h == 0.5
    assert settings.database == tmp_path / "kommo-telegram.sqlite3"
    assert settings.secrets() == ["fake-secret", TOKEN, OTHER]


def test_environment_before_credentials_before_file(read, tmp_path):
    """Each layer overrides single values of the one below, within lists too."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "kommo.channel_secret").write_text("from-credential\n")
    (folder / "kommo.access_token").write_text("from-credential")
    (folder / "telegram.bots.0.token").write_text(OTHER + "\r\n")
    (folder / "tls.key").write_text("not ours")
    environ = {
        "CREDENTIALS_DIRECTORY": str(folder),
        VARIABLE + "KOMMO__ACCESS_TOKEN": "from-environment",
    }
    settings = read(MINIMAL + 'name = "Sales"', environ)
    assert settings.kommo.channel_secret.get_secret_value() == "from-credential"
    assert settings.kommo.access_token is not None
    assert settings.kommo.access_token.get_secret_value() == "from-environment"
    assert settings.telegram.bots[0].token.get_secret_value() == OTHER
    assert settings.telegram.bots[0].name == "Sales"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        pytest.param(
            "KOMMO__CHANEL_SECRET",
            "x",
            "kommo.chanel_secret (from $KOMMO_TELEGRAM__KOMMO__CHANEL_SECRET): is not a setting "
            "of this release; expected KOMMO_TELEGRAM__KOMMO__CHANNEL_SECRET",
            id="typo",
        ),
        pytest.param(
            "LISTEN__PORT",
            "x",
            "listen.port (from $KOMMO_TELEGRAM__LISTEN__PORT): is not a whole",
            id="number",
        ),
        pytest.param("TELEGRAM__INFER_READ", "maybe", "telegram.infer_read (from", id="bool"),
        pytest.param("KOMMO__ACCESS_TOKEN", "", "kommo.access_token (from", id="empty"),
        pytest.param("TELEGRAM__BOTS", "[", "telegram.bots (from", id="json"),
        pytest.param(
            "TELEGRAM__BOTS",
            '[{"token": ""}]',
            "telegram.bots[0].token (from $KOMMO_TELEGRAM__TELEGRAM__BOTS)",
            id="inside-json",
        ),
        pytest.param("TELEGRAM__BOTS__2__TOKEN", TOKEN, "telegram.bots[2].token (from", id="gap"),
        pytest.param("TELEGRAM__BOTS__2", "{}", "telegram.bots[2] (from", id="gap-of-wholes"),
        pytest.param("TELEGRAM__BOTS__X", "1", "telegram.bots.x (from", id="name-in-a-list"),
        pytest.param(
            "TELEGRAM__BOTS__X__Y", "1", "telegram.bots.x.y (from", id="name-inside-a-list"
        ),
        pytest.param("PUBLIC_URL__X", "1", "public_url.x (from", id="below-a-value"),
        pytest.param("KOMMO__0", "1", "kommo.0 (from", id="number-in-a-table"),
        pytest.param("", "1", " (from $KOMMO_TELEGRAM__)", id="no-name"),
        pytest.param(
            "ADMIN__PORT",
            "8080",
            "admin.port (from $KOMMO_TELEGRAM__ADMIN__PORT): is the port",
            id="mismatch",
        ),
    ],
)
def test_wrong_variables_are_named(read, name, value, line):
    """What is wrong in the environment is reported with the variable's name."""
    (only,) = problems(read, **{name: value})
    assert only.startswith(line)


def test_wrong_credentials_are_named(read, tmp_path):
    """A credential that cannot be used is reported with its file's name."""
    (tmp_path / "kommo.chanel_secret").write_text("x")
    (tmp_path / "kommo.access_token").write_bytes(b"\xff")
    (tmp_path / "telegram.bots.0.token").mkdir()
    with pytest.raises(ConfigError) as caught:
        read(MINIMAL, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert [str(problem).partition(";")[0] for problem in caught.value.problems] == [
        "kommo.access_token (from the credential kommo.access_token): is not in UTF-8",
        "telegram.bots[0].token (from the credential telegram.bots.0.token): "
        "cannot be read: Is a directory",
        "kommo.chanel_secret (from the credential kommo.chanel_secret): "
        "is not a setting of this release",
    ]
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read(MINIMAL, {"CREDENTIALS_DIRECTORY": str(tmp_path / "none")})


def test_problems_stay_on_one_line(read):
    """Whatever a key holds, one wrong setting is one line."""
    (only,) = problems(read, '"a\\n\\u001b[31m" = 1\n' + MINIMAL)
    assert only.isprintable()


def test_settings_start_fast():
    """A wrong setting is told without waiting for the Telegram library, which takes seconds."""
    modules = "bot.settings, bot.logs, bot.queue.outcomes"
    code = f"import sys, {modules}; sys.exit('aiogram' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("texts", "ask_phone"),
    [
        pytest.param("", False, id="nothing"),
        pytest.param("ask_phone = true", True, id="usual-words"),
        pytest.param('ask_phone = "Share it"', "Share it", id="own-words"),
    ],
)
def test_what_new_clients_are_asked(read, texts, ask_phone):
    """The button for the phone number has usual words, or those of the settings."""
    settings = read(MINIMAL + f"[texts]\n{texts}\n")
    assert settings.texts.ask_phone == ask_phone
    assert settings.texts.welcome is None


def test_what_new_clients_cannot_be_told(read):
    """A welcome that Telegram would not take is found out at the start."""
    text = MINIMAL + f'[texts]\nwelcome = "{"x" * 4097}"\n'
    with pytest.raises(ConfigError, match=r"texts\.welcome"):
        read(text)


def test_a_region_is_a_country(read):
    """Two capital letters that libphonenumber knows."""
    text = MINIMAL.replace("[kommo]", '[kommo]\nphone_region = "Utopia"')
    with pytest.raises(ConfigError, match=r"kommo\.phone_region"):
        read(text)
    assert read(text.replace("Utopia", "ES")).kommo.phone_region == "ES"


def test_who_may_not_read_the_settings_is_told_of_sudo(tmp_path):
    """They are for root where the service is installed; an ordinary user forgets that."""
    file = tmp_path / "config.toml"
    file.touch(mode=0o000)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        with pytest.raises(ConfigError, match="begin the command with sudo"):
            load(file, {})
    finally:
        if is_root:
            os.seteuid(0)
