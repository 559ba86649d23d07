"""What else arrives at a SIP port, and responses that answer nothing: all dropped in silence."""

from tests.wire.messages import ignored, request, response

CASES = [
    ignored(
        "status-beyond-all",
        "A status has three digits; the rest would wrap around.",
        response("SIP/2.0 4294967301 Huh"),
    ),
    ignored("status-of-two-digits", "A status has three digits.", response("SIP/2.0 20 Short")),
    ignored(
        "response-with-overlarge-cseq",
        "It answers nothing of ours.",
        response(change={"CSeq": "9292394834772304023312 OPTIONS"}),
    ),
    ignored("response-without-via", "Nobody can be meant.", response(change={"Via": None})),
    ignored(
        "response-of-two-vias",
        "It is for another: never sent on, least of all by broadcast.",
        response(
            change={"Via": "SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1, SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2"}
        ),
    ),
    ignored(
        "response-in-utf8",
        "A reason in UTF-8 is legal; the response is stray.",
        response("SIP/2.0 200 好 = 2**3 * 5**2"),
    ),
    ignored("response-without-reason", "A reason may be empty; the response is stray.", response("SIP/2.0 100 ")),
    ignored(
        "no-empty-line-no-headers",
        "A start line alone can be answered to nobody.",
        b"OPTIONS sip:{switch} SIP/2.0\r\n\r\n",
    ),
    ignored(
        "without-cseq",
        "An answer repeats CSeq; without one nobody could tell what it answers.",
        request(change={"CSeq": None}),
    ),
    ignored("without-via", "Without Via nobody knows where an answer should go.", request(change={"Via": None})),
    ignored("nothing", "An empty datagram.", b""),
    ignored("keep-alive-zeros", "Four zero bytes keep a NAT binding alive.", b"\0\0\0\0"),
    ignored("keep-alive-word", "Some phones keep theirs alive by three letters.", b"jaK"),
    ignored("web", "A browser's request.", b"GET / HTTP/1.1\r\nHost: {switch}\r\n\r\n"),
    ignored(
        "stun-of-another-length",
        "A STUN binding request (RFC 8489) that says to be longer than it is.",
        bytes.fromhex("000100082112a442") + b"twelve-bytes",
    ),
    ignored(
        "stun-without-cookie",
        "A binding request as before RFC 5389.",
        bytes.fromhex("0001000000000000") + b"twelve-bytes",
    ),
    ignored("all-bytes", "Every byte once.", bytes(range(256))),
    ignored("colons", "A long row of nothing.", b":" * 9000),
    ignored("line-feeds", "A long row of line ends.", b"\r\n" * 4000),
]
