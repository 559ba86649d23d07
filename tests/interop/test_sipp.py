"""SIPp calls through the switch to SIPp behind the trunk: what the wire saw, and what the record says."""

from pathlib import Path

from tests.interop import sipp
from tests.interop.conftest import Admin, CallTo
from tests.support.server import Server

pytestmark = [sipp.needed]


def test_a_call_through_the_trunk_is_answered_and_recorded(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    uas = trunk("uas", "-m", "1", "-d", "300")
    caller("uac", "-m", "1", "-d", "400", to="80001").wait()
    uas.wait()

    cdr = admin.cdr("80001")
    assert (cdr["disposition"], cdr["cause_code"], cdr["destination"]) == ("answered", 16, "trunk/uas")
    assert cdr["billable_ms"] >= 400
    assert cdr["duration_ms"] >= cdr["billable_ms"] + 300
    assert [leg["role"] for leg in cdr["legs"]] == ["caller", "called"]
    assert [leg["by_party"] for leg in cdr["legs"]] == [True, False]
    assert cdr["legs"][1]["ringing_at"] is not None
    admin.nothing_live()


def test_the_two_sides_of_a_call_share_no_call_id(trunk: CallTo, caller: CallTo) -> None:
    uas = trunk("uas_at_once")
    uac = caller("uac", to="80002")
    uac.wait()
    uas.wait()

    ours, theirs = (
        {line.partition(":")[2].strip() for line in side.messages().splitlines() if line.startswith("Call-ID:")}
        for side in (uac, uas)
    )
    assert ours
    assert theirs
    assert not ours & theirs


def test_the_called_party_may_hang_up(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    uas = trunk("uas_hangs_up", "-m", "1", "-d", "200")
    caller("uac_hung_up", to="80003").wait()
    uas.wait()

    cdr = admin.cdr("80003")
    assert (cdr["disposition"], cdr["cause_code"]) == ("answered", 16)
    assert [leg["by_party"] for leg in cdr["legs"]] == [False, True]


def test_a_caller_who_gives_up_while_it_rings_stops_the_ringing(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    uas = trunk("uas_rings")
    caller("uac_cancel", "-m", "1", "-d", "300", to="80004").wait()
    uas.wait()

    cdr = admin.cdr("80004")
    assert (cdr["disposition"], cdr["billable_ms"], cdr["answered_at"]) == ("cancelled", 0, None)
    assert cdr["duration_ms"] >= 300


def test_busy_is_passed_on(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    uas = trunk("uas_refuses", status="486", reason="Busy Here")
    caller("uac_refused", to="80005", status="486").wait()
    uas.wait()

    cdr = admin.cdr("80005")
    assert (cdr["disposition"], cdr["cause_code"], cdr["legs"][1]["status"]) == ("busy", 17, 486)


def test_an_unavailable_party_is_passed_on(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    uas = trunk("uas_refuses", status="480", reason="Temporarily Unavailable")
    caller("uac_refused", to="80006", status="480").wait()
    uas.wait()

    cdr = admin.cdr("80006")
    assert (cdr["disposition"], cdr["legs"][1]["status"]) == ("no_answer", 480)


def test_a_refusal_that_is_no_verdict_on_the_caller_fails_the_call(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    uas = trunk("uas_refuses", status="500", reason="Server Internal Error")
    caller("uac_refused", to="80007", status="500").wait()
    uas.wait()

    assert admin.cdr("80007")["disposition"] == "failed"


def test_nobody_answering_in_time_ends_the_ringing(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    uas = trunk("uas_rings", ring_seconds=5)
    caller("uac_refused", to="80008", status="480").wait()
    uas.wait()

    cdr = admin.cdr("80008")
    assert (cdr["disposition"], cdr["cause_code"]) == ("no_answer", 19)
    assert cdr["duration_ms"] >= 5000


def test_sound_before_the_answer_is_passed_on(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    uas = trunk("uas_early_media", "-m", "1", "-d", "300")
    caller("uac_early_media", to="80009").wait()
    uas.wait()

    assert admin.cdr("80009")["disposition"] == "answered"


def test_hold_and_resume_pass_from_end_to_end(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    uas = trunk("uas_reinvited")
    caller("uac_reinvite", to="80010").wait()
    uas.wait()

    assert admin.cdr("80010")["disposition"] == "answered"


def test_an_answer_is_repeated_until_it_is_acknowledged(trunk: CallTo, caller: CallTo) -> None:
    uas = trunk("uas_at_once")
    uac = caller("uac_slow_ack", to="80011")
    uac.wait()
    uas.wait()

    # RFC 3261 section 13.3.1.4: 0.5 s after the first, 1 s after that: two more before the ACK at 2.2 s.
    answers = [
        message
        for message in uac.messages().split("-----------------------------------------------")
        if "message received" in message and "SIP/2.0 200" in message and "INVITE\n" in message.replace("\r", "")
    ]
    assert len(answers) == 3


def test_a_caller_who_never_acknowledges_is_hung_up_on(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    uas = trunk("uas_at_once")
    caller("uac_never_acks", to="80012").wait()
    uas.wait()

    cdr = admin.cdr("80012")
    assert cdr["disposition"] == "answered"
    assert cdr["duration_ms"] >= 31_000


def test_a_wrong_password_is_challenged_again_and_makes_no_call(caller: CallTo, admin: Admin, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("SEQUENTIAL\n1001;[authentication username=1001 password=wrong]\n")

    uac = caller("uac_wrong_password", "-m", "1", "-inf", str(accounts), to="1002", challenge="401", status="401")
    uac.wait()

    assert not admin.all("/cdrs", to="1002")
    assert 'WWW-Authenticate: Digest realm="softswitch"' in uac.messages()


def test_the_right_password_makes_the_call(caller: CallTo, admin: Admin, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("SEQUENTIAL\n1001;[authentication username=1001 password=demo-1001]\n")

    caller("uac_account", "-m", "1", "-d", "200", "-inf", str(accounts), to="9196", challenge="401").wait()

    cdr = admin.cdr("9196")
    assert (cdr["disposition"], cdr["from"], cdr["origin"]) == ("answered", "1001", "account/1001")


def test_registering_with_a_wrong_password_binds_nothing(caller: CallTo, admin: Admin, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("SEQUENTIAL\n1015;[authentication username=1015 password=wrong]\n")

    caller("register", "-m", "1", "-inf", str(accounts), to="1015", status="401").wait()

    assert not [one for one in admin.all("/registrations") if "1015" in one["aor"]]


def test_a_network_that_loses_packets_loses_no_call(trunk: CallTo, caller: CallTo, admin: Admin) -> None:
    # Both lose what they send and what they receive. The UAS counts no calls: it is there until the last repetition.
    trunk("uas_at_once", "-lost", "8")
    caller("uac", "-m", "60", "-r", "20", "-d", "500", "-lost", "8", to="80013").wait()

    cdrs = admin.cdrs("80013", count=60)
    assert len(cdrs) == 60
    assert {cdr["disposition"] for cdr in cdrs} == {"answered"}


def test_three_thousand_calls_in_a_row_leave_three_thousand_records(
    trunk: CallTo, caller: CallTo, admin: Admin, switch: Server
) -> None:
    trunk("uas_at_once", "-m", "3000")
    caller("uac", "-m", "3000", "-r", "150", "-d", "20", to="80014").wait()

    cdrs = admin.cdrs("80014", count=3000)
    assert len(cdrs) == 3000
    assert {cdr["disposition"] for cdr in cdrs} == {"answered"}
    assert len({cdr["call_id"] for cdr in cdrs}) == 3000
    admin.nothing_live()
