"""The project's own corpus, against the engine alone and against the running switch."""

import socket

import pytest

from gateways._native import Rejected, RequestReceived, SipEngine
from tests.support.server import Server
from tests.wire.corpus import CASES
from tests.wire.messages import Case
from tests.wire.probe import Probe, options

ALL = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@ALL
def test_the_engine_judges_it_as_expected(case: Case) -> None:
    engine = SipEngine(seed=1)
    engine.open_transport(1, "udp", "192.0.2.1:5060")
    message = case.message(host="192.0.2.2", port=5066, switch="192.0.2.1:5060", unique="u")
    engine.receive(message, 1, ("192.0.2.2", 5066), 0.0)
    drained = engine.drain()
    passed_up = [event for event in drained.events if isinstance(event, RequestReceived)]
    rejected = [event for event in drained.events if isinstance(event, Rejected)]
    answers = [transmit for transmit in drained.transmits if transmit.data.startswith(b"SIP/2.0 ")]
    match case.verdict:
        case "taken":
            # A CANCEL of nothing is the engine's own to answer.
            assert passed_up or answers[0].data.startswith(b"SIP/2.0 481"), [event.reason for event in rejected]
        case "refused":
            assert [event.status for event in rejected] == [int(answers[0].data[8:11])], case.why
            assert rejected[0].status in case.statuses, rejected[0].reason
        case "ignored":
            assert not passed_up and not answers, case.why
        case "either":
            assert passed_up or answers, case.why
    assert engine.stats()["panics"] == 0


@ALL
def test_the_switch_answers_it_as_expected_and_lives(case: Case, switch: Server) -> None:
    with Probe(switch.sip, port=5066) as probe:
        message = case.message(host=probe.host, port=probe.port, switch=probe.target, unique=case.name)
        probe.send(message)
        if case.statuses:
            answer = probe.final()
            assert answer.status in case.statuses, f"{case.why}\n{answer.raw.decode(errors='replace')}"
            probe.liveness()
        else:
            assert probe.liveness() == [], case.why


@ALL
def test_the_switch_lives_on_when_it_comes_over_tcp(case: Case, switch: Server) -> None:
    message = case.message(host="127.0.0.1", port=5066, switch="{}:{}".format(*switch.sip), unique=f"t-{case.name}")
    with socket.create_connection(switch.sip, timeout=10) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
    with socket.create_connection(switch.sip, timeout=10) as connection:
        connection.sendall(options(f"alive-{case.name}", "127.0.0.1", 5066, "{}:{}".format(*switch.sip), "TCP"))
        assert connection.recv(65536).startswith(b"SIP/2.0 200 ")
