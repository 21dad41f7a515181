"""Sources and templates in Kommo, by command."""

import json

import pytest

from bot.account.apis import open_rest
from bot.settings import load
from kommo.errors import HeldBackError, RateLimitedError


@pytest.fixture
def with_rest(config, kommo):
    """Settings with a token, a channel code, and a source for their bot."""
    text = config.read_text(encoding="utf-8")
    access = f'access_token = "{kommo.access_token}"\napi_url = "{kommo.url}"'
    text = text.replace("[kommo]", f'[kommo]\n{access}\nchannel_code = "amo.ext.12345678"')
    config.write_text(
        text.replace("[[telegram.bots]]", '[[telegram.bots]]\nsource = "sales"\nname = "Sales"'),
        encoding="utf-8",
    )
    return config


async def test_sources_are_made_renamed_and_otherwise_left_alone(with_rest, command, kommo):
    """Sync creates what is missing, changes what differs, and then has nothing to do."""
    assert "sales: created" in (await command("sources", "sync"))[1]
    [source] = kommo.account.sources
    assert (source["name"], source["origin_code"]) == ("Sales", "amo.ext.12345678")
    source["name"] = "renamed by hand"
    assert "sales: changed" in (await command("sources", "sync"))[1]
    assert source["name"] == "Sales"
    assert (await command("sources", "sync"))[1] == "Nothing to do.\n"


async def test_a_source_deleted_behind_the_bridges_back_is_made_again(with_rest, command, kommo):
    """`sources list` shows what is missing, and sync makes it."""
    await command("sources", "sync")
    kommo.account.sources.clear()
    assert "missing" in (await command("sources", "list"))[1]
    assert "sales: created" in (await command("sources", "sync"))[1]


async def test_both_sides_are_told_to_programs(with_rest, command, kommo):
    """`sources list --json`: one document; what one side lacks is null."""
    kommo.account.sources.append({"id": 7, "external_id": "old", "name": "Old", "default": False})
    rows = json.loads((await command("sources", "list", "--json"))[1])
    assert [(row["source"], row["bot_id"]) for row in rows] == [("sales", 700001), ("old", None)]
    assert [row["in_kommo"] and row["in_kommo"]["id"] for row in rows] == [None, 7]


async def test_pipeline_and_default_go_where_the_settings_say(with_rest, command, kommo):
    """Sync sets both, moves the default from another source, and leaves what is not said."""
    other = {"id": 7, "external_id": "old", "name": "Old", "default": True, "pipeline_id": 1300}
    kommo.account.sources.append(other)
    text = with_rest.read_text(encoding="utf-8")
    with_rest.write_text(
        text.replace('source = "sales"', 'source = "sales"\npipeline_id = 1301\ndefault = true')
    )
    assert (await command("sources", "sync"))[0] == 0
    rows = {row["external_id"]: row for row in kommo.account.sources}
    assert (rows["sales"]["pipeline_id"], rows["sales"]["default"]) == (1301, True)
    assert not rows["old"]["default"]
    with_rest.write_text(text)
    assert (await command("sources", "sync"))[1].startswith("old: no bot has it")
    assert rows["sales"]["pipeline_id"] == 1301


async def test_a_pipeline_that_is_not_there_is_named(with_rest, command):
    """Kommo's own words of a wrong value reach the person who set it."""
    text = with_rest.read_text(encoding="utf-8")
    with_rest.write_text(text.replace('source = "sales"', 'source = "sales"\npipeline_id = 9'))
    code, _, errors = await command("sources", "sync")
    assert code == 1
    assert "0.pipeline_id" in errors


async def test_check_names_missing_sources_and_a_missing_widget(with_rest, command, kommo):
    """Each line that fails has its remedy; after the remedy it is well."""
    code, said, _ = await command("check")
    assert code == 1
    assert "sales" in said
    assert "kommo-telegram sources sync" in said
    await command("sources", "sync")
    assert "every bot's source is in Kommo" in (await command("check"))[1]
    kommo.account.has_widget = False
    assert "kommo-telegram widget FILE.zip" in (await command("check"))[1]


async def test_foreign_sources_are_deleted_only_when_told_to(with_rest, command, kommo):
    """What no bot has stays, until --prune."""
    old = {"id": 7, "external_id": "old", "name": "Old", "default": False}
    kommo.account.sources.append(old)
    await command("sources", "sync")
    assert old in kommo.account.sources
    await command("sources", "sync", "--prune")
    assert [row["external_id"] for row in kommo.account.sources] == ["sales"]


async def test_pruning_makes_room_where_there_is_none(with_rest, command, kommo):
    """A hundred sources of bots that are gone do not keep a new one out."""
    kommo.account.sources += [
        {"id": number, "external_id": f"old-{number}", "name": "Old", "default": False}
        for number in range(1, 101)
    ]
    assert (await command("sources", "sync"))[0] == 1
    assert len(kommo.account.sources) == 100
    assert (await command("sources", "sync", "--prune"))[0] == 0
    assert [row["external_id"] for row in kommo.account.sources] == ["sales"]


async def test_without_a_widget_the_refusal_says_what_is_missing(with_rest, command, kommo):
    """Kommo's 403 on sources names the archive that they need."""
    kommo.account.has_widget = False
    code, _, errors = await command("sources", "list")
    assert code == 1
    assert "kommo-telegram widget FILE.zip" in errors


async def test_a_command_waits_when_others_ask_as_well(with_rest, command, kommo):
    """Kommo's seven requests a second are shared: a command that comes too soon asks again."""
    fault = kommo.faults.fail("/api/v4/sources", status=429, times=1)
    assert "created" in (await command("sources", "sync"))[1]
    assert fault.hits == 1


async def test_a_command_does_not_wait_for_long(with_rest, command, kommo):
    """A wait of minutes is left to the person who asked."""
    kommo.faults.fail("/api/v4/sources", status=429, times=None, retry_after=600)
    code, _, error = await command("sources", "list")
    assert code == 1
    assert "7 requests a second" in error


REFUSALS = [
    pytest.param(401, "make a new one", id="no-token"),
    pytest.param(402, "renew its subscription", id="unpaid"),
    pytest.param(403, "administrator", id="no-rights"),
    pytest.param(500, "try again in a few minutes", id="broken"),
    pytest.param(503, "try again in a few minutes", id="outage"),
]


@pytest.mark.parametrize(("status", "remedy"), REFUSALS)
async def test_each_refusal_of_the_rest_api_says_what_to_do(
    with_rest, command, kommo, status, remedy
):
    """Kommo's number alone helps nobody."""
    kommo.faults.fail("/api/v4/*", status=status, times=None)
    for arguments in (["sources", "list"], ["sources", "sync"], ["templates", "list"]):
        code, output, errors = await command(*arguments)
        assert (code, output) == (1, "")
        assert str(status) in errors
        assert remedy in errors
        assert errors.count("\n") == 1


async def test_a_kommo_that_is_not_there_is_said_with_what_to_check(with_rest, command, kommo):
    """A wrong subdomain, or no network."""
    kommo.faults.reset("/api/v4/*", times=None)
    code, _, errors = await command("sources", "list")
    assert code == 1
    assert "check kommo.subdomain" in errors


@pytest.mark.parametrize(("status", "remedy"), REFUSALS[:3])
async def test_the_log_says_what_to_do_about_a_refusal(
    with_rest, bridge, telegram, kommo, eventually, caplog, status, remedy
):
    """A client who cannot be tied to a contact is told of with the remedy; the message arrives."""
    kommo.faults.fail("/api/v4/*", status=status, times=None)
    telegram.client_shares_phone("+14155550123")
    await eventually(lambda: len(kommo.received) == 1, within_s=60)
    await eventually(lambda: remedy in caplog.text)


async def test_without_rest_access_a_command_says_what_to_set(command):
    """Messaging needs no token; sources do, and say so."""
    code, _, errors = await command("sources", "list")
    assert code == 1
    assert "kommo.access_token" in errors


async def test_templates_are_pushed_and_changed_by_external_id(
    with_rest, command, kommo, tmp_path
):
    """A file pushed twice, with another text the second time, is one template."""
    file = tmp_path / "templates.toml"
    text = """
[[templates]]
external_id = "order"
name = "Order"
content = "Hello"
buttons = [{text = "Yes"}, {text = "Site", url = "https://example.com"}]
"""
    file.write_text(text, encoding="utf-8")
    assert "order: created" in (await command("templates", "push", str(file)))[1]
    file.write_text(text.replace("Hello", "Welcome"), encoding="utf-8")
    assert "order: changed" in (await command("templates", "push", str(file)))[1]
    [template] = kommo.account.templates
    assert template["content"] == "Welcome"
    assert [button["type"] for button in template["buttons"]] == ["inline", "url"]
    assert "Welcome" in (await command("templates", "list"))[1]
    [row] = json.loads((await command("templates", "list", "--json"))[1])
    assert (row["external_id"], row["content"]) == ("order", "Welcome")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[[templates]]\nname = 'a'", "external_id", id="missing"),
        pytest.param("templates = 1", "templates", id="not-tables"),
        pytest.param("[", "templates.toml", id="not-toml"),
        pytest.param("\xff", "not a text in UTF-8", id="not-utf8"),
        pytest.param(None, "No such file", id="no-file"),
    ],
)
async def test_a_wrong_file_of_templates_is_named(with_rest, command, kommo, tmp_path, text, said):
    """Nothing is pushed from a file that is wrong; the line says where, once."""
    file = tmp_path / "templates.toml"
    if text is not None:
        file.write_text(text, encoding="latin-1")
    code, _, errors = await command("templates", "push", str(file))
    assert code == 1
    assert said in errors
    assert errors.count(str(file)) == 1
    assert kommo.account.templates == []


async def test_a_file_without_templates_is_nothing_to_do(with_rest, command, tmp_path):
    """A command that does nothing says so."""
    file = tmp_path / "templates.toml"
    file.write_text("templates = []", encoding="utf-8")
    assert (await command("templates", "push", str(file)))[:2] == (0, "Nothing to do.\n")


async def test_a_source_that_kommo_made_itself_has_a_name(with_rest, command, kommo):
    """Without an external_id it is known by its name and number."""
    own = {"id": 7, "external_id": None, "name": "Own", "default": False}
    kommo.account.sources.append(own)
    assert "Own (id 7)" in (await command("sources", "list"))[1]
    assert "Own (id 7): no bot has it" in (await command("sources", "sync"))[1]


async def test_bots_without_a_source_are_said(with_rest, command):
    """`sources sync` that cannot do anything says what to set."""
    text = with_rest.read_text(encoding="utf-8")
    with_rest.write_text(text.replace('source = "sales"\n', ""), encoding="utf-8")
    code, output, errors = await command("sources", "sync")
    assert (code, output) == (0, "Nothing to do.\n")
    assert "no bot of the settings has a source" in errors


async def test_the_rest_api_is_left_alone_for_as_long_as_it_says(with_rest, config, kommo):
    """The pause stands in the body of Kommo's 429; whoever else asks keeps it as well.

    Reference: Kommo, HTTP codes.
    """
    body = {"title": "Too Many Requests", "status": 429, "retry_after": "300"}
    refused = kommo.faults.fail("/api/v4/account", status=429, body=body, times=None)
    async with open_rest(load(config, {})) as crm:
        with pytest.raises(RateLimitedError) as raised:
            await crm.account_id()
        assert raised.value.retry_after_s == 300
        with pytest.raises(HeldBackError):
            await crm.sources()
    assert refused.hits == 1
    assert not kommo.calls("sources")
