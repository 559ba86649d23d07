//! Packets that are protected and opened, lost, forged, played again and cut short.

use proptest::prelude::*;
use srtp::{Inbound, MAX_OVERHEAD, MasterKey, Outbound, Refused, Suite};

fn master(suite: Suite, seed: u8) -> MasterKey {
    let bytes: Vec<u8> = (0..suite.master_bytes() as u8)
        .map(|n| n.wrapping_mul(7) ^ seed)
        .collect();
    MasterKey::new(suite, &bytes).expect("as long as the suite says")
}

fn pair(suite: Suite) -> (Outbound, Inbound) {
    (
        Outbound::new(&master(suite, 1)),
        Inbound::new(&master(suite, 1), b""),
    )
}

fn rtp(sequence: u16, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[9; 20]);
    packet
}

fn sealed(outbound: &mut Outbound, plain: &[u8]) -> Vec<u8> {
    let mut packet = plain.to_vec();
    outbound.protect_rtp(&mut packet).expect("in order");
    assert!(packet.len() <= plain.len() + MAX_OVERHEAD);
    packet
}

fn opened(inbound: &mut Inbound, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut packet = packet.to_vec();
    let length = inbound.open_rtp(&mut packet)?;
    packet.truncate(length);
    Ok(packet)
}

fn opened_rtcp(inbound: &mut Inbound, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut packet = packet.to_vec();
    let length = inbound.open_rtcp(&mut packet)?;
    packet.truncate(length);
    Ok(packet)
}

#[test]
fn what_is_protected_opens_again_and_is_not_readable_meanwhile() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        let plain = rtp(1000, 7, &[0x55; 160]);
        let packet = sealed(&mut outbound, &plain);
        assert_eq!(
            packet[..12],
            plain[..12],
            "{suite:?}: the header stays in the clear"
        );
        assert!(
            !packet[12..].windows(8).any(|window| window == [0x55; 8]),
            "{suite:?}"
        );
        assert_eq!(opened(&mut inbound, &packet), Ok(plain), "{suite:?}");

        let plain = rtcp(7);
        let mut packet = plain.clone();
        outbound.protect_rtcp(&mut packet).unwrap();
        assert!(packet.len() <= plain.len() + MAX_OVERHEAD);
        assert!(
            !packet[8..].windows(8).any(|window| window == [9; 8]),
            "{suite:?}"
        );
        assert_eq!(opened_rtcp(&mut inbound, &packet), Ok(plain), "{suite:?}");
    }
}

#[test]
fn tags_are_as_long_as_their_suites_say() {
    let overhead = Suite::ALL.map(|suite| {
        let (mut outbound, _) = pair(suite);
        let mut report = rtcp(7);
        outbound.protect_rtcp(&mut report).unwrap();
        (
            sealed(&mut outbound, &rtp(1, 7, b"x")).len() - 13,
            report.len() - rtcp(7).len(),
        )
    });
    assert_eq!(
        overhead,
        [(10, 14), (4, 14), (10, 14), (4, 14), (16, 20), (16, 20)]
    );
}

#[test]
fn a_packet_is_taken_once() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        let packets: Vec<Vec<u8>> = (0..200)
            .map(|n| sealed(&mut outbound, &rtp(n, 7, b"sound")))
            .collect();
        for packet in packets[..150].iter().chain(&packets[160..]) {
            assert!(opened(&mut inbound, packet).is_ok());
        }
        for packet in packets[..150].iter().chain(&packets[160..]) {
            assert_eq!(
                opened(&mut inbound, packet),
                Err(Refused::Replayed),
                "{suite:?}"
            );
        }
        assert!(
            opened(&mut inbound, &packets[155]).is_ok(),
            "late, and not too late"
        );
        let mut report = rtcp(7);
        outbound.protect_rtcp(&mut report).unwrap();
        assert!(opened_rtcp(&mut inbound, &report).is_ok());
        assert_eq!(opened_rtcp(&mut inbound, &report), Err(Refused::Replayed));
    }
}

#[test]
fn a_changed_bit_anywhere_is_a_forgery_and_spoils_nothing() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        let plain = rtp(500, 7, b"some sound");
        let packet = sealed(&mut outbound, &plain);
        let mut report = rtcp(7);
        outbound.protect_rtcp(&mut report).unwrap();
        for bit in 0..packet.len() * 8 {
            let mut forged = packet.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(
                opened(&mut inbound, &forged).is_err(),
                "{suite:?}: bit {bit}"
            );
        }
        for bit in 0..report.len() * 8 {
            let mut forged = report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(
                opened_rtcp(&mut inbound, &forged).is_err(),
                "{suite:?}: bit {bit} of RTCP"
            );
        }
        assert_eq!(opened(&mut inbound, &packet), Ok(plain));
        assert_eq!(opened_rtcp(&mut inbound, &report), Ok(rtcp(7)));
    }
}

#[test]
fn another_key_and_plain_packets_are_forgeries() {
    for suite in Suite::ALL {
        let (mut outbound, _) = pair(suite);
        let mut inbound = Inbound::new(&master(suite, 2), b"");
        let packet = sealed(&mut outbound, &rtp(1, 7, &[1; 160]));
        assert_eq!(
            opened(&mut inbound, &packet),
            Err(Refused::Forged),
            "{suite:?}"
        );
        assert_eq!(
            opened(&mut inbound, &rtp(2, 7, &[1; 160])),
            Err(Refused::Forged),
            "{suite:?}"
        );
        assert!(opened_rtcp(&mut inbound, &rtcp(7)).is_err(), "{suite:?}");
    }
}

#[test]
fn the_sequence_number_may_wrap_many_times_with_packets_lost_and_late() {
    let (mut outbound, mut inbound) = pair(Suite::AesCm128HmacSha1_32);
    let mut late = None;
    for n in 0..200_000u32 {
        let packet = sealed(&mut outbound, &rtp((n + 65_000) as u16, 7, b"sound"));
        match n % 97 {
            5 => {}
            6 => late = Some(packet),
            _ => assert!(opened(&mut inbound, &packet).is_ok(), "packet {n}"),
        }
        if n % 97 == 50 {
            assert!(
                opened(&mut inbound, &late.take().unwrap()).is_ok(),
                "late at {n}"
            );
        }
    }
}

#[test]
fn who_missed_the_first_packets_up_to_the_wrap_is_not_deaf_for_ever() {
    let (mut outbound, mut inbound) = pair(Suite::AesCm128HmacSha1_80);
    for sequence in 65_530..=65_535 {
        sealed(&mut outbound, &rtp(sequence, 7, b"before the answer"));
    }
    for sequence in 0..10 {
        let packet = sealed(&mut outbound, &rtp(sequence, 7, b"after it"));
        assert!(opened(&mut inbound, &packet).is_ok());
    }
}

#[test]
fn each_source_has_its_own_numbers_and_there_are_not_too_many() {
    let (mut outbound, mut inbound) = pair(Suite::AeadAes128Gcm);
    for round in 0..3 {
        for ssrc in 0..64 {
            let packet = sealed(&mut outbound, &rtp(60_000 + round, ssrc, b"sound"));
            assert!(opened(&mut inbound, &packet).is_ok());
        }
    }
    assert_eq!(
        outbound.protect_rtp(&mut rtp(1, 64, b"sound")),
        Err(Refused::Exhausted)
    );
    let (mut another, _) = pair(Suite::AeadAes128Gcm);
    let packet = sealed(&mut another, &rtp(1, 64, b"sound"));
    assert_eq!(opened(&mut inbound, &packet), Err(Refused::Exhausted));
}

#[test]
fn no_index_is_used_twice_for_sending() {
    let (mut outbound, _) = pair(Suite::AeadAes128Gcm);
    for sequence in [10, 12, 11, 300] {
        sealed(&mut outbound, &rtp(sequence, 7, b"sound"));
    }
    for sequence in [10, 11, 12, 300, 20] {
        let refused = outbound.protect_rtp(&mut rtp(sequence, 7, b"other"));
        assert_eq!(refused, Err(Refused::Replayed), "{sequence}");
    }
}

#[test]
fn forged_sources_take_no_place() {
    let (mut outbound, mut inbound) = pair(Suite::AesCm128HmacSha1_80);
    for ssrc in 100..1000 {
        assert_eq!(
            opened(&mut inbound, &rtp(1, ssrc, &[0; 100])),
            Err(Refused::Forged)
        );
    }
    let packet = sealed(&mut outbound, &rtp(1, 7, b"sound"));
    assert!(opened(&mut inbound, &packet).is_ok());
}

#[test]
fn a_key_may_be_named_in_each_packet() {
    for suite in Suite::ALL {
        let (mut outbound, _) = pair(suite);
        let mut inbound = Inbound::new(&master(suite, 1), &[0, 1]);
        let aead = matches!(suite, Suite::AeadAes128Gcm | Suite::AeadAes256Gcm);
        let mut packet = sealed(&mut outbound, &rtp(1, 7, b"sound"));
        assert!(
            opened(&mut inbound, &packet).is_err(),
            "{suite:?}: without a name"
        );
        let at = if aead { packet.len() } else { 17 };
        let _ = packet.splice(at..at, [0, 1]);
        assert_eq!(
            opened(&mut inbound, &packet),
            Ok(rtp(1, 7, b"sound")),
            "{suite:?}"
        );

        let mut report = rtcp(7);
        outbound.protect_rtcp(&mut report).unwrap();
        let at = if aead {
            report.len()
        } else {
            report.len() - 10
        };
        let _ = report.splice(at..at, [0, 1]);
        assert_eq!(opened_rtcp(&mut inbound, &report), Ok(rtcp(7)), "{suite:?}");
    }
}

#[test]
fn contributing_sources_and_extensions_stay_in_the_clear() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        let mut plain = rtp(1, 7, &[]);
        plain[0] = 0x92;
        plain.extend_from_slice(&[1, 1, 1, 1, 2, 2, 2, 2, 0xbe, 0xde, 0, 1, 3, 3, 3, 3]);
        let clear = plain.len();
        plain.extend_from_slice(b"sound");
        let packet = sealed(&mut outbound, &plain);
        assert_eq!(packet[..clear], plain[..clear]);
        assert_ne!(packet[clear..plain.len()], plain[clear..]);
        assert_eq!(opened(&mut inbound, &packet), Ok(plain), "{suite:?}");
    }
}

#[test]
fn keys_do_not_show_themselves() {
    let key = MasterKey::new(Suite::AesCm128HmacSha1_80, &[0xab; 30]).unwrap();
    assert_eq!(format!("{key:?}"), "MasterKey(AES_CM_128_HMAC_SHA1_80)");
    for length in [0, 29, 31, 46] {
        assert!(MasterKey::new(Suite::AesCm128HmacSha1_80, &vec![0; length]).is_none());
    }
}

#[test]
fn suites_are_known_by_name() {
    for suite in Suite::ALL {
        assert_eq!(Suite::by_name(suite.name()), Some(suite));
        assert_eq!(Suite::by_name(&suite.name().to_lowercase()), Some(suite));
    }
    assert_eq!(
        Suite::by_name("AES_CM_256_HMAC_SHA1_80"),
        Some(Suite::AesCm256HmacSha1_80)
    );
    assert_eq!(Suite::by_name("F8_128_HMAC_SHA1_80"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_bytes_come_they_are_refused_and_nothing_panics(
        mut data in proptest::collection::vec(any::<u8>(), 0..200), version in any::<bool>(), which in 0usize..6,
    ) {
        let suite = Suite::ALL[which];
        if version && !data.is_empty() {
            data[0] = data[0] & 0x3f | 0x80;
        }
        for mki in [&b""[..], &b"\0\x01"[..]] {
            let mut inbound = Inbound::new(&master(suite, 3), mki);
            prop_assert!(opened(&mut inbound, &data).is_err());
            prop_assert!(opened_rtcp(&mut inbound, &data).is_err());
        }
        let mut outbound = Outbound::new(&master(suite, 3));
        let mut packet = data.clone();
        if outbound.protect_rtp(&mut packet).is_ok() {
            prop_assert_eq!(opened(&mut Inbound::new(&master(suite, 3), b""), &packet), Ok(data.clone()));
        }
        let mut packet = data.clone();
        if outbound.protect_rtcp(&mut packet).is_ok() {
            prop_assert_eq!(opened_rtcp(&mut Inbound::new(&master(suite, 3), b""), &packet), Ok(data));
        }
    }
}
