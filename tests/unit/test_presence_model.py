"""Calls as watchers see them, and presence composed."""

from softswitch.events import CallAnswered, CallEnded, CallOffered, LegAnswered, LegDialed, LegEnded, LegRang
from softswitch.features.presence.model import CallBoard, composed
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.watching import Presence, Published, WatchedCall

CALL = CallId("c")
A, B, C = LegId("c.1"), LegId("c.2"), LegId("c.3")


def offered(source: str = "192.0.2.9:5060") -> CallOffered:
    return CallOffered(
        at=0,
        call=CALL,
        leg=A,
        from_number="1001",
        from_name="Ann",
        to_number="1002",
        origin_kind="account",
        origin="1001",
        context="default",
        source=source,
    )


def dialed(leg: LegId, account: str) -> LegDialed:
    return LegDialed(
        at=0, call=CALL, leg=leg, destination=Destination("account", account), number=account, target="sip:x"
    )


def stages(board: CallBoard, account: str) -> list[str]:
    return [call.stage for call in board.calls(account)]


def test_both_parties_of_a_call_are_followed_to_its_end() -> None:
    board = CallBoard()
    assert board.hear(offered()) == ("1001",)
    assert board.hear(dialed(B, "1002")) == ("1002",)
    assert board.calls("1001") == (WatchedCall(A, "trying", True, Party("1002")),)
    assert board.calls("1002") == (WatchedCall(B, "trying", False, Party("1001", "Ann")),)
    assert set(board.hear(LegRang(at=0, call=CALL, leg=B))) == {"1001", "1002"}
    assert stages(board, "1001") == stages(board, "1002") == ["early"]
    assert board.hear(LegAnswered(at=0, call=CALL, leg=B)) == ("1002",)
    assert board.hear(CallAnswered(at=0, call=CALL)) == ("1001",)
    assert stages(board, "1001") == stages(board, "1002") == ["confirmed"]
    for leg in (B, A):
        board.hear(LegEnded(at=0, call=CALL, leg=leg, cause=Cause.NORMAL_CLEARING, by_party=True))
    board.hear(CallEnded(at=0, call=CALL, cause=Cause.NORMAL_CLEARING))
    assert stages(board, "1001") == stages(board, "1002") == []
    assert vars(board) == vars(CallBoard())


def test_a_late_ringing_does_not_take_back_an_answer() -> None:
    board = CallBoard([offered(), dialed(B, "1002"), dialed(C, "1003"), LegAnswered(at=0, call=CALL, leg=B)])
    board.hear(CallAnswered(at=0, call=CALL))
    assert board.hear(LegRang(at=0, call=CALL, leg=C)) == ("1003",)
    assert stages(board, "1001") == ["confirmed"]


def test_a_call_of_the_switch_s_own_rings_its_caller_first() -> None:
    board = CallBoard([offered(source=""), dialed(A, "1001")])
    assert board.calls("1001") == (WatchedCall(A, "trying", False, Party("1002")),)


def test_presence_is_composed_of_calls_registrations_and_publications() -> None:
    talks = WatchedCall(A, "confirmed", False, Party("1001"))
    rings = WatchedCall(A, "early", False, Party("1001"))
    assert composed([], False, []) == Presence(False)
    assert composed([], True, []) == Presence(True)
    assert composed([rings], True, []) == Presence(True)
    assert composed([talks], True, []) == Presence(True, ("on-the-phone",))
    newest, older = Published(None, ("meeting",), ""), Published(True, ("meeting", "away"), "Soon back")
    assert composed([talks], True, [newest, older]) == Presence(True, ("on-the-phone", "meeting", "away"), "Soon back")
    assert composed([], False, [older]).open is False
    assert composed([], True, [Published(False)]).open is False
    assert composed([], True, [Published(False), Published(True)]).open is True
