"""The name of a delivery status: found out once, and never given up for another reason."""

import asyncio

import pytest

from kommo.errors import HeldBackError, RejectedError, RequestError, ServerError
from kommo.status_names import NEWER, OLDER, StatusNames
from kommo.statuses import StatusField, StatusSetting


class Host:
    """A host that takes some of the names."""

    def __init__(self, *taken: StatusField, status: int = 400) -> None:
        self.taken = taken
        self.status = status
        self.asked: list[StatusField] = []
        self.error: RequestError | None = None

    async def tell(self, name: StatusField) -> None:
        """Take a status, or refuse it."""
        self.asked.append(name)
        if self.error is not None:
            raise self.error
        if name not in self.taken:
            raise RejectedError(f"{name}: is not known", status=self.status)


@pytest.fixture
def learned() -> list[StatusField]:
    """What was found out."""
    return []


def names(
    learned: list[StatusField], known: StatusField | None = None, setting: StatusSetting = "auto"
) -> StatusNames:
    """Return what is tested."""

    async def remember(name: StatusField) -> None:
        learned.append(name)

    return StatusNames(setting, known, on_learned=remember)


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("known", "taken", "asked", "expected"),
    [
        pytest.param(None, (NEWER, OLDER), [NEWER] * 3, [NEWER], id="both"),
        pytest.param(None, (NEWER,), [NEWER] * 3, [NEWER], id="newer"),
        pytest.param(None, (OLDER,), [NEWER, OLDER, OLDER, OLDER], [OLDER], id="older"),
        pytest.param(OLDER, (OLDER,), [OLDER] * 3, [], id="remembered"),
        pytest.param(OLDER, (NEWER, OLDER), [OLDER] * 3, [], id="remembered-both"),
        pytest.param(OLDER, (NEWER,), [OLDER, NEWER, NEWER, NEWER], [NEWER], id="changed"),
    ],
)
async def test_one_extra_call_at_most(
    learned: list[StatusField],
    known: StatusField | None,
    taken: tuple[StatusField, ...],
    asked: list[StatusField],
    expected: list[StatusField],
    status: int,
) -> None:
    """The first status finds the name out; the others know it, and nothing is told twice."""
    host, tested = Host(*taken, status=status), names(learned, known)
    for _ in range(3):
        await tested.tell(host.tell)
    assert (host.asked, learned) == (asked, expected)


@pytest.mark.parametrize("setting", [NEWER, OLDER])
async def test_a_name_that_is_set_is_the_only_one(
    learned: list[StatusField], setting: StatusField
) -> None:
    """Who sets a name wants no guesses."""
    host = Host()
    with pytest.raises(RejectedError, match=setting):
        await names(learned, OLDER, setting).tell(host.tell)
    assert (host.asked, learned) == ([setting], [])


@pytest.mark.parametrize("known", [None, NEWER, OLDER])
async def test_what_is_refused_under_both_names_has_another_reason(
    learned: list[StatusField], known: StatusField | None
) -> None:
    """A status of an unknown message teaches nothing, and is refused with the first reason."""
    host, tested = Host(), names(learned, known)
    first = known or NEWER
    with pytest.raises(RejectedError, match=first):
        await tested.tell(host.tell)
    assert learned == []
    host.taken = (first,)
    await tested.tell(host.tell)
    assert host.asked[-1] == first


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ServerError("down", status=500), id="server"),
        pytest.param(RejectedError("no such message", status=404), id="unknown-message"),
        pytest.param(RejectedError("signature", status=403), id="signature"),
        pytest.param(
            RejectedError("origin", status=400, error_type="ORIGIN_NOT_REGISTERED"), id="channel"
        ),
    ],
)
async def test_what_is_not_about_the_form_is_not_asked_twice(
    learned: list[StatusField], error: RequestError
) -> None:
    """Only a refusal of the form is worth a second call."""
    host, tested = Host(NEWER), names(learned)
    host.error = error
    with pytest.raises(type(error)):
        await tested.tell(host.tell)
    host.error = None
    await tested.tell(host.tell)
    assert host.asked == [NEWER, NEWER]


async def test_one_odd_refusal_does_not_change_a_name_that_works(
    learned: list[StatusField],
) -> None:
    """A host that takes both refuses one for a moment: the status arrives, the name stays."""
    host, tested = Host(NEWER, OLDER), names(learned)
    await tested.tell(host.tell)
    host.taken = (OLDER,)
    await tested.tell(host.tell)
    host.taken = (NEWER, OLDER)
    await tested.tell(host.tell)
    assert (host.asked, learned) == ([NEWER, NEWER, OLDER, NEWER], [NEWER])


async def test_a_host_that_renames_while_it_is_used_is_followed(
    learned: list[StatusField],
) -> None:
    """What was true at the start need not stay so: no status is lost on the way."""
    host, tested = Host(OLDER), names(learned)
    await tested.tell(host.tell)
    host.taken = (NEWER,)
    for _ in range(3):
        await tested.tell(host.tell)
    assert learned == [OLDER, NEWER]
    assert host.asked == [NEWER, OLDER, OLDER, NEWER, OLDER, NEWER, NEWER]


async def test_while_one_finds_out_the_others_hold_no_place(learned: list[StatusField]) -> None:
    """Statuses that come meanwhile are put off for a moment, and cost no call."""
    host, tested, going_on = Host(OLDER), names(learned), asyncio.Event()

    async def slowly(name: StatusField) -> None:
        await going_on.wait()
        await host.tell(name)

    first = asyncio.create_task(tested.tell(slowly))
    await asyncio.sleep(0)
    with pytest.raises(HeldBackError):
        await tested.tell(host.tell)
    going_on.set()
    await first
    await tested.tell(host.tell)
    assert host.asked == [NEWER, OLDER, OLDER]
