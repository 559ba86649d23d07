"""Several trunks that a call may leave by: cheapest first, and the next when one fails."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from softswitch.kernel.cause import Cause

RETRY_ON = (408, 500, 502, 503, 504, 27, 34, 38, 41, 42, 102)
"""What says more of the trunk than of the party called: SIP statuses (300 and above) and Q.850 causes (127 and below).
408 and 102 are a trunk that stayed silent; a party that rings and does not answer ends by another cause."""

_OF_THE_PARTY = frozenset(
    (
        Cause.UNALLOCATED_NUMBER,
        Cause.USER_BUSY,
        Cause.NO_USER_RESPONDING,
        Cause.NO_ANSWER,
        Cause.SUBSCRIBER_ABSENT,
        Cause.CALL_REJECTED,
        Cause.NUMBER_CHANGED,
        Cause.INVALID_NUMBER_FORMAT,
    )
)


class Member(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """One trunk of a group."""

    trunk: str
    cost: int = 0
    """Lower is tried first."""
    weight: int = 1
    """Among those of one cost: a trunk of weight 3 comes first three times as often as one of weight 1. 0: last."""


class GroupRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """What a group is."""

    members: tuple[Member, ...] = ()
    retry_on: tuple[int, ...] = RETRY_ON


def ordered(members: Iterable[Member], chance: Callable[[], float]) -> list[Member]:
    """The order in which to try: by cost, and by weight among equals (as RFC 2782 weighs servers). `chance` gives
    numbers from 0 to 1."""
    by_cost: dict[int, list[Member]] = {}
    for member in members:
        by_cost.setdefault(member.cost, []).append(member)
    result: list[Member] = []
    for cost in sorted(by_cost):
        left = by_cost[cost]
        while len(left) > 1:
            mark = chance() * sum(member.weight for member in left)
            for member in left:
                mark -= member.weight
                if mark < 0:
                    break
            else:
                member = left[0]
            left.remove(member)
            result.append(member)
        result += left
    return result


def worth_retrying(cause: Cause, status: int | None, retry_on: Sequence[int]) -> bool:
    """Whether a failed attempt may succeed by another way."""
    if int(cause) in retry_on:
        return True
    # A gateway may say 503 and why in a Reason header: a busy party is busy by every trunk.
    return status is not None and status in retry_on and cause not in _OF_THE_PARTY
