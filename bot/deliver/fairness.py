"""Round robin: share the free delivery slots between lanes (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NO_LIMIT = 1_000_000


@dataclass(frozen=True)
class Room:
    """What may begin in a lane now.

    Args:
        owner: whose room it is; lanes of one owner share it.
        free: how many items may begin.
        opens_in_s: when more may; None when the end of one that is in flight tells.
        places: how many of this lane may begin, whatever its owner has room for.
    """

    owner: str = ""
    free: int = NO_LIMIT
    opens_in_s: float | None = None
    places: int = NO_LIMIT


def deal(rooms: Mapping[str, Room], places: int) -> dict[str, int]:
    """Return how many items of each lane may begin, those first that come first.

    Args:
        rooms: the lanes that have something to do.
        places: how many items may begin in all.
    """
    left = {room.owner: room.free for room in rooms.values()}
    dealt = dict.fromkeys(rooms, 0)
    hungry: Sequence[str] = list(rooms)
    while places > 0 and hungry:
        hungry = [lane for lane in hungry if _may_have_more(rooms[lane], left, dealt[lane])]
        hungry = hungry[:places]
        for lane in hungry:
            if left[rooms[lane].owner] > 0:
                left[rooms[lane].owner] -= 1
                dealt[lane] += 1
                places -= 1
    return {lane: count for lane, count in dealt.items() if count}


def _may_have_more(room: Room, left: Mapping[str, int], dealt: int) -> bool:
    return left[room.owner] > 0 and dealt < room.places
