"""What the checks promise: a flow that has passed them lets no caller who does nothing go round for ever."""

import json
from pathlib import Path

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ivr_flows import call
from softswitch.features.ivr.local import LocalParts
from softswitch.features.ivr.source import findings
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts

NAMES = ("a", "b", "c", "d", "e")
FOLLOWING = st.sampled_from(NAMES)
KNOWN = LocalParts(ShippedPrompts(SHIPPED), set())

NODE = st.one_of(
    st.builds(lambda n: {"do": "play", "hear": "main/welcome", "next": n}, FOLLOWING),
    st.builds(lambda n: {"do": "language", "to": "zh", "next": n}, FOLLOWING),
    st.builds(lambda n: {"do": "set", "values": {"n": "n + 1"}, "next": n}, FOLLOWING),
    st.builds(lambda a, b: {"do": "test", "if": "f", "then": a, "else": b}, FOLLOWING, FOLLOWING),
    st.builds(lambda a, b: {"do": "hours", "calendar": "office", "open": a, "closed": b}, FOLLOWING, FOLLOWING),
    st.builds(
        lambda a, b, c: {
            "do": "menu", "hear": "main/menu", "tries": 1, "choices": {"1": a, "2": b}, "otherwise": c
        },
        FOLLOWING, FOLLOWING, FOLLOWING,
    ),
    st.builds(
        lambda a, b: {"do": "collect", "hear": "main/menu", "into": "t", "most": 2, "next": a, "otherwise": b},
        FOLLOWING, FOLLOWING,
    ),
    st.just({"do": "hang_up"}),
    st.just({"do": "transfer", "to": "account/1001"}),
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nodes=st.fixed_dictionaries(dict.fromkeys(NAMES, NODE)))
def test_a_caller_who_does_nothing_comes_to_an_end_of_every_flow_that_is_right(tmp_path: Path, nodes: object) -> None:
    document = {"flow": "x", "variables": {"n": "number", "t": "text", "f": "flag"}, "start": "a", "nodes": nodes}
    text = json.dumps(document)  # which is YAML, too
    wrong = [each.message for each in findings(text, "x.yaml", KNOWN)]
    if any(message != "no way leads to this node" for message in wrong):
        event("refused")
        return
    event("right")
    file = tmp_path / "x.yaml"
    file.write_text(text)
    assert call(file).path.outcome in ("ended", "transferred")
