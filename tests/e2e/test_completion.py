"""What a shell completes, in the shells themselves; see .ci/run for where they come from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.application import COMMANDS
from tests.e2e.commands import run_command
from tests.programs import program

ROOT = Path(__file__).parent.parent.parent
NAMES = sorted(name for names in COMMANDS.values() for name in names)

BASH = """
source {script}
IFS=' ' read -r -a COMP_WORDS <<< "{line}"; [ "{line}" = "{trimmed}" ] || COMP_WORDS+=("")
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_kommo_telegram_completion kommo-telegram
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
FISH = 'source {script}\ncomplete --do-complete="{line}"'
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
say() {{ zpty -w shell "$1" }}
say "fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -d {folder}/dump"
say "PS1=''; stty -echo; zstyle ':completion:*' list-separator '#'; print ready''now"
zpty -r -m shell out '*readynow*'
zpty -w -n shell $'{line}\\t'
for _ in {{1..100}}; do
    sleep 0.1
    while zpty -r -t shell part; do seen+=$part; done
    [[ $seen == *{last}* ]] && break
done
print -r -- "$seen"
"""


@pytest.fixture
def place(tmp_path):
    """A folder with the program, as somebody has it who did not install it."""
    command = tmp_path / "kommo-telegram"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m bot "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


def said(shell, text, place):
    """Run a script in a shell; return what it says."""
    environ = os.environ | {
        "PATH": f"{place}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(place),
        "TERM": "dumb",
    }  # fmt: skip
    done = subprocess.run(
        [program(shell, shell), "-c", text], cwd=place, env=environ, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


async def script(shell, place):
    """Write what `completion` prints where the shell looks for it."""
    code, output, errors = await run_command("completion", shell)
    assert (code, errors) == (0, "")
    path = place / "_kommo-telegram"
    path.write_text(output, encoding="utf-8")
    return path


WORDS = [
    pytest.param("kommo-telegram ", NAMES, id="commands"),
    pytest.param("kommo-telegram que", ["queue"], id="begun"),
    pytest.param("kommo-telegram queue ", ["drop", "list", "retry"], id="below"),
    pytest.param("kommo-telegram trace --js", ["--json"], id="options"),
    pytest.param("kommo-telegram completion ", ["bash", "fish", "zsh"], id="choices"),
]


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(("line", "expected"), WORDS)
async def test_a_shell_completes(place, shell, line, expected):
    """Commands, what is below them, options and choices."""
    path = await script(shell, place)
    text = {"bash": BASH, "fish": FISH}[shell]
    output = said(shell, text.format(script=path, line=line, trimmed=line.strip()), place)
    assert sorted(found.split("\t")[0] for found in output.split("\n") if found) == expected


async def test_zsh_completes_from_its_function_path(place):
    """With the first Tab: the file is loaded then."""
    await script("zsh", place)
    line = "kommo-telegram queue "
    output = said("zsh", ZSH.format(folder=place, line=line, last="retry"), place)
    assert all(name in output for name in ("drop", "list", "retry")), output


def test_commands_are_completed_without_importing_them():
    """Importing all commands takes seconds; nobody waits so long for a Tab."""
    look = (
        "import os, sys; from bot.cli.outcome import code_of as run; "
        "os.environ |= {'_KOMMO_TELEGRAM_COMPLETE': 'complete_bash', "
        "'COMP_WORDS': 'kommo-telegram ', 'COMP_CWORD': '1'}; "
        "before = {*sys.modules}; run([]); "
        "sys.exit(str([name for name in {*sys.modules} - before if name.startswith('bot.')]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.stderr.strip() == "[]"
    assert done.stdout.split() == [name for names in COMMANDS.values() for name in names]


@pytest.mark.parametrize(
    "words", ["kommo-telegram 'trace ", "kommo-telegram trace \\", "kommo-telegram é"]
)
def test_half_a_line_costs_no_traceback(words):
    """A quote that is still open, a lone backslash, a letter that is none of ASCII."""
    environ = os.environ | {
        "_KOMMO_TELEGRAM_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "bot"], cwd=ROOT, env=environ, check=False, capture_output=True,
        text=True,
    )  # fmt: skip
    assert "Traceback" not in done.stderr


async def test_another_shell_is_refused_with_the_names():
    """It says which there are."""
    code, _, errors = await run_command("completion", "powershell")
    assert code == 2
    assert "bash" in errors
