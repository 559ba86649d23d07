"""Rules: which talks are recorded, whoever's phones they are on. Pure.

A rule is asked once for two who talk. The first that speaks of them decides for both, whatever becomes of their legs;
where none does, the policies of their accounts are all that holds.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

from msgspec import Struct

from softswitch.events import CallFact, LegDialed, RoutingStep
from softswitch.features.recording.model import Format, Layout, Link, Manner, Mode, link_of, whose_is
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import LegId

Direction = Literal["any", "inbound", "outbound", "internal"]
"""Who called whom: a party outside us, us a party outside, or neither."""

MOST_RULES = 200


class Rule(Struct, frozen=True, gc=False, kw_only=True):
    """One rule. Of what it names all must hold; what is empty asks nothing."""

    name: str
    position: int = 0
    """Rules are tried from the lowest on; of two alike, by their names."""
    queues: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    """One of the two is one of these."""
    trunks: tuple[str, ...] = ()
    direction: Direction = "any"
    mode: Mode = "all"
    """`on-demand`: when a party presses the code; `none`: not by a rule, whatever those behind it say."""
    percentage: int = 100
    """Of how many of a hundred talks, by `percentage`."""
    layout: Layout = "stereo"
    format: Format = "wav"
    consent_tone: bool = False
    keep_days: int = 0

    @property
    def manner(self) -> Manner:
        return Manner(self.layout, self.format, self.consent_tone, self.keep_days)


class Talk(Struct, frozen=True, gc=False):
    """Two who talk, as rules see them."""

    leg: LegId
    """Whose sound, with what it hears, is recorded if it is: the caller's in a queue."""
    other: LegId
    accounts: tuple[str, ...]
    trunks: tuple[str, ...]
    direction: Direction
    link: Link

    @property
    def share(self) -> float:
        """Where it stands among all talks, from 0 to below 1: by chance, and the same whenever it is asked."""
        named = "|".join((*sorted((self.leg, self.other)), str(self.link.stay)))
        return int.from_bytes(blake2b(named.encode(), digest_size=6).digest()) / 2**48


class Decision(Struct, frozen=True, gc=False):
    """What the rules say of a talk."""

    rule: Rule | None
    records: bool
    steps: tuple[RoutingStep, ...]


def talk_between(facts: Sequence[CallFact], a: LegId, b: LegId) -> Talk | None:
    """What the facts of a live call tell of two of its parties, `a` the one that the call is for; None: they are not
    both there."""
    whose = [whose_is(facts, leg) for leg in (a, b)]
    one, other = whose
    if one is None or other is None:
        return None
    return Talk(
        a,
        b,
        tuple(each.name for each in (one, other) if each.kind == "account"),
        tuple(each.name for each in (one, other) if each.kind == "trunk"),
        _direction(facts, (a, one), (b, other)),
        link_of(facts, a, b),
    )


def _direction(facts: Sequence[CallFact], *parties: tuple[LegId, Destination]) -> Direction:
    outside = [leg for leg, whose in parties if whose.kind != "account"]
    if not outside:
        return "internal"
    dialled = {fact.leg for fact in facts if type(fact) is LegDialed}
    return "outbound" if all(leg in dialled for leg in outside) else "inbound"


def decide(rules: Sequence[Rule], talk: Talk) -> Decision:
    """Ask the rules, in their order."""
    steps: list[RoutingStep] = []
    for rule in rules:
        why_not = _unlike(rule, talk)
        if why_not:
            steps.append(RoutingStep(rule.name, "skipped", why_not))
            continue
        records, why = _says(rule, talk)
        return Decision(rule, records, (*steps, RoutingStep(rule.name, "matched", why)))
    return Decision(None, False, tuple(steps))


def _unlike(rule: Rule, talk: Talk) -> str:
    """What of a rule does not hold of a talk; empty: all does."""
    if rule.direction not in ("any", talk.direction):
        return f"it is {talk.direction}, not {rule.direction}"
    for what, wanted, there in (
        ("queue", rule.queues, (talk.link.queue,)),
        ("agent", rule.agents, (talk.link.agent,)),
        ("account", rule.accounts, talk.accounts),
        ("trunk", rule.trunks, talk.trunks),
    ):
        if wanted and not set(wanted) & set(there):
            here = ", ".join(filter(None, there))
            return f"{what} {here} is not one of {', '.join(wanted)}" if here else f"no {what} has to do with it"
    return ""


def _says(rule: Rule, talk: Talk) -> tuple[bool, str]:
    match rule.mode:
        case "all":
            return True, "all such talks are recorded"
        case "percentage":
            records, share = talk.share * 100 < rule.percentage, talk.share * 100
            said = f"{rule.percentage} of 100 are recorded; this one is at {share:.1f}"
            return records, said
        case "on-demand":
            return False, "when a party presses the code"
    return False, "no such talk is recorded"
