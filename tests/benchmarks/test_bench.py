"""`make bench` itself: it runs, counts honestly, and prints what it saw."""

import asyncio
import json
import sys

import pytest

from benchmarks.report import Row, document, table


@pytest.mark.parametrize("figure", ["slow-kommo", "import"])
async def test_a_figure_is_measured_and_printed_as_json(figure):
    """One figure with next to nothing to do: a real bridge process between the load servers."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks", "--tiny", "--json", "--only", figure),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    printed = json.loads(output)
    assert [row["bridge"][0] > 0 for row in printed["rows"][:2]] == [True, True]
    assert "calls a second" in printed["notes"][0]


@pytest.mark.parametrize(
    ("row", "value", "is_met"),
    [
        pytest.param(
            Row("speed", "", (10.0, 30.0, 20.0), 1.0, (10.0, 10.0, 10.0), is_least=True),
            2.0,
            True,
            id="the-median-of-the-rounds-ratios",
        ),
        pytest.param(Row("cost", "", (3.0,), 1.2, (2.0,)), 1.5, False, id="more-than-it-may-be"),
        pytest.param(
            Row("delay", "", (9.0,), 5, (3.0,), is_difference=True), 6.0, False, id="a-difference"
        ),
        pytest.param(Row("answer", "", (12.0, 8.0), 50), 10.0, True, id="without-a-reference"),
    ],
)
def test_targets_are_judged(row, value, is_met):
    """A row says what its target is about, and whether it is met."""
    assert (row.value, row.is_met) == (value, is_met)


def test_the_table_names_what_was_missed():
    """A missed target is as easy to see as a met one, and JSON says the same."""
    rows = [Row("speed", "≥ 1.0 × bare", (1.0, 2.0), 1.0, (4.0, 4.0), is_least=True)]
    assert "| speed | 4.00 [4.00–4.00] | 1.50 [1.00–2.00] | 0.38 × | ≥ 1.0 × bare | missed |" in (
        table(rows, [])
    )
    assert json.loads(document(rows, ["a note"]))["rows"][0]["is_met"] is False
