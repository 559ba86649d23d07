"""The dial plan of the demo switch."""

from softswitch.features.routing.model.document import Context, PlanDocument, Rewrite, Rule

_FLOWS = ("after-hours", "repair", "survey", "announcement", "balance", "conference-entry", "follow-up", "directory")
"""The flows beside the main menu, at 5001 and on."""
_CODES = (
    ("forward", "*72.", "forward_always:{number}", "forward all calls: *72 and the number"),
    ("forward-off", "*73", "forward_always", "forward all calls no more"),
    ("forward-busy", "*90.", "forward_busy:{number}", "forward calls that find the line busy"),
    ("forward-busy-off", "*91", "forward_busy", "no more"),
    ("forward-no-answer", "*92.", "forward_no_answer:{number}", "forward calls that nobody takes"),
    ("forward-no-answer-off", "*93", "forward_no_answer", "no more"),
    ("forward-offline", "*94.", "forward_offline:{number}", "forward calls while no phone is registered"),
    ("forward-offline-off", "*95", "forward_offline", "no more"),
    ("do-not-disturb", "*78", "do_not_disturb:on", "do not disturb"),
    ("do-not-disturb-off", "*79", "do_not_disturb:off", "disturb again"),
    ("call-waiting", "*70", "call_waiting:on", "a second call rings"),
    ("call-waiting-off", "*71", "call_waiting:off", "a second call finds the line busy"),
    ("reject-anonymous", "*77", "reject_anonymous:on", "callers who hide their number are refused"),
    ("reject-anonymous-off", "*87", "reject_anonymous:off", "they are taken again"),
    ("speed-dial-set", "*75XX!", "speed_dial:{number}", "set a speed dial: *75, two digits and the number"),
)
"""Codes by which people set how they are reached: name, number, setting, note."""
_ONE_NUMBER = (
    ("one-number-simultaneous", "*261", "strategy:simultaneous", "all of one's devices ring at once"),
    ("one-number-sequential", "*262", "strategy:sequential", "one after another"),
    ("one-number-cyclic", "*263", "strategy:cyclic", "one after another, round and round"),
    ("one-number-device-on", "*264X", "device-on:{number}", "a device rings: *264 and its place, such as *2643"),
    ("one-number-device-off", "*265X", "device-off:{number}", "a device rings no more: *2653"),
    ("one-number-final", "*266!", "final:{number}", "where calls go that nobody takes: *266 and a number, or none"),
)
"""Codes by which the owner of a person sets how its one number rings: name, number, setting, note."""
_OFFICE = (
    ("office", "*28", "calendar/office", "whether the office is open"),
    ("office-auto", "*280", "calendar/office:auto", "the office goes by its calendar again"),
    ("office-open", "*281!", "calendar/office:open:{number}", "open: *281, perhaps with a number of hours"),
    ("office-closed", "*282!", "calendar/office:closed:{number}", "closed: *282, perhaps with a number of hours"),
)
"""Codes by which the office is opened and closed by hand: name, number, destination, note."""

_SUPERVISION = (
    (6, "listen", "hear whom an account talks with: *461001; meanwhile 4 listen, 5 whisper, 6 barge in, 9 take over"),
    (7, "whisper", "the same, heard by that account alone"),
    (8, "barge", "the same, heard by all"),
    (9, "take-over", "talk in that account's place"),
)
"""Codes of those who may supervise: the last digit, what it does, note."""

_AGENTS = (
    ("sign-on", "*40", "sign-on", "an agent signs on at this phone"),
    ("sign-off", "*41", "sign-off", "and off"),
    ("ready", "*42", "ready", "takes calls"),
    ("not-ready", "*43!", "not-ready:{number}", "takes none for now: *43, perhaps with the number of a reason"),
    ("wrap-up", "*44!", "wrap-up:{number}", "has done with the last conversation: *44, perhaps with a code"),
)
"""Codes of agents: name, number, setting, note."""


def demo_plan() -> PlanDocument:
    """What the demo's numbers lead to: for accounts (`default`), and the part that strangers may dial (`guest`)."""
    return PlanDocument(
        contexts=(Context(name="default", includes=("guest",)), Context(name="guest")),
        rules=(
            Rule(
                name="accounts",
                number="10(0[1-9]|1[0-9]|20)",
                match="regex",
                destination="account/{number}",
                note="1001 to 1020",
            ),
            Rule(name="sales", number="6001", destination="queue/sales", note="the sales queue"),
            *(
                Rule(
                    name=f"agent-{what}",
                    number=code,
                    rewrite=Rewrite(strip=3) if "{number}" in setting else Rewrite(),
                    destination=f"agent/{setting}",
                    note=note,
                )
                for what, code, setting, note in _AGENTS
            ),
            Rule(name="support", number="6002", destination="queue/support", note="the support queue"),
            Rule(
                name="new-room",
                number="3099",
                destination="conference-factory",
                note="makes a room, of which you are host",
            ),
            Rule(name="alarm", number="*55", destination="conference/3911", note="1001 to 1003 are rung into a room"),
            Rule(name="rooms", number="3XXX", destination="conference/{number}", note="conference rooms"),
            Rule(name="one-number", number="700[1-3]", destination="person/{number}", note="a person's one number"),
            Rule(name="voicemail", number="*97", destination="mailbox", note="one's voicemail"),
            Rule(
                name="voicemail-of",
                number="*98.",
                rewrite=Rewrite(strip=3),
                destination="voicemail/{number}",
                note="leave a message at once: *981002; also as a number to forward to",
            ),
            Rule(
                name="speed-dial",
                number="*0XX",
                rewrite=Rewrite(strip=2),
                destination="speeddial/{number}",
                note="the caller's own short numbers",
            ),
            Rule(
                name="callback",
                number="*37!",
                rewrite=Rewrite(strip=3),
                destination="callback/{number}",
                note="be rung when a busy number is free: *371002; *37 alone withdraws",
            ),
            *(
                Rule(
                    name=name,
                    number=code,
                    rewrite=Rewrite(strip=3) if code.endswith((".", "!")) else Rewrite(),
                    destination=f"setting/{setting}",
                    note=note,
                )
                for name, code, setting, note in _CODES
            ),
            *(
                Rule(
                    name=name,
                    number=code,
                    rewrite=Rewrite(strip=4) if code.endswith(("X", "!")) else Rewrite(),
                    destination=f"person-setting/{setting}",
                    note=note,
                )
                for name, code, setting, note in _ONE_NUMBER
            ),
            *(
                Rule(
                    name=name,
                    number=code,
                    rewrite=Rewrite(strip=4) if code.endswith("!") else Rewrite(),
                    destination=destination,
                    note=note,
                )
                for name, code, destination, note in _OFFICE
            ),
            *(
                Rule(
                    name=f"supervise-{act}",
                    number=f"*4{key}.",
                    rewrite=Rewrite(strip=3),
                    destination=f"supervise/{act}:{{number}}",
                    note=note,
                )
                for key, act, note in _SUPERVISION
            ),
            Rule(
                name="withheld",
                number="*67.",
                rewrite=Rewrite(strip=3),
                destination="withheld/{number}",
                note="show nobody who calls: *6784321",
            ),
            Rule(
                name="record-prompt",
                number="*86XX",
                rewrite=Rewrite(strip=3),
                destination="record-prompt/recorded/{number}",
                note="record a prompt: *8601 is recorded/01",
            ),
            Rule(name="park", number="*68", destination="park", note="wait in a slot, or transfer a call here"),
            Rule(
                name="parked", number="7(0[1-9]|1[0-9]|20)", match="regex", destination="parked/{number}", note="fetch"
            ),
            Rule(
                name="pickup",
                number="**.",
                rewrite=Rewrite(strip=2),
                destination="pickup/{number}",
                note="answer a phone that rings: **1002",
            ),
            Rule(name="pickup-group", number="*8", destination="pickup", note="answer a phone of the pickup group"),
            *(
                Rule(name=flow, number=f"{number}", destination=f"flow/{flow}", note="a flow that ships")
                for number, flow in enumerate(_FLOWS, 5001)
            ),
            Rule(name="clock", number="9198", destination="clock", note="the time and the caller's number"),
            Rule(context="guest", name="echo", number="9196", destination="echo", note="hear yourself"),
            Rule(context="guest", name="tone", number="9197", destination="tone", note="1004 Hz"),
            Rule(context="guest", name="ivr", number="5000", destination="flow/main", note="the company's menu"),
            Rule(
                context="guest",
                name="conference",
                number="3000",
                destination="conference/3000",
                note="the open conference room",
            ),
            Rule(context="guest", name="uas", number="8XXXX", destination="trunk/uas", note="number unchanged"),
        ),
    )
