"""The widget archive, read back from its file as Kommo reads an upload."""

import json
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO, StringIO

import pytest
from PIL import Image

from tests.e2e.commands import run_command

LOGOS = {
    "logo_main": (400, 272),
    "logo_medium": (240, 84),
    "logo_small": (108, 108),
    "logo_min": (84, 84),
    "logo": (130, 100),
}
CALLBACKS = ["render", "init", "bind_actions", "settings", "onSave", "destroy"]


@pytest.fixture
async def made(tmp_path):
    """The archive's files, made by the command without any settings file."""
    file = tmp_path / "widget.zip"
    code, said, errors = await run_command(
        "widget", str(file), "--code", "sales_widget", config=tmp_path / "missing.toml"
    )
    assert code == 0, errors
    assert "sources sync" in said
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_the_archive_holds_what_kommo_asks_for_and_nothing_else(made):
    """Manifest, script, a file of texts per language, five logos: at the archive's root."""
    assert set(made) == {
        "manifest.json",
        "script.js",
        *(f"i18n/{language}.json" for language in ("en", "es", "pt", "ru")),
        *(f"images/{name}.png" for name in LOGOS),
    }


async def test_the_manifest_asks_for_lead_sources(made):
    """Every field that Kommo names is there, in Kommo's shape, and the given code."""
    manifest = json.loads(made["manifest.json"])
    widget = manifest["widget"]
    assert manifest["locations"] == ["lead_sources"]
    assert manifest["settings"] == {}
    assert widget["interface_version"] == 2
    assert (widget["init_once"], widget["installation"]) == (True, True)
    assert widget["code"] == "sales_widget"
    assert all(part.isdigit() for part in widget["version"].split("."))
    assert set(widget["support"]) == {"link", "email"}
    assert widget["locale"] == ["en", "es", "pt", "ru"]


async def test_each_text_of_the_manifest_exists_in_each_language(made):
    """Name and descriptions are keys, and every language has them, in its own words."""
    widget = json.loads(made["manifest.json"])["widget"]
    for key in ("name", "short_description", "description"):
        said = set()
        for language in widget["locale"]:
            table, _, word = widget[key].partition(".")
            said.add(json.loads(made[f"i18n/{language}.json"])[table][word])
        assert len(said) == 4
        assert "" not in said


async def test_logos_have_kommos_sizes_and_weight(made):
    """Five PNG files of the documented sizes, each far below 300 KB, with a picture on them."""
    for name, size in LOGOS.items():
        content = made[f"images/{name}.png"]
        with Image.open(BytesIO(content)) as image:
            assert (image.format, image.size) == ("PNG", size)
            assert len(image.getcolors(maxcolors=1 << 20) or ()) > 2
        assert len(content) < 300_000


@pytest.mark.skipif(shutil.which("node") is None, reason="node is needed to run the script")
def test_the_script_runs_and_every_callback_says_yes(made):
    """Kommo's front end gets an object whose usual callbacks return true, and nothing happens."""
    kommo = """
    let made;
    const define = (needs, make) => { if (needs.length) throw 1; made = new (make())(); };
    eval(require("fs").readFileSync(0, "utf8"));
    const said = Object.entries(made.callbacks).map(([name, call]) => [name, call()]);
    console.log(JSON.stringify(said));
    """
    done = subprocess.run(
        ["node", "-e", kommo], input=made["script.js"], capture_output=True, check=True, timeout=30
    )
    assert json.loads(done.stdout) == [[name, True] for name in CALLBACKS]


async def test_the_same_call_makes_the_same_file_and_asks_before_replacing(tmp_path, monkeypatch):
    """An archive is only replaced after a yes, and two made alike are equal byte by byte."""
    file, nowhere = tmp_path / "widget.zip", tmp_path / "missing.toml"
    file.write_text("something of somebody's")
    monkeypatch.setattr(sys, "stdin", StringIO("n\n"))
    code, _, errors = await run_command("widget", str(file), config=nowhere)
    assert (code, file.read_text()) == (1, "something of somebody's")
    assert "exists already" in errors
    first = [await run_command("widget", str(file), "--yes", config=nowhere), file.read_bytes()]
    again = [await run_command("widget", str(file), "--yes", config=nowhere), file.read_bytes()]
    assert first == again
    with zipfile.ZipFile(file) as archive:
        assert "code" not in json.loads(archive.read("manifest.json"))["widget"]


@pytest.mark.parametrize(
    "options",
    [
        ("--version", "new"),
        ("--version", ""),
        ("--version", "2"),
        ("--version", "1.0-beta"),
        ("--code", "two words"),
        ("--code", "código"),
    ],
)
async def test_what_kommo_would_not_take_is_wrong_usage(tmp_path, options):
    """Kommo would refuse the upload much later, in words of its own."""
    file = tmp_path / "widget.zip"
    code, _, errors = await run_command("widget", str(file), *options, config=tmp_path / "c.toml")
    assert (code, file.exists()) == (2, False)
    assert options[0] in errors


async def test_a_folder_that_is_missing_is_said_in_words(tmp_path):
    """What cannot be written is a line with the reason."""
    file = tmp_path / "nowhere" / "widget.zip"
    code, _, errors = await run_command("widget", str(file), config=tmp_path / "missing.toml")
    assert code == 1
    assert f"cannot write {file}" in errors
