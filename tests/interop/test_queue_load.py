"""A contact centre under SIPp's load, in short: `python -m tests.bench.centre` is the ten minutes of it."""

from pathlib import Path

from tests.bench import centre
from tests.interop import sipp

pytestmark = [sipp.needed]


def test_everybody_who_called_is_accounted_for_to_the_call(tmp_path: Path) -> None:
    outcome = centre.run(tmp_path, agents=10, rate=10, seconds=6)
    assert outcome.begun == 60
    assert outcome.account["answered"] > 30 and outcome.account["disconnected"] == 0
