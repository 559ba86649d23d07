"""What the grammar allows and few senders do (RFC 3261 section 25)."""

from tests.wire.messages import BAD, CALL, REGISTRATION, SDP, UNAVAILABLE, request, taken

CASES = [
    taken(
        "folded",
        "A value goes on in the next line after a space or a tab (section 7.3.1), also before its first character.",
        request(
            change={
                "Via": "SIP/2.0/UDP\r\n {host}:{port}\r\n\t;branch=z9hG4bK-{id}\r\n ;rport",
                "To": "\r\n <sip:{switch}>",
                "CSeq": "7\r\n\tOPTIONS",
                "Subject": "one\r\n two\r\n\t three",
            }
        ),
    ),
    taken(
        "space-before-colon",
        "HCOLON allows spaces and tabs before the colon.",
        request(change={"To": None, "Subject": None}, extra=["To \t : <sip:{switch}>", "Subject\t:x", "Supported  :"]),
    ),
    taken(
        "compact-names",
        "All the compact names of RFC 3261 and its extensions mean their long ones (section 7.3.3).",
        request(
            change=dict.fromkeys(("Via", "From", "To", "Call-ID", "Contact", "Content-Length")),
            extra=[
                "v: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{id};rport",
                "f: <sip:probe@{host}>;tag=f-{id}",
                "t: <sip:{switch}>",
                "i: {id}@{host}",
                "m: <sip:probe@{host}:{port}>",
                "k: 100rel, timer",
                "s: probe",
                "l: 0",
            ],
        ),
    ),
    taken(
        "letter-case",
        "Header names, parameter names, the version and the transport are compared without case.",
        request(
            line="OPTIONS SIP:{switch} sip/2.0",
            change={"Via": None, "From": None, "Max-Forwards": None, "Call-ID": None},
            extra=[
                "VIA: sip/2.0/udp {host}:{port};BRANCH=z9hG4bK-{id};RPORT",
                "fROM: <SIP:probe@{host}>;TAG=f-{id}",
                "MAX-forwards: 70",
                "call-id: {id}@{host}",
            ],
        ),
    ),
    taken(
        "every-token-character-in-the-method",
        "A method is a token of any length; unknown ones are refused by name, not as nonsense (section 8.2.1).",
        request("Odd-method.!%*_+`'~09"),
        frozenset({405, 501}),
    ),
    taken(
        "percent-in-the-method",
        "Escapes exist in URIs only: this is not OPTIONS (section 25.1).",
        request("OP%54IONS"),
        frozenset({405, 501}),
    ),
    taken(
        "method-in-small-letters",
        "Methods are compared with case (section 7.1), so nobody has implemented `options`.",
        request("options"),
        frozenset({405, 501}),
    ),
    taken(
        "quoted-pairs",
        "A quoted display name may hold quotes, backslashes, separators and control characters behind a backslash.",
        request(
            change={
                "From": '"a \\"b\\" \\\\ <sip:x@y>;tag=no, \\\x07\\\x7f\\\x00 c" <sip:probe@{host}>;tag=f-{id}',
                "To": '"\\\\\\"" <sip:{switch}>',
            }
        ),
    ),
    taken(
        "utf8-display-name",
        "Texts are UTF-8 throughout (section 7.3.1).",
        request(change={"From": '"总机 Vermittlung žluťoučký" <sip:probe@{host}>;tag=f-{id}'}),
    ),
    taken(
        "latin1-display-name",
        "Old desk phones send Latin-1; nothing hangs on a display name, so the request is taken.",
        request(change={"From": '"Zo\udceb" <sip:probe@{host}>;tag=f-{id}'}),
    ),
    taken(
        "name-touches-bracket",
        "No space is needed between a display name and its angle bracket (section 25.1, name-addr).",
        request(change={"To": '"Probe"<sip:{switch}>', "From": "Probe<sip:probe@{host}>;tag=f-{id}"}),
    ),
    taken(
        "escapes-in-the-user",
        "The user is unescaped after the URI is cut: here it is `sip:x@y;z`, and the host is ours.",
        request("INVITE", "sip:sip%3Ax%40y%3Bz@{switch}", body=SDP),
        UNAVAILABLE,
    ),
    taken(
        "parameters-inside-the-user",
        "Semicolon, question mark and slash are allowed in a user; the parameters after the host are the URI's.",
        request("INVITE", "sip:a;day=mon?/b&c=d@{switch};x=y", body=SDP),
        UNAVAILABLE,
    ),
    taken(
        "escaped-nul-in-the-user",
        "`%00` is a character like others: a string that is cut there would reach another account (section 19.1.4).",
        request("INVITE", "sip:9196%00hidden@{switch}", body=SDP),
        UNAVAILABLE,
    ),
    taken(
        "many-long-vias",
        "Forty Via headers and long values in 4 kB: nothing may be cut off, and the answer carries them all.",
        request(extra=[f"Via: SIP/2.0/TCP hop{n}.{'long.' * 12}example;branch=z9hG4bK-{n}" for n in range(40)]),
    ),
    taken(
        "transports-in-via",
        "A Via below the first may name any transport, known or not.",
        request(
            extra=[
                "Via: SIP/2.0/SCTP a.example;branch=z9hG4bK1, SIP/2.0/TLS b.example;branch=z9hG4bK2",
                "Via: SIP/2.0/CARRIER-PIGEON c.example;branch=z9hG4bK3",
            ]
        ),
    ),
    taken(
        "more-than-content-length",
        "Over UDP what follows the body is thrown away (section 18.3), even when it looks like a request.",
        request() + request("INVITE", "sip:9196@{switch}", change={"Call-ID": "second-{id}"}),
    ),
    taken(
        "multipart-with-nul",
        "A body is bytes: NULs, lone line feeds and things that look like a boundary are kept (section 7.4).",
        request(
            "INVITE",
            "sip:nobody-here@{switch}",
            change={"Content-Type": 'multipart/mixed; boundary="=_cut"'},
            body=b"--=_cut\r\nContent-Type: application/sdp\r\n\r\n" + SDP + b"\r\n--=_cut\r\n"
            b"Content-Type: application/octet-stream\r\n\r\n\x00\x01\n\n--=_cu\x00\xff\r\n--=_cut--\r\n",
        ),
        UNAVAILABLE | {415},
    ),
    taken(
        "junk-in-unknown-headers",
        "The value of a header that nobody knows is nobody's business, and an empty one is legal.",
        request(extra=['X-Odd: ;;,,<"', "X-Empty:", "X-Colon: ::", "Supported:", 'Warning: 399 a.example "x, y"']),
    ),
    taken(
        "comma-inside-quotes-and-brackets",
        "Only a comma outside quotes and angle brackets ends a list item.",
        request(change={"Contact": '"Doe, J" <sip:a,b@{host}>;x="c,d", <sip:e@{host}>'}),
    ),
    taken(
        "zeros-in-numbers",
        "Numbers may have leading zeros.",
        request(change={"CSeq": "0001 OPTIONS", "Max-Forwards": "070"}),
    ),
    taken(
        "highest-cseq", "CSeq goes up to 2**31 - 1 (section 8.1.1.5).", request(change={"CSeq": "2147483647 OPTIONS"})
    ),
    taken(
        "lines-before-the-start",
        "Empty lines before the start line are skipped (section 7.5).",
        b"\r\n\r\n\r\n" + request(),
    ),
    taken(
        "max-forwards-zero",
        "Whoever is the end of the way may answer; it must not be sent on (section 8.1.1.6).",
        request(change={"Max-Forwards": "0"}),
        frozenset({200, 483}),
    ),
    taken(
        "unknown-scheme",
        "A Request-URI of an unknown scheme is 416 (section 8.2.2.1), no nonsense.",
        request(uri="mystery:of-the-day", change={"To": "<mystery:of-the-day>"}),
        frozenset({404, 416}),
    ),
    taken(
        "dotted-scheme",
        "A scheme may hold dots, pluses and minuses.",
        request(uri="a.b+c-d://192.0.2.1", change={"To": "<a.b+c-d://192.0.2.1>"}),
        frozenset({404, 416}),
    ),
    taken(
        "tel-uri",
        "A telephone URI may be called.",
        request("INVITE", "tel:+1-201-555-0123;phone-context=example.com", body=SDP),
        CALL | {416},
    ),
    taken(
        "unknown-schemes-in-a-registration",
        "The parser has no quarrel with them, the registrar refuses (section 10.3).",
        request(
            "REGISTER",
            change={"To": "isbn:2983792873", "From": "<http://a.example>;tag=f-{id}", "Contact": "<name:x_y>"},
        ),
        frozenset({400, 401, 403, 404, 407, 416}),
    ),
    taken(
        "unknown-require",
        "An option nobody knows is 420, and Unsupported names it (section 8.2.2.3).",
        request(extra=["Require: time-travel, 100rel"]),
        frozenset({420}),
    ),
    taken(
        "unknown-body",
        "A body that nobody can read is 415 with Accept (section 8.2.3), unless the caller is refused before.",
        request("INVITE", "sip:9196@{switch}", change={"Content-Type": "application/x-unheard"}, body=b"<?>"),
        frozenset({401, 403, 404, 407, 415, 488}),
    ),
    taken(
        "unknown-authorization-scheme",
        "Credentials of another kind are no credentials: challenge again.",
        request("REGISTER", extra=['Authorization: Stars when="tonight"']),
        frozenset({401, 403, 407}),
    ),
    taken(
        "accept-without-sdp",
        "Who takes no session description cannot be called (406), unless refused before.",
        request("INVITE", "sip:9196@{switch}", extra=["Accept: text/x-unheard"], body=SDP),
        CALL | {406},
    ),
    taken(
        "old-invite",
        "As RFC 2543 wrote it: no branch, no tag, no Max-Forwards, no Content-Length. It is still a call.",
        request(
            "INVITE",
            "sip:nobody-here@{switch}",
            change={
                "Via": "SIP/2.0/UDP {host}:{port}",
                "From": "<sip:probe@{host}>",
                "Max-Forwards": None,
            },
            body=SDP,
            length=None,
        ),
        UNAVAILABLE,
    ),
    taken(
        "contact-parameters",
        "Unknown parameters, of the header or of the URI in brackets, do not hinder a registration.",
        request("REGISTER", change={"Contact": "<sip:a@{host};odd=1>;even;q=0.5", "To": "<sip:1001@{switch}>"}),
        REGISTRATION,
    ),
    taken(
        "headers-in-a-contact",
        "Headers inside a Contact URI are stored with it or refused; they never become headers of ours.",
        request("REGISTER", change={"Contact": "<sip:a@{host}?Route=%3Csip:evil.example%3E>"}),
        REGISTRATION | BAD,
    ),
]
