"""The dial plan of the demo switch."""

from softswitch.features.routing.model.document import Context, PlanDocument, Rewrite, Rule

_NOT_BUILT = "hangup/service-not-implemented"


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
            Rule(name="queues", number="600[12]", destination=_NOT_BUILT, note="queues are not built yet"),
            Rule(name="conference-pin", number="3001", destination=_NOT_BUILT, note="conferences are not built yet"),
            Rule(name="one-number", number="700[1-3]", destination=_NOT_BUILT, note="one number is not built yet"),
            Rule(name="voicemail", number="*97", destination=_NOT_BUILT, note="voicemail is not built yet"),
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
            Rule(name="clock", number="9198", destination="clock", note="the time and the caller's number"),
            Rule(context="guest", name="echo", number="9196", destination="echo", note="hear yourself"),
            Rule(context="guest", name="tone", number="9197", destination="tone", note="1004 Hz"),
            Rule(context="guest", name="ivr", number="5000", destination=_NOT_BUILT, note="the IVR is not built yet"),
            Rule(
                context="guest",
                name="conference",
                number="3000",
                destination=_NOT_BUILT,
                note="conferences are not built yet",
            ),
            Rule(context="guest", name="uas", number="8XXXX", destination="trunk/uas", note="number unchanged"),
        ),
    )
