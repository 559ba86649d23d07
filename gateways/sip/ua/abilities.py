"""What the user agent can do, said once: Allow, Supported and Accept are made from it, and refusals judge by it."""

METHODS = (
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "INFO",
    "UPDATE",
    "PRACK",
    "REFER",
    "REGISTER",
    "SUBSCRIBE",
    "PUBLISH",
    "MESSAGE",
)
"""Methods that are handled somewhere: inside a dialog, outside, or both."""
KNOWN_METHODS = frozenset(METHODS) | {"NOTIFY"}
"""Methods that have been heard of: 405 and not 501 (RFC 3261 section 8.2.1)."""
OPTION_TAGS = ("path", "outbound", "gruu", "timer", "100rel", "replaces", "norefersub")
"""Extensions that a peer may require (section 19.2), besides those of a single method."""
REGISTER_OPTION_TAGS = (*OPTION_TAGS, "gin")
"""The same of a REGISTER: `gin` means nothing anywhere else (RFC 6140)."""
FORKS = "199"
"""What our own INVITEs say besides: we understand when one of several that ring is gone (RFC 6228)."""
BODIES = ("application/sdp",)
"""Content types that are understood in requests."""

ALLOW = ", ".join(METHODS)


def headers() -> list[tuple[str, str]]:
    """What OPTIONS tells (section 11.2)."""
    return [
        ("Allow", ALLOW),
        ("Accept", ", ".join(BODIES)),
        ("Accept-Encoding", "identity"),
        ("Supported", ", ".join(OPTION_TAGS)),
    ]
