"""`make bench`: the bridge beside the simplest one that keeps nothing, figure by figure."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.ceiling import measure
from benchmarks.figures import FIGURES, QUICK, TINY, Bench, Scale
from benchmarks.report import Row, document, table

SCALES = {"full": Scale(), "quick": QUICK, "tiny": TINY}
CEILING_CALLS = 20


def arguments(given: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quick", action="store_true", help="less of everything: two minutes")
    parser.add_argument("--tiny", action="store_true", help="next to nothing: does it work at all")
    parser.add_argument("--only", action="append", choices=FIGURES, help="only these figures")
    parser.add_argument("--micro", action="store_true", help="the pure parts instead")
    parser.add_argument("--folder", type=Path, help="on whose disk the databases are; default: .")
    return parser.parse_args(given)


async def measure_all(names: list[str], scale: Scale, folder: Path) -> tuple[list[Row], list[str]]:
    """Measure one figure after another."""
    per_s = await measure(scale.messages * CEILING_CALLS)
    notes = [f"the load servers answer {per_s:,.0f} calls a second, of one client on this machine"]
    rows = []
    for name in names:
        print(f"== {name}", file=sys.stderr, flush=True)
        rows += await FIGURES[name](Bench(folder, scale))
    return rows, notes


def main(given: list[str]) -> int:
    """Measure and print; return an exit code."""
    options = arguments(given)
    if options.micro:
        command = ["-m", "pytest", "benchmarks/micro", "-q", "-p", "no:cacheprovider"]
        return subprocess.call([sys.executable, *command])
    scale = SCALES["tiny" if options.tiny else "quick" if options.quick else "full"]
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=options.folder or Path.cwd()) as folder:
        rows, notes = asyncio.run(measure_all(options.only or list(FIGURES), scale, Path(folder)))
    print(document(rows, notes) if options.json else table(rows, notes))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
