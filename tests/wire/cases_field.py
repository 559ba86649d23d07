"""How real phones, gateways and load tools write."""

from tests.wire.messages import BAD, CALL, FINAL, OK, REGISTRATION, SDP, SILENCE, UNAVAILABLE, either, request, taken

CASES = [
    taken(
        "transport-in-capitals",
        "SIPp writes ;transport=UDP.",
        request(uri="sip:{switch};transport=UDP", change={"Contact": "<sip:probe@{host}:{port};transport=UDP>"}),
    ),
    taken("contact-without-user", "A gateway has no user.", request(change={"Contact": "<sip:{host}:{port}>"})),
    taken(
        "from-without-user", "Monitoring probes have no user either.", request(change={"From": "sip:{host};tag=f-{id}"})
    ),
    taken(
        "contact-star",
        "All bindings go away: with Expires 0 (section 10.3).",
        request("REGISTER", change={"Contact": "*", "To": "<sip:1001@{switch}>"}, extra=["Expires: 0"]),
        REGISTRATION,
    ),
    taken(
        "contact-star-that-stays",
        "A star with another Expires is wrong, if the sender is let in at all.",
        request("REGISTER", change={"Contact": "*"}, extra=["Expires: 60"]),
        REGISTRATION - OK | BAD,
    ),
    taken(
        "no-rport",
        "Without rport the answer goes to the port of Via (section 18.2.2).",
        request(change={"Via": "SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{id}"}),
    ),
    taken(
        "private-addresses",
        "Behind NAT: the answer goes where the request came from (RFC 3581).",
        request(
            change={
                "Via": "SIP/2.0/UDP 192.168.178.20:5060;branch=z9hG4bK-{id};rport",
                "Contact": "<sip:probe@192.168.178.20:5060>",
            }
        ),
    ),
    taken(
        "received-already-there",
        "A received= of the sender's own is not believed.",
        request(change={"Via": "SIP/2.0/UDP 10.1.1.1:{port};received=10.2.2.2;rport=9;branch=z9hG4bK-{id}"}),
    ),
    taken(
        "via-with-ipv6",
        "An IPv6 reference in Via, from a sender that has both.",
        request(change={"Via": "SIP/2.0/UDP [2001:db8::9:1]:{port};rport;branch=z9hG4bK-{id}"}),
    ),
    taken(
        "via-port-is-spaced",
        "Spaces around the colon and the slashes of Via are grammar (section 25.1).",
        request(change={"Via": "SIP / 2.0 / UDP {host} : {port} ; branch = z9hG4bK-{id} ; rport"}),
    ),
    taken(
        "small-letters",
        "One firmware writes all header names in small letters.",
        request(
            change=dict.fromkeys(("Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact", "Content-Length")),
            extra=[
                "via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{id};rport",
                "from: <sip:p@{host}>;tag=f-{id}",
                "to: <sip:{switch}>",
                "call-id: {id}",
                "cseq: 1 OPTIONS",
                "max-forwards: 70",
                "content-length: 0",
            ],
        ),
    ),
    taken(
        "tabs-and-no-spaces",
        "Tabs for spaces, or none after the colon.",
        request(change={"To": None, "CSeq": None}, extra=["To:\t<sip:{switch}>\t", "CSeq:1\tOPTIONS", "Subject:x"]),
    ),
    taken(
        "no-content-length",
        "Over UDP the datagram ends the body (section 18.3).",
        request("INVITE", "sip:nobody-here@{switch}", body=SDP, length=None),
        UNAVAILABLE,
    ),
    either("line-feeds-only", "A home-made client ends lines by LF.", request(end=b"\n")),
    taken(
        "long-call-id", "A Call-ID of a thousand characters.", request(change={"Call-ID": "c" * 1000 + "{id}@{host}"})
    ),
    taken(
        "call-id-of-symbols",
        "A Call-ID is a word, and words hold brackets and quotes.",
        request(change={"Call-ID": '{id}(<>):\\"/[]?{}+~`@{host}'}),
    ),
    either("same-length-twice", "The same Content-Length twice harms nobody.", request(extra=["Content-Length: 0"])),
    either(
        "hundreds-of-headers",
        "Two hundred headers that nobody knows.",
        request(extra=[f"X-{n}: {n}" for n in range(200)]),
        OK | {400, 513},
    ),
    either(
        "thousands-of-uri-parameters",
        "Whoever compares such Contacts parameter by parameter is busy for seconds.",
        request("REGISTER", change={"Contact": "<sip:a@{host};" + ";".join(f"p{n}" for n in range(8000)) + ">"}),
        REGISTRATION | BAD,
    ),
    either(
        "header-of-sixty-kilobytes",
        "One header fills the datagram.",
        request(extra=["X-Long: " + "x" * 60_000]),
        OK | {400, 513},
    ),
    either("nul-in-a-header", "A NUL outside quotes is no grammar.", request(extra=["X-Nul: a\0b"])),
    either(
        "lone-cr-in-a-header", "A carriage return ends a line only with its line feed.", request(extra=["X-Cr: a\rb"])
    ),
    taken("from-without-tag", "RFC 2543 phones send none.", request(change={"From": "<sip:probe@{host}>"})),
    taken("tel-in-from", "A gateway's caller is a number.", request(change={"From": "<tel:+12015550123>;tag=f-{id}"})),
    taken(
        "ipv6-request-uri",
        "A call to an IPv6 literal.",
        request("INVITE", "sip:9196@[2001:db8::1]:5060", body=SDP),
        CALL,
    ),
    taken(
        "route-elsewhere",
        "A stranger's Route must not make us a relay (section 16.12): ours to answer or refuse.",
        request(extra=["Route: <sip:192.0.2.66;lr>"]),
        FINAL,
    ),
    taken(
        "cancel-of-nothing",
        "A CANCEL that matches nothing is 481 (section 9.2).",
        request("CANCEL", "sip:9196@{switch}"),
        frozenset({481}),
    ),
    taken(
        "bye-of-nothing",
        "A BYE of no dialog is 481 (section 15.1.2).",
        request("BYE", "sip:9196@{switch}", change={"To": "<sip:9196@{switch}>;tag=gone"}),
        frozenset({481}),
    ),
    taken(
        "reinvite-of-nothing",
        "Nor is there such a dialog (section 12.2.2).",
        request("INVITE", "sip:9196@{switch}", change={"To": "<sip:9196@{switch}>;tag=gone"}, body=SDP),
        frozenset({481}),
    ),
    taken(
        "ack-of-nothing",
        "An ACK is never answered (section 17).",
        request("ACK", "sip:9196@{switch}", change={"To": "<sip:9196@{switch}>;tag=gone"}),
        SILENCE,
    ),
    *(
        taken(
            f"{method.lower()}-of-nothing",
            "A request inside a dialog that does not exist.",
            request(method, "sip:9196@{switch}", change={"To": "<sip:9196@{switch}>;tag=gone"}),
            frozenset({400, 401, 403, 405, 407, 481, 489, 501}),
        )
        for method in ("INFO", "UPDATE", "PRACK", "REFER", "NOTIFY")
    ),
    *(
        taken(
            f"{method.lower()}-of-a-stranger",
            "Answered, whatever the switch can do by now.",
            request(method, "sip:1001@{switch}", extra=["Event: x-unheard"]),
            frozenset(range(400, 700)),
        )
        for method in ("SUBSCRIBE", "PUBLISH", "MESSAGE")
    ),
]
