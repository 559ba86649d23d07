"""Which codecs each party is told of, so that sound is converted only where the two have none in common. Pure.

A party is offered what the other said, and after it what we could convert to; a party is answered with what the other
took of its offer or, where that is none of it, with the best that we can convert from.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from softswitch.kernel.media import Codec

Codecs = tuple[Codec, ...]
Allowed = tuple[str, ...]
"""Names of codecs, best first, as `label` gives them; empty: no rule."""

_BESIDE = frozenset(("TELEPHONE-EVENT", "CN", "TONE", "RED"))
"""What goes beside a voice and makes no call alone."""
_G711 = frozenset(("PCMA", "PCMU"))
_EVENTS = "TELEPHONE-EVENT"
_DYNAMIC = range(96, 128)


_NAME = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31}")
_LINEAR = tuple(f"L16/{rate}" for rate in (8000, 16000, 24000, 48000))


def rule_of(names: Iterable[str]) -> Allowed:
    """Names as somebody wrote them, as a rule holds them. Raises ValueError naming one that is none, or comes twice."""
    rule: list[str] = []
    for text in names:
        name = text.strip().upper()
        if name == "TELEPHONE-EVENT" or (name not in _LINEAR and (name == "L16" or not _NAME.fullmatch(name))):
            known = f"PCMA, PCMU, G722, OPUS, {', '.join(_LINEAR)}, or the name of a codec that is passed through"
            raise ValueError(f"{text!r} is no codec of speech: say {known}, such as G729")
        if name in rule:
            raise ValueError(f"{text!r} comes twice")
        rule.append(name)
    return tuple(rule)


def label(codec: Codec) -> str:
    """A codec as rules and records name it: `PCMA`, `OPUS`, and `L16/16000`, whose rate is part of what it is."""
    return f"L16/{codec.clock_rate}" if codec.name == "L16" else codec.name


def is_voice(codec: Codec) -> bool:
    """Whether it is speech, and no keys or comfort noise."""
    return codec.name not in _BESIDE


def same_format(a: Codec, b: Codec) -> bool:
    """Whether the packets of one can be read as the other's, whatever their payload types are."""
    return (
        a.name == b.name
        # G.722 counts at 8000 by an old mistake that RFC 3551 section 4.5.2 keeps; some phones write 16000.
        and (a.clock_rate == b.clock_rate or a.name == "G722")
        and a.channels == b.channels
    )


@lru_cache(maxsize=2048)
def offered(said: Codecs, by: Allowed, to: Allowed, able: Codecs, known: Codecs = ()) -> Codecs:
    """What a party is offered of what another `said`.

    `by` and `to` are the rules of the party that said it and of the one that is offered; `able` is what we convert
    between, cheapest first; `known` is what the party said itself before, if it did.

    First comes what was said, then what we can convert to: what the rule `to` names, in its order, or else G.711 where
    that was not said; and what the party is known to speak. Where rules would leave no voice they are not applied.
    """
    kept = _within(_in_order(said, by), to)
    if not any(is_voice(codec) for codec in kept) and not any(_has(said, codec) for codec in able):
        kept = said
    if not any(_has(able, codec) for codec in said if is_voice(codec)):
        return kept  # what is said cannot be converted
    if any(is_voice(codec) and _has(kept, codec) for codec in known):
        return kept  # it need not be
    if to:
        more = [codec for name in to for codec in able if label(codec) == name]
    elif any(codec.name in _G711 for codec in kept):
        more = []
    else:
        more = [codec for codec in able if codec.name in _G711]
    more += [codec for codec in _within(known, to) if _has(able, codec)]
    told = list(kept)
    for codec in more:
        if not _has(told, codec):
            told.append(_numbered(codec, told))
    if not any(is_voice(codec) for codec in told):
        return said
    # RFC 4733 section 2.1: keys count by the clock of the speech that they go with.
    added = told[len(kept) :]
    if added and any(codec.name == _EVENTS for codec in said):
        for rate in dict.fromkeys(_clock(codec) for codec in added):
            events = Codec(101, _EVENTS, rate, parameters="0-16")
            if not _has(told, events):
                told.append(_numbered(events, told))
    return tuple(told)


@lru_cache(maxsize=2048)
def answered(said: Codecs, offer: Codecs, by: Allowed, able: Codecs) -> Codecs:
    """What a party that made an `offer` is answered, where the other `said` what it took.

    What it took of the offer, or else one codec of the offer that we can convert from: the first by the rule `by` of
    the party that is answered. Where there is none, what the other said, which is then no answer.
    """
    common = tuple(codec for codec in said if _has(offer, codec))
    if any(is_voice(codec) for codec in common):
        return common
    convertible = [codec for codec in _in_order(offer, by) if is_voice(codec) and _has(able, codec)]
    if not convertible or not any(_has(able, codec) for codec in said if is_voice(codec)):
        return said
    speech = convertible[0]
    events = [codec for codec in offer if codec.name == _EVENTS and codec.clock_rate == _clock(speech)]
    return (speech, *events[:1])


def agreed(local: Codecs, remote: Codecs) -> Codec | None:
    """The speech agreed with a party: the first of what it said that it was told of, too."""
    return next((codec for codec in remote if is_voice(codec) and _has(local, codec)), None)


def _in_order(said: Codecs, rule: Allowed) -> Codecs:
    """What a party said that its own rule allows, by that rule's order, and what goes beside it."""
    if not rule:
        return said
    voices = sorted((c for c in said if is_voice(c) and label(c) in rule), key=lambda c: rule.index(label(c)))
    return (*voices, *(codec for codec in said if not is_voice(codec))) if voices else said


def _within(said: Codecs, rule: Allowed) -> Codecs:
    return tuple(codec for codec in said if not is_voice(codec) or label(codec) in rule) if rule else said


def _has(codecs: Iterable[Codec], codec: Codec) -> bool:
    return any(same_format(codec, other) for other in codecs)


def _clock(codec: Codec) -> int:
    return 8000 if codec.name == "G722" else codec.clock_rate


def _numbered(codec: Codec, beside: Iterable[Codec]) -> Codec:
    """With a payload type that none of the others has."""
    taken = {other.payload_type for other in beside}
    if codec.payload_type not in taken:
        return codec
    return codec._replace(payload_type=next(number for number in _DYNAMIC if number not in taken))
