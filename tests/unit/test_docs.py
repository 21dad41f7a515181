"""The documents say what the program knows."""

import re
import subprocess
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.settings import Settings, load
from scripts import reference
from tests.programs import program

ROOT = Path(__file__).parent.parent.parent
MANUAL = ROOT / "share/man/man1/kommo-telegram.1"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return every setting as the README names it."""
    found: list[str] = []
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        table = next(
            (
                part
                for part in [field.annotation, *getattr(field.annotation, "__args__", ())]
                if isinstance(part, type) and issubclass(part, BaseModel)
            ),
            None,
        )
        is_list = "tuple" in str(field.annotation)
        path = f"{prefix}{name}" + ("[]" if table and is_list else "")
        found += keys(table, f"{path}.") if table else [path]
    return found


def test_the_example_loads_as_it_is():
    """A copy of the example is a valid file; only its values must be changed."""
    assert load(ROOT / "config.example.toml", {}).telegram.bots


@pytest.mark.parametrize("key", keys(Settings))
def test_every_setting_is_in_the_reference_and_in_the_example(key):
    """Nothing can be set that is not explained."""
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    assert f"**`{key}`**" in page
    example = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    assert re.search(rf"^#?\s*{re.escape(key.rpartition('.')[2])}\s*=", example, re.MULTILINE)


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_reference_is_what_the_program_says(name):
    """A generated page that is stale is found out; `make docs` writes it again."""
    written = (ROOT / "docs/reference" / name).read_text(encoding="utf-8")
    assert written == reference.PAGES[name]()


@pytest.mark.parametrize("name", reference.SHARED)
def test_what_is_shared_is_what_the_program_says(name):
    """The man page and the scripts for shells are written again by `make docs`, too."""
    assert (ROOT / "share" / name).read_text(encoding="utf-8") == reference.SHARED[name]()


def test_nothing_else_is_shared():
    """A file that nobody writes any more is taken away."""
    files = [path for path in (ROOT / "share").rglob("*") if path.is_file()]
    assert {str(path.relative_to(ROOT / "share")) for path in files} == {*reference.SHARED}


def test_the_man_page_is_sound():
    """The program that shows it has nothing to complain of."""
    command = [program("groff", "groff"), "-man", "-ww", "-z", "-Tutf8", str(MANUAL)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "name", ["trace [OPTIONS] ID", "queue retry [OPTIONS]", "completion [OPTIONS] SHELL"]
)
def test_the_man_page_shows_every_command_as_it_is_typed(name):
    """Hyphens, apostrophes and brackets survive."""
    command = [program("groff", "groff"), "-man", "-Tascii", "-P-cbou", str(MANUAL)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    shown = " ".join(done.stdout.split())
    assert f"kommo-telegram {name}" in shown
    assert "Kommo's" in shown


def commands() -> list[str]:
    """Return every command as it is typed, those below another included."""
    return [name for name, _help in reference.helps() if name != "kommo-telegram"]


def test_there_are_commands():
    """Commands below others are found too."""
    assert {"kommo-telegram run", "kommo-telegram queue list"} <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_reference(command):
    """Each command that the program has is named where a user looks for it."""
    page = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    assert f"\n## `{command}`\n" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda it: str(it.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page):
    """A page names no command that was renamed or never was."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|\bsudo |^)kommo-telegram ((?:[a-z]+ ?)+)", text, re.MULTILINE)
    known = {tuple(name.split()[1:]) for name in commands()}
    groups = {name[0] for name in known if len(name) > 1}
    for words in (tuple(words.split()) for words in named):
        assert words[: 2 if words[0] in groups else 1] in known | {(it,) for it in groups}


def test_every_symptom_is_told_in_the_programs_own_words():
    """Who searches the troubleshooting for what an alert or the log says finds it."""
    table = (ROOT / "docs/operate/troubleshooting.md").read_text(encoding="utf-8")
    rows = re.findall(r'^\| "([^"]+)"', table, re.MULTILINE)
    quoted = [re.sub(r"(?<=answered )\d+", "{status}", words) for words in rows]
    source = "".join(
        re.sub(r'"\s+f?"', "", file.read_text(encoding="utf-8"))
        for package in ("bot", "kommo", "storage")
        for file in (ROOT / package).rglob("*.py")
    )
    assert len(quoted) > 10
    assert [words for words in quoted if words not in source] == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made of their words."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda it: str(it.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    """A page that was moved or a heading that was changed is found out."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    for path, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda it: it.stem)
def test_every_page_is_in_an_index(page):
    """Every page can be found from the first one."""
    index = ROOT / "docs/index.md"
    linked = {index}
    for _ in range(2):
        for known in list(linked):
            text = known.read_text(encoding="utf-8")
            found = re.findall(r"\]\(([^):#\s]+\.md)[^)]*\)", text)
            linked |= {(known.parent / path).resolve() for path in found}
    assert page in linked


def test_every_page_that_the_program_names_is_there():
    """A message, a unit or a docstring sends nobody to a page that was moved."""
    sources = [
        *(
            file
            for package in ("bot", "kommo", "storage", "sandbox", "systemd", "scripts")
            for file in (ROOT / package).rglob("*")
            if file.suffix in {".py", ".service", ""}
        ),
        ROOT / "config.example.toml",
        ROOT / "pyproject.toml",
        ROOT / "Makefile",
    ]
    named = {
        name
        for file in sources
        if file.is_file()
        for name in re.findall(r"docs/[\w/-]+\.\w+", file.read_text(encoding="utf-8"))
    }
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


RECORDS = sorted((ROOT / "docs/explain/decisions").glob("0*.md"))


@pytest.mark.parametrize("record", RECORDS, ids=lambda it: it.stem)
def test_every_decision_has_its_date_and_status_and_is_in_the_index(record):
    """Records look alike, and the index says the same as they do."""
    text = record.read_text(encoding="utf-8")
    head = re.match(
        r"# (\d{4})\. (.+)\n\nStatus: (?:accepted|superseded by).*\. Date: (\d{4}-\d\d-\d\d)\.\n",
        text,
    )
    assert head
    number, title, date = head.groups()
    assert record.name.startswith(f"{number}-")
    for part in ("Context", "Decision", "Consequences"):
        assert f"\n## {part}\n" in text
    index = (ROOT / "docs/explain/decisions/index.md").read_text(encoding="utf-8")
    assert f"| [{number}]({record.name}) | {title} | {date} | " in index


def test_every_path_in_contributing_exists():
    """Whoever follows the steps finds the files."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:bot|docs|kommo|scripts|storage|tests)/[\w/.-]+)`", text)
    assert len(named) > 10
    missing = [
        name
        for name in named
        if not re.search("KIND|NAME|NNNN", name) and not (ROOT / name).exists()
    ]
    assert missing == []
