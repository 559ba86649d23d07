"""What libFuzzer found worth keeping, read again on every run: nothing panics, whatever the verdict."""

from pathlib import Path

import pytest

from gateways._native import SessionDescription, SipEngine, SipRequest, SipResponse, sdp_panics

CORPUS = Path(__file__).parent / "corpus"


def kept(target: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("file", sorted((CORPUS / target).iterdir()), ids=lambda file: file.name)


@kept("message")
def test_messages_are_read_or_refused(file: Path) -> None:
    for read in (SipRequest.parse, SipResponse.parse):
        try:
            message = read(file.read_bytes())
        except ValueError as refused:
            assert str(refused)
        else:
            assert message.cseq >= 0
            for name in ("Via", "Contact", "Route", "Subject", "X-Unknown"):
                assert isinstance(message.headers(name), list)


@kept("framer")
def test_streams_are_cut_the_same_however_they_come(file: Path) -> None:
    stream = file.read_bytes()
    seen = []
    for size in (1, 7, len(stream)):
        engine = SipEngine(seed=1)
        engine.open_transport(1, "tcp", "192.0.2.1:5060")
        for at in range(0, len(stream), size):
            engine.receive(stream[at : at + size], 1, ("192.0.2.9", 5060), 0.0)
        stats = engine.stats()
        assert stats["panics"] == 0
        seen.append((stats["received"], stats["rejected"]))
    assert seen[0] == seen[1] == seen[2]


@kept("sdp")
def test_descriptions_are_read_or_refused(file: Path) -> None:
    try:
        description = SessionDescription.parse(file.read_bytes())
    except ValueError as refused:
        assert "session description" in str(refused)
    else:
        printed = description.print()
        assert SessionDescription.parse(printed).print() == printed
    assert sdp_panics() == 0
