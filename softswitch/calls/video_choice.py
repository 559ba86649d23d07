"""Which codecs of pictures two parties have in common. Pure.

Pictures are never converted between two parties: what one said passes to the other. Formats of H.264 are the same only
where their packetization mode and their profile are (RFC 6184 section 8.2.2: both "MUST be used symmetrically"); the
level is not part of it.
"""

from functools import lru_cache

from softswitch.kernel.media import Codec

Codecs = tuple[Codec, ...]

REPAIR = frozenset(("RTX", "RED", "ULPFEC", "FLEXFEC-03"))
"""What goes beside pictures, and is none."""
_CONSTRAINED = "constrained-baseline"
_PROFILES = {"42": "baseline", "4D": "main", "58": "extended", "64": "high"}


def is_picture(codec: Codec) -> bool:
    """Whether it is pictures, and no repair of lost packets."""
    return codec.name not in REPAIR


@lru_cache(maxsize=1024)
def parameters(codec: Codec) -> dict[str, str]:
    """What `a=fmtp` says, by names in lower case."""
    pairs = (text.partition("=") for text in codec.parameters.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


def profile(codec: Codec) -> str:
    """The profile of an H.264 format: RFC 6184 section 8.1, table 5. Where none is said it is baseline."""
    said = parameters(codec).get("profile-level-id", "42000A").upper()
    try:
        constraints = int(said[2:4], 16)
    except ValueError:
        return said
    name = _PROFILES.get(said[:2])
    # "A bitstream that obeys the constraints of several": baseline that is main, too, is constrained baseline.
    if (name == "baseline" and constraints & 0x40) or (name == "main" and constraints & 0x80):
        return _CONSTRAINED
    if name == "extended" and constraints & 0xC0 == 0xC0:
        return _CONSTRAINED
    if name == "high" and constraints & 0x0C == 0x0C:
        return "constrained-high"
    return name or f"{said[:2]}{constraints:02X}"


def level(codec: Codec) -> int:
    """The level of an H.264 format, ten times its number: 31 is level 3.1; 9 is level 1b."""
    said = parameters(codec).get("profile-level-id", "42000A")
    try:
        constraints, number = int(said[2:4], 16), int(said[4:6], 16)
    except ValueError:
        return 10
    # Section 8.1: level 1b is 11 with constraint_set3_flag, where the profile is baseline, main or extended.
    return 9 if number == 11 and constraints & 0x10 and said[:2].upper() in ("42", "4D", "58") else number


def mode(codec: Codec) -> str:
    """The packetization mode of an H.264 format: "0", where none is said."""
    return parameters(codec).get("packetization-mode", "0")


def same_format(a: Codec, b: Codec) -> bool:
    """Whether the packets of one can be read as the other's, whatever their payload types are."""
    if (a.name, a.clock_rate) != (b.name, b.clock_rate):
        return False
    return a.name != "H264" or (mode(a) == mode(b) and profile(a) == profile(b))


@lru_cache(maxsize=1024)
def answered(said: Codecs, offer: Codecs) -> Codecs:
    """What a party that made an `offer` is answered, where the other `said` what it took: the same under the offer's
    payload types, with what belongs to it. Empty: no pictures are common."""
    taken: dict[int, Codec] = {}
    renamed: dict[str, str] = {}
    for codec in filter(is_picture, said):
        found = _first(codec, offer, taken)
        if found is not None:
            renamed[str(codec.payload_type)] = str(found.payload_type)
            taken[found.payload_type] = codec._replace(payload_type=found.payload_type)
    if not taken:
        return ()
    for codec in said:
        if is_picture(codec):
            continue
        if codec.name == "RTX":
            apt = renamed.get(parameters(codec).get("apt", ""))
            found = next((o for o in offer if o.name == "RTX" and parameters(o).get("apt") == apt), None)
        else:
            found = next((o for o in offer if o.name == codec.name), None)
        if found is not None:
            taken.setdefault(found.payload_type, found)
    return tuple(taken.values())


def agreed(local: Codecs, remote: Codecs) -> Codec | None:
    """The pictures agreed with a party: the first of what it said that it was told of, too."""
    for codec in filter(is_picture, remote):
        if any(same_format(codec, other) for other in local):
            return codec
    return None


@lru_cache(maxsize=1024)
def ours(offer: Codecs, able: Codecs) -> Codecs:
    """Our own media engine's answer to an offer: the first format by our order that was offered, under its payload
    type, and what repairs it where we can that. Empty: none is common.

    Of H.264 baseline is taken, constrained or not: every decoder reads that. The level is ours where the offer allows
    levels to differ, and else no higher than the offered one (RFC 6184 section 8.2.2).
    """
    for our in filter(is_picture, able):
        for codec in filter(is_picture, offer):
            if codec.name != our.name or codec.clock_rate != our.clock_rate:
                continue
            if codec.name == "H264":
                if mode(codec) != mode(our) or profile(codec) not in (_CONSTRAINED, "baseline"):
                    continue
                codec = codec._replace(parameters=_h264(codec, our))
            return (codec, *_repair(codec, offer, able))
    return ()


def _h264(offered: Codec, our: Codec) -> str:
    said = parameters(offered)
    id_ = said.get("profile-level-id", "42000A")
    apart = said.get("level-asymmetry-allowed") == "1"
    top = level(our) if apart else min(level(offered), level(our))
    told = [f"profile-level-id={id_[:4]}{11 if top == 9 else top:02x}"]
    if mode(offered) != "0":
        told.append(f"packetization-mode={mode(offered)}")
    if apart:
        told.append("level-asymmetry-allowed=1")
    return ";".join(told)


def _repair(codec: Codec, offer: Codecs, able: Codecs) -> Codecs:
    if not any(our.name == "RTX" for our in able):
        return ()
    of = str(codec.payload_type)
    return tuple(o for o in offer if o.name == "RTX" and parameters(o).get("apt") == of)[:1]


def _first(codec: Codec, offer: Codecs, taken: dict[int, Codec]) -> Codec | None:
    free = [other for other in offer if other.payload_type not in taken and other.name == codec.name]
    alike = [other for other in free if same_format(codec, other)]
    # Some phones answer with a profile of their own under the payload type that they were offered.
    same = [o for o in free if o.payload_type == codec.payload_type and mode(o) == mode(codec)]
    return next((other for other in (*same, *alike)), None)
