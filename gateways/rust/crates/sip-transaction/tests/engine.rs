//! The engine from outside: what it answers by itself, and where its responses go.

use std::net::SocketAddr;

use sip_transaction::{Config, Engine, Event, Failure, Kind, Terms, Transmit};

const UDP: u64 = 1;
const TCP: u64 = 2;

fn source() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], 40_000))
}

fn engine() -> Engine {
    engine_with(Config::new(1))
}

fn engine_with(config: Config) -> Engine {
    let mut engine = Engine::new(config);
    engine.open_transport(UDP, Kind::Udp, "192.0.2.2:5060");
    engine.open_transport(TCP, Kind::Tcp, "192.0.2.2:5060");
    engine
}

/// A request with the given Via parameters; `more` are further header lines.
fn request(method: &str, via: &str, to_tag: &str, more: &str) -> Vec<u8> {
    let cseq = format!("7 {method}");
    format!(
        "{method} sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP {via}\r\nFrom: <sip:alice@192.0.2.1>;tag=a\r\n\
         To: <sip:bob@192.0.2.2>{to_tag}\r\nCall-ID: c@h\r\nCSeq: {cseq}\r\n{more}Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn receive(engine: &mut Engine, data: &[u8], now: f64) -> Vec<Event> {
    engine
        .receive(data, UDP, source(), now)
        .expect("the transport is open");
    engine.take_events()
}

fn text(transmit: &Transmit) -> String {
    String::from_utf8(transmit.data.to_vec()).expect("UTF-8")
}

fn line(transmit: &Transmit, name: &str) -> String {
    let text = text(transmit);
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_default();
    line.to_owned()
}

fn transaction(events: &[Event]) -> u64 {
    match events {
        [Event::Request { transaction, .. }] => *transaction,
        other => panic!("{other:?}"),
    }
}

fn respond(engine: &mut Engine, transaction: u64, status: u16, now: f64) -> Vec<Transmit> {
    engine
        .respond(transaction, status, None, None, &[], b"", now)
        .expect("a good response");
    engine.take_all_transmits()
}

/// The one response to a request that arrives with this Via.
fn answer_to(via: &str) -> Transmit {
    let mut engine = engine();
    let events = receive(&mut engine, &request("OPTIONS", via, "", ""), 0.0);
    let number = transaction(&events);
    let mut transmits = respond(&mut engine, number, 200, 0.0);
    assert_eq!(transmits.len(), 1);
    transmits.remove(0)
}

#[test]
fn a_response_goes_to_the_source_port_where_rport_asks_for_it() {
    let answer = answer_to("10.0.0.1:5062;branch=z9hG4bKx;rport");
    assert_eq!(answer.destination, source());
    assert_eq!(
        line(&answer, "Via"),
        "Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bKx;received=198.51.100.7;rport=40000"
    );
}

#[test]
fn without_rport_a_response_goes_to_the_port_of_the_via_at_the_source_address() {
    let answer = answer_to("10.0.0.1:5062;branch=z9hG4bKx;maddr=203.0.113.9");
    assert_eq!(
        answer.destination,
        SocketAddr::from(([198, 51, 100, 7], 5062))
    );
    assert!(line(&answer, "Via").ends_with(";maddr=203.0.113.9;received=198.51.100.7"));
    assert_eq!(
        answer_to("alice.example;branch=z9hG4bKx")
            .destination
            .port(),
        5060
    );
}

#[test]
fn what_a_sender_claims_about_its_own_source_is_replaced() {
    let answer = answer_to(
        "198.51.100.7:5060;rport=1;received=1.2.3.4;branch=z9hG4bKx, SIP/2.0/TCP p;branch=z9hG4bKy",
    );
    assert_eq!(
        line(&answer, "Via"),
        "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKx;received=198.51.100.7;rport=40000, \
         SIP/2.0/TCP p;branch=z9hG4bKy"
    );
}

#[test]
fn a_via_that_tells_the_truth_is_left_alone() {
    assert_eq!(
        line(&answer_to("198.51.100.7;branch=z9hG4bKx"), "Via"),
        "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKx"
    );
}

#[test]
fn an_invite_without_an_answer_gets_a_100_after_200_ms() {
    let mut engine = engine();
    let events = receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKx", "", "Timestamp: 54\r\n"),
        1.0,
    );
    transaction(&events);
    assert!(engine.take_all_transmits().is_empty());
    assert_eq!(engine.deadline(), Some(1.2));
    engine.timeout(1.2);
    let transmits = engine.take_all_transmits();
    assert!(text(&transmits[0]).starts_with("SIP/2.0 100 Trying\r\n"));
    assert_eq!(
        line(&transmits[0], "To"),
        "To: <sip:bob@192.0.2.2>",
        "a 100 makes no dialog"
    );
    assert_eq!(line(&transmits[0], "Timestamp"), "Timestamp: 54");
    assert_eq!(engine.deadline(), None);
}

#[test]
fn every_response_of_a_transaction_has_the_same_to_tag() {
    let mut engine = engine();
    let number = transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKx", "", ""),
        0.0,
    ));
    let ringing = respond(&mut engine, number, 180, 0.1);
    let answered = respond(&mut engine, number, 200, 0.2);
    assert_eq!(line(&ringing[0], "To"), line(&answered[0], "To"));
    assert!(line(&ringing[0], "To").contains(";tag="));
}

#[test]
fn record_route_is_copied_below_300_only() {
    let routes = "Record-Route: <sip:p1;lr>,\r\n <sip:p2;lr>\r\nrecord-route: <sip:p3;lr>\r\n";
    let mut engine = engine();
    let number = transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKx", "", routes),
        0.0,
    ));
    let ringing = text(&respond(&mut engine, number, 180, 0.1)[0]);
    assert!(
        ringing.contains("Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n"),
        "{ringing}"
    );
    assert!(!text(&respond(&mut engine, number, 486, 0.2)[0]).contains("Record-Route"));
}

#[test]
fn a_cancel_of_nothing_gets_481() {
    let mut engine = engine();
    assert!(
        receive(
            &mut engine,
            &request("CANCEL", "h;branch=z9hG4bKx", "", ""),
            0.0
        )
        .is_empty()
    );
    assert!(text(&engine.take_all_transmits()[0]).starts_with("SIP/2.0 481 "));
}

#[test]
fn a_cancel_is_told_once_and_answered_each_time() {
    let mut engine = engine();
    let number = transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKx", "", ""),
        0.0,
    ));
    let cancel = request("CANCEL", "h;branch=z9hG4bKx", "", "");
    match &receive(&mut engine, &cancel, 0.1)[..] {
        [Event::Cancelled { transaction, .. }] => assert_eq!(*transaction, number),
        other => panic!("{other:?}"),
    }
    let first = engine.take_all_transmits();
    assert!(receive(&mut engine, &cancel, 0.2).is_empty());
    let second = engine.take_all_transmits();
    assert!(text(&first[0]).starts_with("SIP/2.0 200 OK\r\n"));
    assert_eq!(first[0].data, second[0].data);
    let refused = respond(&mut engine, number, 487, 0.3);
    assert_eq!(
        line(&refused[0], "To"),
        line(&first[0], "To"),
        "section 9.2: the same To tag"
    );
    // With a final response sent, it "has no effect".
    assert!(receive(&mut engine, &cancel, 0.4).is_empty());
    assert!(text(&engine.take_all_transmits()[0]).starts_with("SIP/2.0 200 OK\r\n"));
}

#[test]
fn a_merged_request_gets_482() {
    let mut engine = engine();
    transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKone", "", ""),
        0.0,
    ));
    assert!(
        receive(
            &mut engine,
            &request("INVITE", "h;branch=z9hG4bKtwo", "", ""),
            0.1
        )
        .is_empty()
    );
    assert!(text(&engine.take_all_transmits()[0]).starts_with("SIP/2.0 482 "));
}

#[test]
fn a_request_inside_a_dialog_is_never_a_merged_one() {
    let mut engine = engine();
    transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKone", ";tag=b", ""),
        0.0,
    ));
    transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKtwo", ";tag=b", ""),
        0.1,
    ));
}

#[test]
fn a_second_try_after_a_refusal_is_no_merged_request() {
    let mut engine = engine();
    let first = transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKone", "", ""),
        0.0,
    ));
    respond(&mut engine, first, 401, 0.1);
    transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKtwo", "", ""),
        0.2,
    ));
}

#[test]
fn the_same_branch_from_another_host_is_another_transaction() {
    let mut engine = engine();
    let other = String::from_utf8(request("INVITE", "h2;branch=z9hG4bKx", "", ""))
        .expect("ASCII")
        .replace("c@h", "d@h");
    let one = transaction(&receive(
        &mut engine,
        &request("INVITE", "h1;branch=z9hG4bKx", "", ""),
        0.0,
    ));
    let two = transaction(&receive(&mut engine, other.as_bytes(), 0.0));
    assert_ne!(one, two);
}

#[test]
fn requests_by_rfc_2543_are_matched_without_a_branch() {
    for via in ["h", "h;branch=1", "h;branch=z9hG4bK"] {
        let mut engine = engine();
        let number = transaction(&receive(&mut engine, &request("INVITE", via, "", ""), 0.0));
        assert!(
            receive(&mut engine, &request("INVITE", via, "", ""), 0.1).is_empty(),
            "a retransmission"
        );
        let refused = respond(&mut engine, number, 404, 0.2)
            .pop()
            .expect("the 404");
        let tag = line(&refused, "To")
            .split(";tag=")
            .nth(1)
            .map(|tag| format!(";tag={tag}"))
            .expect("a To tag");
        assert!(
            receive(&mut engine, &request("ACK", via, &tag, ""), 0.3).is_empty(),
            "the ACK belongs to the INVITE"
        );
        engine.timeout(0.3 + 5.0);
        assert_eq!(engine.stats().server_transactions, 0);
    }
}

#[test]
fn an_ack_for_a_2xx_comes_up_without_a_transaction() {
    let mut engine = engine();
    let number = transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKx", "", ""),
        0.0,
    ));
    respond(&mut engine, number, 200, 0.1);
    assert_eq!(
        transaction(&receive(
            &mut engine,
            &request("ACK", "h;branch=z9hG4bKy", ";tag=b", ""),
            0.2
        )),
        0
    );
    // RFC 6026: an ACK with the branch of the INVITE, too, is for the transaction user.
    assert_eq!(
        transaction(&receive(
            &mut engine,
            &request("ACK", "h;branch=z9hG4bKx", ";tag=b", ""),
            0.3
        )),
        0
    );
}

#[test]
fn a_2xx_is_sent_again_whenever_the_user_says_so_until_timer_l() {
    let mut engine = engine();
    let number = transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKx", "", ""),
        0.0,
    ));
    assert_eq!(respond(&mut engine, number, 200, 0.0).len(), 1);
    assert_eq!(respond(&mut engine, number, 200, 0.5).len(), 1);
    assert_eq!(
        respond(&mut engine, number, 486, 0.6).len(),
        0,
        "the final response is given"
    );
    assert!(
        receive(
            &mut engine,
            &request("INVITE", "h;branch=z9hG4bKx", "", ""),
            1.0
        )
        .is_empty()
    );
    assert!(
        engine.take_all_transmits().is_empty(),
        "the user retransmits, not the transaction"
    );
    engine.timeout(32.0);
    assert_eq!(respond(&mut engine, number, 200, 32.0).len(), 0);
    assert_eq!(engine.stats().server_transactions, 0);
}

#[test]
fn a_refusal_is_repeated_until_its_ack_and_fails_without_one() {
    let mut engine = engine();
    let number = transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKx", "", ""),
        0.0,
    ));
    let mut sent_at: Vec<f64> = respond(&mut engine, number, 486, 0.0)
        .iter()
        .map(|_| 0.0)
        .collect();
    while let Some(deadline) = engine.deadline() {
        engine.timeout(deadline);
        sent_at.extend(engine.take_all_transmits().iter().map(|_| deadline));
    }
    assert_eq!(
        sent_at,
        [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    );
    match &engine.take_events()[..] {
        [
            Event::Failed {
                transaction,
                failure: Failure::Timeout,
            },
        ] => assert_eq!(*transaction, number),
        other => panic!("{other:?}"),
    }
}

#[test]
fn over_a_stream_nothing_is_repeated_and_transactions_end_at_once() {
    let mut engine = engine();
    engine
        .receive(
            &request("OPTIONS", "h;branch=z9hG4bKx", "", ""),
            TCP,
            source(),
            0.0,
        )
        .expect("open");
    let number = transaction(&engine.take_events());
    let answers = respond(&mut engine, number, 200, 0.1);
    assert_eq!(
        (answers[0].transport, answers[0].destination),
        (TCP, source())
    );
    let stats = engine.stats();
    assert_eq!(
        (stats.server_transactions, stats.timers),
        (0, 0),
        "timer J is zero"
    );
    let headers = [
        ("From", "<sip:b>;tag=b"),
        ("To", "<sip:a>"),
        ("Call-ID", "x"),
        ("CSeq", "1 INVITE"),
    ];
    engine
        .request(TCP, source(), "INVITE", "sip:a", &headers, b"", 1.0)
        .expect("a good request");
    assert_eq!(engine.deadline(), Some(33.0), "timer B, no timer A");
}

#[test]
fn a_request_that_is_repeated_on_another_transport_is_answered_there() {
    let mut engine = engine();
    let options = request("OPTIONS", "h;branch=z9hG4bKx", "", "");
    let number = transaction(&receive(&mut engine, &options, 0.0));
    engine.receive(&options, TCP, source(), 0.1).expect("open");
    assert!(engine.take_events().is_empty());
    assert_eq!(respond(&mut engine, number, 200, 0.2)[0].transport, TCP);
}

#[test]
fn the_end_of_a_connection_fails_what_awaits_a_response_on_it() {
    let mut engine = engine();
    let headers = [
        ("From", "<sip:b>;tag=b"),
        ("To", "<sip:a>"),
        ("Call-ID", "x"),
        ("CSeq", "1 OPTIONS"),
    ];
    let over_tcp = engine
        .request(TCP, source(), "OPTIONS", "sip:a", &headers, b"", 0.0)
        .expect("a good request");
    let over_udp = engine
        .request(UDP, source(), "OPTIONS", "sip:a", &headers, b"", 0.0)
        .expect("a good request");
    engine.close_transport(TCP, 1.0);
    match &engine.take_events()[..] {
        [
            Event::Failed {
                transaction,
                failure: Failure::Transport,
            },
        ] => assert_eq!(*transaction, over_tcp),
        other => panic!("{other:?}"),
    }
    assert_eq!(engine.stats().client_transactions, 1);
    let transmit = engine
        .take_transmits(UDP, 10)
        .pop()
        .expect("the request over UDP");
    assert_eq!(transmit.transaction, over_udp);
    engine.transmit_failed(&transmit, 1.0);
    assert_eq!(engine.stats().client_transactions, 0);
}

#[test]
fn a_batched_transport_keeps_its_order_and_is_left_out_of_the_rest() {
    let mut engine = engine();
    engine.batch(UDP);
    for branch in ["z9hG4bKa", "z9hG4bKb", "z9hG4bKc"] {
        engine
            .receive(
                &request("CANCEL", &format!("h;branch={branch}"), "", ""),
                UDP,
                source(),
                0.0,
            )
            .expect("open");
    }
    assert!(engine.take_all_transmits().is_empty());
    let taken = engine.take_transmits(UDP, 2);
    assert_eq!(taken.len(), 2);
    engine.requeue(UDP, taken.into_iter());
    let order: Vec<_> = engine
        .take_transmits(UDP, 9)
        .iter()
        .map(|transmit| line(transmit, "Via"))
        .collect();
    let branches = ["z9hG4bKa", "z9hG4bKb", "z9hG4bKc"];
    assert!(
        order
            .iter()
            .zip(branches)
            .all(|(via, branch)| via.contains(branch)),
        "{order:?}"
    );
    assert_eq!(engine.waiting(UDP), 0);
}

#[test]
fn responses_that_belong_to_nothing_are_counted() {
    let mut engine = engine();
    for branch in [
        "z9hG4bKx",
        "z9hG4bK100000000.0000000000000000",
        "other",
        "z9hG4bK\u{e9}.",
    ] {
        let response = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch={branch}\r\nFrom: <sip:a>;tag=a\r\nTo: <sip:b>;tag=b\r\n\
             Call-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        );
        assert!(receive(&mut engine, response.as_bytes(), 0.0).is_empty());
    }
    assert_eq!(engine.stats().stray_responses, 4);
}

#[test]
fn an_engine_that_is_full_sheds_new_requests_and_serves_the_old() {
    let mut engine = engine_with(Config {
        max_transactions: 1,
        ..Config::new(1)
    });
    let number = transaction(&receive(
        &mut engine,
        &request("INVITE", "h;branch=z9hG4bKx", "", ""),
        0.0,
    ));
    let other = String::from_utf8(request("INVITE", "h;branch=z9hG4bKy", "", ""))
        .expect("ASCII")
        .replace("c@h", "d@h");
    assert!(receive(&mut engine, other.as_bytes(), 0.1).is_empty());
    let shed = engine.take_all_transmits();
    assert!(text(&shed[0]).starts_with("SIP/2.0 503 Service Unavailable\r\n"));
    assert!(line(&shed[0], "Retry-After").len() > "Retry-After: ".len());
    assert_eq!(engine.stats().shed, 1);
    assert_eq!(respond(&mut engine, number, 200, 0.2).len(), 1);
}

#[test]
fn keep_alives_are_answered_or_ignored_and_are_no_messages() {
    let mut engine = engine();
    assert!(receive(&mut engine, b"\r\n\r\n", 0.0).is_empty());
    assert_eq!(&*engine.take_all_transmits()[0].data, b"\r\n");
    for nothing in [&b""[..], b"\r\n", b"\0\0\0\0"] {
        assert!(receive(&mut engine, nothing, 0.0).is_empty());
    }
    assert!(engine.take_all_transmits().is_empty());
    assert_eq!(engine.stats().received, 0);
}

#[test]
fn a_malformed_request_is_answered_and_a_malformed_ack_is_not() {
    let mut engine = engine();
    let bad = |method: &str| {
        let good =
            String::from_utf8(request(method, "h;branch=z9hG4bKx;rport", "", "")).expect("ASCII");
        good.replace("<sip:bob@192.0.2.2>", "\"Bob <sip:bob@192.0.2.2>")
            .into_bytes()
    };
    match &receive(&mut engine, &bad("INVITE"), 0.0)[..] {
        [
            Event::Rejected {
                status: Some(400),
                reason,
                close: false,
                ..
            },
        ] => {
            assert_eq!(reason, "To: unterminated quoted string");
        }
        other => panic!("{other:?}"),
    }
    let answer = engine.take_all_transmits().pop().expect("a 400");
    assert!(
        text(&answer).starts_with("SIP/2.0 400 Bad Request (To: unterminated quoted string)\r\n")
    );
    assert_eq!(answer.destination, source());
    assert!(matches!(
        receive(&mut engine, &bad("ACK"), 0.0)[..],
        [Event::Rejected { status: None, .. }]
    ));
    assert!(engine.take_all_transmits().is_empty());
}

#[test]
fn a_broken_stream_is_answered_once_and_closed() {
    let mut engine = engine();
    let bad = String::from_utf8(request("OPTIONS", "h;branch=z9hG4bKx", "", "")).expect("ASCII");
    let bad = bad.replace("Content-Length: 0", "Content-Length: -1");
    engine
        .receive(bad.as_bytes(), TCP, source(), 0.0)
        .expect("open");
    engine
        .receive(bad.as_bytes(), TCP, source(), 0.1)
        .expect("open");
    assert!(matches!(
        engine.take_events()[..],
        [Event::Rejected {
            status: Some(400),
            close: true,
            ..
        }]
    ));
    assert_eq!(engine.take_all_transmits().len(), 1);
}

#[test]
fn an_unanswered_request_does_not_stay_for_ever() {
    let mut engine = engine();
    let number = transaction(&receive(
        &mut engine,
        &request("OPTIONS", "h;branch=z9hG4bKx", "", ""),
        0.0,
    ));
    engine.timeout(32.0);
    assert_eq!(engine.stats().server_transactions, 0);
    assert!(respond(&mut engine, number, 200, 33.0).is_empty());
}

#[test]
fn a_failed_invite_takes_the_route_of_its_request_for_the_ack() {
    let mut engine = engine();
    let headers = [
        ("From", "<sip:b@h>;tag=b"),
        ("To", "<sip:a@h>"),
        ("Call-ID", "x"),
        ("CSeq", "3 INVITE"),
        ("Route", "<sip:p1;lr>"),
        ("Route", "<sip:p2;lr>"),
    ];
    engine
        .request(UDP, source(), "INVITE", "sip:a@h", &headers, b"", 0.0)
        .expect("a good request");
    let invite = engine.take_all_transmits().pop().expect("the INVITE");
    let response = format!(
        "SIP/2.0 404 Not Found\r\n{}\r\nFrom: <sip:b@h>;tag=b\r\nTo: <sip:a@h>;tag=z\r\nCall-ID: x\r\nCSeq: 3 INVITE\r\n\
         Content-Length: 0\r\n\r\n",
        line(&invite, "Via")
    );
    assert!(matches!(
        receive(&mut engine, response.as_bytes(), 0.1)[..],
        [Event::Response { .. }]
    ));
    let ack = engine.take_all_transmits().pop().expect("the ACK");
    assert_eq!(line(&ack, "Via"), line(&invite, "Via"));
    assert_eq!(line(&ack, "To"), "To: <sip:a@h>;tag=z");
    assert_eq!(line(&ack, "CSeq"), "CSeq: 3 ACK");
    assert!(text(&ack).contains("Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"));
}

fn other_source(host: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, host], 5060))
}

/// A request outside a dialog, each of its own transaction.
fn fresh(method: &str, number: usize, user: &str, more: &str) -> Vec<u8> {
    format!(
        "{method} sip:{user}@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK-{number};rport\r\n\
         From: <sip:alice@192.0.2.1>;tag=a{number}\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: {number}@h\r\n\
         CSeq: 7 {method}\r\n{more}Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn admitted(engine: &mut Engine, method: &str, user: &str, more: &str, from: usize) -> usize {
    (from..from + 1000)
        .filter(|&number| !receive(engine, &fresh(method, number, user, more), 0.0).is_empty())
        .count()
}

#[test]
fn under_overload_a_share_of_new_work_gets_503_and_what_has_begun_goes_on() {
    let mut engine = engine();
    engine.set_emergency(["112".to_owned()].into_iter());
    let call = transaction(&receive(&mut engine, &fresh("INVITE", 0, "bob", ""), 0.0));
    engine.shed(40);
    let answers = |engine: &mut Engine| engine.take_transmits(UDP, 100_000);
    answers(&mut engine);

    let calls = admitted(&mut engine, "INVITE", "bob", "", 1000);
    assert!((500..700).contains(&calls), "{calls}");
    let sent = answers(&mut engine);
    assert_eq!(sent.len(), 1000 - calls);
    assert!(sent.iter().all(|one| text(one).starts_with("SIP/2.0 503 ")));
    let delays: std::collections::BTreeSet<_> =
        sent.iter().map(|one| line(one, "Retry-After")).collect();
    assert!(delays.len() > 5, "{delays:?}");

    let asked = admitted(&mut engine, "OPTIONS", "bob", "", 2000);
    assert!((100..300).contains(&asked), "{asked}");
    assert_eq!(admitted(&mut engine, "INVITE", "112", "", 3000), 1000);
    let proof = "Authorization: Digest realm=\"x\"\r\n";
    assert_eq!(admitted(&mut engine, "INVITE", "bob", proof, 4000), 1000);

    // A request inside a dialog, the first call's CANCEL, and its retransmission, which is absorbed.
    engine.shed(100);
    assert_eq!(admitted(&mut engine, "INVITE", "bob", "", 5000), 0);
    let inside = request("BYE", "h;branch=z9hG4bK-in", ";tag=ours", "");
    assert_eq!(receive(&mut engine, &inside, 0.0).len(), 1);
    let absorbed = engine.stats().retransmissions_absorbed;
    assert!(receive(&mut engine, &fresh("INVITE", 0, "bob", ""), 0.0).is_empty());
    assert_eq!(engine.stats().retransmissions_absorbed, absorbed + 1);
    let cancelled = receive(&mut engine, &fresh("CANCEL", 0, "bob", ""), 0.0);
    assert!(matches!(cancelled[..], [Event::Cancelled { transaction, .. }] if transaction == call));
}

#[test]
fn each_copy_of_a_request_is_shed_alike_and_its_ack_is_of_no_interest() {
    let mut engine = engine();
    engine.shed(50);
    for number in 0..200 {
        let invite = fresh("INVITE", number, "bob", "");
        let first = receive(&mut engine, &invite, 0.0).is_empty();
        let transmits = engine.take_transmits(UDP, 100);
        assert!(receive(&mut engine, &invite, 0.1).is_empty());
        if first {
            let to = line(&transmits[transmits.len() - 1], "To:");
            let ack = fresh("ACK", number, "bob", "");
            let ack = String::from_utf8(ack).expect("UTF-8");
            let ack = ack.replace("To: <sip:bob@192.0.2.2>", &to);
            assert!(receive(&mut engine, ack.as_bytes(), 0.2).is_empty());
        }
    }
}

#[test]
fn what_has_begun_overtakes_new_work() {
    let mut engine = engine();
    for number in 0..10 {
        engine
            .receive(&fresh("INVITE", number, "bob", ""), UDP, source(), 0.0)
            .expect("open");
    }
    let inside = request("BYE", "h;branch=z9hG4bK-in", ";tag=ours", "");
    engine.receive(&inside, UDP, source(), 0.0).expect("open");
    let first = engine.take_some_events(0.0, 3);
    assert!(matches!(&first[0], Event::Request { message, .. } if message.method() == b"BYE"));
    assert!(matches!(&first[1], Event::Request { message, .. } if message.method() == b"INVITE"));
    assert_eq!((first.len(), engine.has_events()), (3, true));
    assert_eq!(engine.take_some_events(0.0, 100).len(), 8);
    assert!(!engine.has_events());
    assert_eq!(engine.stats().admitted, 10);
}

#[test]
fn what_waits_in_a_queue_that_stands_gets_503_and_so_does_each_copy() {
    let mut engine = engine();
    // New work comes faster than it is taken: the queue is never empty.
    let mut at = 0.0;
    for number in 0..150 {
        at = f64::from(number) * 0.01;
        let invite = fresh("INVITE", usize::try_from(number).expect("small"), "bob", "");
        engine.receive(&invite, UDP, source(), at).expect("open");
        if number % 3 == 0 {
            assert_eq!(engine.take_some_events(at, 1).len(), 1);
        }
    }
    assert_eq!(engine.stats().admitted, 50);
    let left = engine.take_some_events(at, 1000).len();
    assert!(left <= 11, "{left} wait no longer than a tenth of a second");
    let shed = engine.stats().shed;
    assert_eq!(shed as usize, 150 - 50 - left);
    let refused: Vec<_> = engine
        .take_transmits(UDP, 1000)
        .into_iter()
        .filter(|sent| text(sent).starts_with("SIP/2.0 503 "))
        .collect();
    assert_eq!(refused.len() as u64, shed);

    // The queue is empty, and others are let in; but a client that has its 503 gets no call.
    let call_id = line(&refused[0], "Call-ID:");
    let number = (0..150)
        .find(|&number| {
            String::from_utf8_lossy(&fresh("INVITE", number, "bob", "")).contains(&call_id)
        })
        .expect("one of them");
    let again = fresh("INVITE", number, "bob", "");
    assert!(receive(&mut engine, &again, at + 0.1).is_empty());
    assert!(text(&engine.take_transmits(UDP, 9)[0]).starts_with("SIP/2.0 503 "));
    let other = fresh("INVITE", 900, "bob", "");
    assert_eq!(receive(&mut engine, &other, at + 0.1).len(), 1);
    // No copy comes after 64*T1.
    assert_eq!(receive(&mut engine, &again, at + 40.0).len(), 1);
}

#[test]
fn with_endless_patience_nobody_is_turned_away() {
    let mut engine = engine();
    engine.set_patience(f64::INFINITY);
    for number in 0..100 {
        let invite = fresh("INVITE", number, "bob", "");
        engine.receive(&invite, UDP, source(), 0.0).expect("open");
    }
    assert_eq!(engine.take_some_events(20.0, 1).len(), 1);
    assert_eq!(engine.take_some_events(30.0, 1000).len(), 99);
}

#[test]
fn a_queue_is_bounded() {
    let mut engine = engine_with(Config {
        max_waiting: 5,
        ..Config::new(1)
    });
    for number in 0..8 {
        for method in ["INVITE", "OPTIONS"] {
            let new = fresh(method, number, "bob", "");
            engine.receive(&new, UDP, source(), 0.0).expect("open");
        }
    }
    assert_eq!((engine.take_events().len(), engine.stats().shed), (10, 6));
}

#[test]
fn an_invite_that_is_cancelled_while_it_waits_is_answered_and_nobody_hears_of_it() {
    let mut engine = engine();
    engine
        .receive(&fresh("INVITE", 1, "bob", ""), UDP, source(), 0.0)
        .expect("open");
    engine.timeout(0.3);
    engine
        .receive(&fresh("CANCEL", 1, "bob", ""), UDP, source(), 0.4)
        .expect("open");
    let sent = engine.take_transmits(UDP, 9);
    let statuses: Vec<_> = sent.iter().map(|one| text(one)[8..11].to_owned()).collect();
    assert_eq!(statuses, ["100", "200", "487"]);
    assert_eq!(
        line(&sent[1], "To:"),
        line(&sent[2], "To:"),
        "RFC 3261 section 9.2"
    );
    assert!(engine.take_events().is_empty());
    assert!(receive(&mut engine, &fresh("CANCEL", 1, "bob", ""), 0.5).is_empty());
    let ack = String::from_utf8(fresh("ACK", 1, "bob", "")).expect("UTF-8");
    let ack = ack.replace("To: <sip:bob@192.0.2.2>", &line(&sent[2], "To:"));
    assert!(receive(&mut engine, ack.as_bytes(), 0.6).is_empty());
    engine.timeout(10.0);
    let stats = engine.stats();
    assert_eq!((stats.server_transactions, stats.admitted), (0, 0));
}

#[test]
fn the_registration_of_a_phone_that_is_known_is_shed_late() {
    let mut engine = engine();
    let register = transaction(&receive(&mut engine, &fresh("REGISTER", 0, "bob", ""), 0.0));
    engine
        .respond(register, 200, None, None, &[], b"", 0.0)
        .expect("answered");
    engine.shed(50);
    assert_eq!(admitted(&mut engine, "REGISTER", "bob", "", 1000), 1000);
    for number in 0..100 {
        engine
            .receive(
                &fresh("REGISTER", 9000 + number, "bob", ""),
                UDP,
                other_source(9),
                0.0,
            )
            .expect("open");
    }
    let strangers = engine.take_events().len();
    assert!((20..80).contains(&strangers), "{strangers}");
}

#[test]
fn a_peer_that_asks_is_told_of_overload_in_its_via() {
    let mut engine = engine();
    let asks = "h;branch=z9hG4bK-oc1;oc;oc-algo=\"rate,loss\"";
    engine.tell_load(20, 17.5);
    let number = transaction(&receive(
        &mut engine,
        &request("BYE", asks, ";tag=x", ""),
        0.0,
    ));
    engine
        .respond(number, 200, None, None, &[], b"", 0.0)
        .expect("answered");
    let via = line(&engine.take_transmits(UDP, 9)[0], "Via:");
    assert!(
        via.ends_with(";oc=20;oc-algo=\"loss\";oc-validity=500;oc-seq=17.500"),
        "{via}"
    );
    assert_eq!(via.matches("oc-algo").count(), 1);

    // One that does not ask, or knows only another algorithm, is told nothing.
    for (index, more) in ["", ";oc;oc-algo=\"rate\""].iter().enumerate() {
        let via = format!("h;branch=z9hG4bK-no{index}{more}");
        let number = transaction(&receive(
            &mut engine,
            &request("BYE", &via, ";tag=x", ""),
            0.0,
        ));
        engine
            .respond(number, 200, None, None, &[], b"", 0.0)
            .expect("answered");
        let via = line(&engine.take_transmits(UDP, 9)[0], "Via:");
        assert!(!via.contains("oc-validity"), "{via}");
    }

    // "oc-validity" of zero: the overload is over.
    engine.tell_load(0, 18.0);
    let asks = "h;branch=z9hG4bK-oc2;oc;oc-algo=\"loss\"";
    let number = transaction(&receive(
        &mut engine,
        &request("BYE", asks, ";tag=x", ""),
        0.0,
    ));
    engine
        .respond(number, 200, None, None, &[], b"", 0.0)
        .expect("answered");
    let via = line(&engine.take_transmits(UDP, 9)[0], "Via:");
    assert!(
        via.ends_with(";oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=18.000"),
        "{via}"
    );
}

#[test]
fn a_scanner_gets_no_answer_and_is_told_of_once() {
    let mut engine = engine();
    engine.set_agents(["Friendly-Scanner".to_owned()].into_iter());
    let agent = "User-Agent: friendly-scanner 1.0\r\n";
    let events = receive(&mut engine, &fresh("OPTIONS", 1, "100", agent), 0.0);
    assert!(
        matches!(&events[..], [Event::Suspected { reason: "agent", detail, .. }] if detail == "friendly-scanner 1.0"),
        "{events:?}"
    );
    assert!(receive(&mut engine, &fresh("OPTIONS", 2, "100", agent), 1.0).is_empty());
    assert!(engine.take_transmits(UDP, 9).is_empty());
    assert_eq!(
        receive(&mut engine, &fresh("OPTIONS", 3, "100", ""), 1.0).len(),
        1
    );
}

#[test]
fn a_source_that_sends_too_much_of_a_kind_gets_503_and_of_everything_nothing() {
    let rate = |burst| sip_transaction::Rate {
        per_second: 1.0,
        burst,
    };
    let mut engine = engine();
    engine.set_limits(Some(sip_transaction::Limits {
        messages: rate(50.0),
        invite: rate(10.0),
        register: rate(10.0),
        other: rate(10.0),
        known_factor: 10.0,
    }));
    let mut calls = 0;
    let mut suspected = 0;
    for number in 0..100 {
        for event in receive(&mut engine, &fresh("INVITE", number, "bob", ""), 0.0) {
            match event {
                Event::Request { .. } => calls += 1,
                Event::Suspected {
                    reason: "flood", ..
                } => suspected += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((calls, suspected), (10, 1));
    let refused = engine.take_transmits(UDP, 1000);
    assert_eq!(
        refused.len(),
        40,
        "what is beyond fifty messages is dropped"
    );
    assert_eq!(engine.stats().limited, 90);
}

#[test]
fn what_a_banned_source_sends_is_dropped_unread_and_its_connection_closed() {
    let mut engine = engine();
    let network = sip_transaction::Network::parse("198.51.100.0/24").expect("a network");
    engine.ban(network, 100.0);
    assert!(receive(&mut engine, &fresh("OPTIONS", 1, "bob", ""), 0.0).is_empty());
    assert!(receive(&mut engine, b"rubbish", 0.0).is_empty());
    assert_eq!(engine.stats().received, 0);
    engine.receive(b"OPT", TCP, source(), 0.0).expect("open");
    assert!(matches!(
        engine.take_events()[..],
        [Event::Rejected {
            close: true,
            status: None,
            ..
        }]
    ));
    assert_eq!(
        receive(&mut engine, &fresh("OPTIONS", 1, "bob", ""), 100.0).len(),
        1
    );
    engine.ban(network, 200.0);
    engine.lift(network);
    assert_eq!(
        receive(&mut engine, &fresh("OPTIONS", 2, "bob", ""), 101.0).len(),
        1
    );
}

#[test]
fn a_stun_keep_alive_on_the_sip_port_is_answered_and_is_no_message() {
    let mut engine = engine();
    let mut ping = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    ping.extend_from_slice(&[7; 12]);
    assert!(receive(&mut engine, &ping, 0.0).is_empty());
    let answers = engine.take_all_transmits();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].destination, source());
    assert_eq!(answers[0].data[..2], [1, 1]);
    ping[1] = 0x11; // an indication asks for nothing
    assert!(receive(&mut engine, &ping, 0.0).is_empty());
    assert!(engine.take_all_transmits().is_empty());
    let stats = engine.stats();
    assert_eq!((stats.received, stats.rejected), (0, 0));
}

#[test]
fn a_websocket_message_is_one_sip_message_and_needs_no_length() {
    const WS: u64 = 9;
    let mut engine = engine();
    engine.open_transport(WS, Kind::Ws, "192.0.2.2:5062");
    let whole = String::from_utf8(request(
        "OPTIONS",
        "df7jal23ls0d.invalid;branch=z9hG4bKw",
        "",
        "",
    ))
    .expect("UTF-8")
    .replace("SIP/2.0/UDP", "SIP/2.0/WS")
    .replace("Content-Length: 0\r\n", "");
    engine
        .receive(b"\r\n\r\n", WS, source(), 0.0)
        .expect("the transport is open");
    engine
        .receive(whole.as_bytes(), WS, source(), 0.0)
        .expect("the transport is open");
    let number = transaction(&engine.take_events());
    engine
        .respond(number, 200, None, None, &[], b"", 0.0)
        .expect("good headers");
    let sent = engine.take_all_transmits();
    assert_eq!(&*sent[0].data, b"\r\n");
    assert!(line(&sent[1], "Via").starts_with("Via: SIP/2.0/WS df7jal23ls0d.invalid"));
    assert_eq!(sent[1].transport, WS);
    // Reliable: an INVITE's 2xx aside, nothing is ever sent twice.
    engine.timeout(60.0);
    assert!(engine.take_all_transmits().is_empty());
}

fn invite_on(engine: &mut Engine, terms: Terms, transport: u64) -> u64 {
    let headers = [
        ("From", "<sip:a@h>;tag=a"),
        ("To", "<sip:b@h>"),
        ("Call-ID", "c"),
        ("CSeq", "1 INVITE"),
    ];
    let uri = "sip:b@h";
    engine
        .request_on(
            terms,
            transport,
            source(),
            "INVITE",
            uri,
            &headers,
            &[b'x'; 900],
            0.0,
        )
        .expect("sent")
}

/// A response to a request of ours.
fn response_to(sent: &Transmit, status: &str, method: &str) -> Vec<u8> {
    let (via, cseq) = (
        line(sent, "Via:"),
        line(sent, "CSeq:").replace("INVITE", method),
    );
    format!(
        "SIP/2.0 {status}\r\n{via}\r\nFrom: <sip:a@h>;tag=a\r\nTo: <sip:b@h>;tag=b\r\nCall-ID: c\r\n{cseq}\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

#[test]
fn a_request_that_is_too_long_for_udp_is_not_sent_by_it() {
    let mut engine = engine();
    let terms = Terms {
        most: 1000,
        ..Terms::default()
    };
    assert_eq!(invite_on(&mut engine, terms, UDP), 0);
    assert!(engine.take_all_transmits().is_empty());
    assert_eq!(engine.stats().client_transactions, 0);
    assert_eq!(engine.stats().timers, 0);
    assert!(invite_on(&mut engine, terms, TCP) > 0);
    let longer = Terms {
        most: 1300,
        ..Terms::default()
    };
    assert!(invite_on(&mut engine, longer, UDP) > 0);
    assert_eq!(engine.take_all_transmits().len(), 2);
}

const IMPATIENT: Terms = Terms {
    most: 0,
    patience: 4.0,
};

#[test]
fn an_invite_without_a_first_response_fails_in_time_and_is_cancelled_should_the_peer_speak_up() {
    let mut engine = engine();
    let number = invite_on(&mut engine, IMPATIENT, UDP);
    let sent = engine.take_all_transmits().remove(0);
    engine.timeout(3.9);
    assert!(engine.take_events().is_empty());
    engine.timeout(4.0);
    assert!(matches!(
        engine.take_events()[..],
        [Event::Failed { transaction, failure: Failure::Timeout }] if transaction == number
    ));
    engine.take_all_transmits();
    // It rings after all: nobody hears of it, and it is told that nobody waits.
    assert!(
        receive(
            &mut engine,
            &response_to(&sent, "180 Ringing", "INVITE"),
            5.0
        )
        .is_empty()
    );
    let cancel = engine.take_all_transmits();
    assert_eq!(cancel.len(), 1);
    assert!(text(&cancel[0]).starts_with("CANCEL sip:b@h"));
    assert!(receive(&mut engine, &response_to(&sent, "200 OK", "CANCEL"), 5.1).is_empty());
    let ended = response_to(&sent, "487 Request Terminated", "INVITE");
    assert!(receive(&mut engine, &ended, 5.2).is_empty());
    assert!(text(&engine.take_all_transmits()[0]).starts_with("ACK "));
    engine.timeout(60.0);
    engine.timeout(120.0);
    let stats = engine.stats();
    assert_eq!((stats.client_transactions, stats.timers), (0, 0));
    assert!(engine.take_events().is_empty());
}

#[test]
fn a_late_answer_of_an_abandoned_peer_is_told() {
    let mut engine = engine();
    invite_on(&mut engine, IMPATIENT, UDP);
    let sent = engine.take_all_transmits().remove(0);
    engine.timeout(4.0);
    engine.take_events();
    let events = receive(&mut engine, &response_to(&sent, "200 OK", "INVITE"), 6.0);
    assert!(matches!(events[..], [Event::Response { .. }]), "{events:?}");
}

#[test]
fn a_first_response_in_time_is_enough_even_a_100() {
    let mut engine = engine();
    invite_on(&mut engine, IMPATIENT, UDP);
    let sent = engine.take_all_transmits().remove(0);
    assert!(
        receive(
            &mut engine,
            &response_to(&sent, "100 Trying", "INVITE"),
            3.9
        )
        .is_empty()
    );
    engine.timeout(30.0);
    assert!(engine.take_events().is_empty());
    assert_eq!(
        receive(
            &mut engine,
            &response_to(&sent, "180 Ringing", "INVITE"),
            31.0
        )
        .len(),
        1
    );
}

#[test]
fn an_abandoned_peer_that_never_speaks_leaves_nothing_behind() {
    let mut engine = engine();
    invite_on(&mut engine, IMPATIENT, UDP);
    engine.timeout(4.0);
    engine.take_events();
    engine.timeout(33.0);
    assert!(engine.take_events().is_empty(), "it has been told already");
    assert_eq!(engine.stats().client_transactions, 0);
}
