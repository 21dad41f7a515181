"""The blocks of shell in the documents, to be run as they stand there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SETUP = ROOT / "docs/getting-started.md"
INSTALL = ROOT / "docs/operate/install-upgrade.md"
BACKUP = ROOT / "docs/operate/backup-restore.md"


def blocks(heading: str, page: Path = INSTALL) -> list[str]:
    """Return the blocks of one section, in order."""
    text = page.read_text(encoding="utf-8")
    _, found, section = text.partition(f"\n## {heading}\n")
    assert found, heading
    section = section.partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def web_server(name: str) -> str:
    """Return how Caddy is put in front of the bridge."""
    (block,) = blocks("3. The public address", SETUP)
    return _with_first_line(block, f"NAME={name}")


def firewall() -> list[str]:
    """Return how strangers are kept out: the firewall, the limits of nginx, those for Caddy."""
    return blocks("Firewall")


def upgrade() -> str:
    """Return how a new version is put in its place."""
    return blocks("Upgrade, and go back")[0]


def go_back(copy: str) -> str:
    """Return how the version before comes back."""
    return _with_first_line(blocks("Upgrade, and go back")[1], f"COPY={copy}")


def restore(copy: str) -> str:
    """Return how a copy is put back."""
    (block,) = blocks("Restore", BACKUP)
    return _with_first_line(block, f"COPY={copy}")


def back_up() -> str:
    """Return how a copy is made."""
    (block,) = blocks("Back up", BACKUP)
    return block


def replace_machine(copy: str) -> str:
    """Return how a new machine takes the place of one that was lost."""
    (block,) = blocks("When the machine is lost", BACKUP)
    first, _, rest = block.partition("\n")
    rest = _with_first_line(rest, f"SETTINGS={copy}.toml")
    return _with_first_line(f"{first}\n{rest}", f"COPY={copy}")


def move_away(server: str) -> str:
    """Return what is done on the old server."""
    return _with_first_line(blocks("Move to another server", BACKUP)[0], f"NEW={server}")


def move_in() -> str:
    """Return what is done on the new server."""
    return blocks("Move to another server", BACKUP)[1]


def copies_off(where: str) -> str:
    """Return how the copies leave the machine each day."""
    (block,) = blocks("Copies off the machine", BACKUP)
    return _with_first_line(block, f"TO={where}")


def _with_first_line(block: str, line: str) -> str:
    """Return a block with the line changed that the reader is told to change."""
    first, _, rest = block.partition("\n")
    assert first.partition("=")[0] == line.partition("=")[0]
    return f"{line}\n{rest}"
