"""What can be recognised and answered, and is wrong (RFC 3261 sections 8.2, 18.3, 20, 21)."""

from tests.wire.messages import BAD, OK, REGISTRATION, SDP, UNAVAILABLE, either, refused, request

# Headers that are there once, and a second value that would be right if the first were not there.
ONCE = {"From": "<sip:z@z.example>;tag=z", "To": "<sip:z@z.example>", "Call-ID": "z", "CSeq": "9 OPTIONS"}

CASES = [
    refused(
        "separators-too-many",
        "Empty parameters and empty Via values are no grammar.",
        request(change={"Via": "SIP/2.0/UDP {host}:{port};;,;,,"}),
    ),
    either(
        "contact-of-separators",
        "Nor are empty Contact values.",
        request("REGISTER", change={"Contact": ";;,;"}),
        BAD | REGISTRATION,
    ),
    refused(
        "content-length-beyond-the-datagram",
        "The rest of the body cannot come any more over UDP: 400 (section 18.3).",
        request("INVITE", "sip:9196@{switch}", body=SDP, length="9999"),
    ),
    refused(
        "content-length-twice",
        "Two lengths that differ leave the end of the message unknown.",
        request(extra=["Content-Length: 5"], body=b"hello world", length="11"),
    ),
    *(
        refused(f"content-length-{name}", "Content-Length is a row of digits.", request(length=text))
        for name, text in [("negative", "-12"), ("hex", "0x10"), ("overlarge", "18446744073709551616"), ("empty", "")]
    ),
    refused(
        "cseq-overlarge",
        "CSeq is less than 2**31 (section 8.1.1.5).",
        request(change={"CSeq": "36893488147419103232 OPTIONS"}),
    ),
    refused("cseq-without-method", "CSeq is a number and a method.", request(change={"CSeq": "17"})),
    refused("cseq-without-number", "CSeq is a number and a method.", request(change={"CSeq": "OPTIONS"})),
    refused(
        "cseq-of-another-method", "CSeq repeats the method of the request line.", request(change={"CSeq": "1 INVITE"})
    ),
    refused(
        "cseq-of-another-case",
        "And it repeats it exactly: methods are compared with case.",
        request(change={"CSeq": "1 options"}),
    ),
    refused(
        "unknown-method-and-another-cseq",
        "Both wrong: either may be named.",
        request("TELEPORT", change={"CSeq": "1 INVITE"}),
        frozenset({400, 501}),
    ),
    refused("max-forwards-word", "Max-Forwards is a number.", request(change={"Max-Forwards": "many"})),
    either("max-forwards-300", "Max-Forwards is at most 255 (section 20.22).", request(change={"Max-Forwards": "300"})),
    either(
        "expires-overlarge",
        "A number beyond 2**32 may be read as the greatest (section 20.19).",
        request("REGISTER", extra=["Expires: 99999999999999999999"]),
        REGISTRATION | BAD,
    ),
    either(
        "quote-not-closed",
        "The display name of To never ends.",
        request(change={"To": '"Someone <sip:{switch}>'}),
    ),
    either("bracket-not-closed", "The URI of To never ends.", request(change={"To": "<sip:{switch}"})),
    refused(
        "space-in-the-request-uri",
        "A URI holds no space (section 25.1).",
        request(uri="sip:{switch}; lr", change={"To": "<sip:{switch}>"}),
    ),
    either(
        "brackets-around-the-request-uri",
        "The Request-URI stands alone.",
        request(line="OPTIONS <sip:{switch}> SIP/2.0"),
    ),
    either(
        "spaces-in-the-request-line", "One space between its parts.", request(line="OPTIONS   sip:{switch}  SIP/2.0")
    ),
    either("space-after-the-version", "Nothing follows the version.", request(line="OPTIONS sip:{switch} SIP/2.0  ")),
    either(
        "headers-in-the-request-uri",
        "Headers are not allowed in a Request-URI (section 19.1.1), and are never turned into headers.",
        request(uri="sip:{switch}?Route=%3Csip:evil.example%3E", change={"To": "<sip:{switch}>"}),
    ),
    refused("empty-request-uri", "A SIP URI has a host.", request(uri="sip:", change={"To": "<sip:{switch}>"})),
    refused("user-without-host", "A SIP URI has a host.", request(uri="sip:probe@", change={"To": "<sip:{switch}>"})),
    refused(
        "port-overlarge",
        "A port has sixteen bits.",
        request(uri="sip:192.0.2.1:99999", change={"To": "<sip:{switch}>"}),
    ),
    refused(
        "ipv6-not-closed",
        "An IPv6 reference ends in a bracket.",
        request(uri="sip:[2001:db8::1", change={"To": "<sip:{switch}>"}),
    ),
    either(
        "escape-not-hex",
        "An escape is two hexadecimal digits.",
        request(uri="sip:a%zz@{switch}", change={"To": "<sip:{switch}>"}),
        BAD | UNAVAILABLE | OK,
    ),
    either(
        "date-not-gmt",
        "SIP knows only GMT, and Date may be ignored.",
        request(extra=["Date: Fri, 01 Jan 2010 16:00:00 EST"]),
    ),
    either(
        "question-mark-outside-brackets",
        "A Contact whose URI holds a question mark needs brackets (section 20.10).",
        request("REGISTER", change={"Contact": "sip:a@{host}?Route=%3Csip:b.example%3E"}),
        REGISTRATION | BAD,
    ),
    either("space-inside-brackets", "No space inside angle brackets.", request(change={"To": "< sip:{switch} >"})),
    either(
        "name-not-quoted",
        "A name with a comma or a colon needs quotes.",
        request(change={"From": "Doe: J <sip:p@{host}>;tag=f-{id}"}),
    ),
    *(
        refused(
            name,
            "A version that we do not speak is 505 (section 21.5.6).",
            request(line=f"OPTIONS sip:{{switch}} {version}"),
            frozenset({505}),
        )
        for version, name in [
            ("SIP/7.0", "version-seven"),
            ("SIP/2.1", "version-of-later"),
            ("SIP/3.0", "version-three"),
        ]
    ),
    either(
        "branch-is-only-the-cookie",
        "Read as an RFC 2543 transaction, or refused.",
        request(change={"Via": "SIP/2.0/UDP {host}:{port};branch=z9hG4bK"}),
    ),
    *(
        refused(f"without-{name.lower()}", f"{name} is mandatory (section 8.1.1).", request(change={name: None}))
        for name in ("From", "To", "Call-ID")
    ),
    *(
        refused(f"two-of-{name.lower()}", f"{name} is there once.", request(extra=[f"{name}: {another}"]))
        for name, another in ONCE.items()
    ),
    refused("two-of-max-forwards", "Max-Forwards is there once.", request(extra=["Max-Forwards: 3"])),
    refused("from-is-empty", "From holds a URI.", request(change={"From": ""})),
    refused("line-without-colon", "A header has a name, a colon and a value.", request(extra=["what is this"])),
    refused("bad-header-name", "A header name is a token.", request(extra=["X@Y: 1"])),
    refused("no-empty-line", "The headers never end.", request(length=None)[:-2]),
]
