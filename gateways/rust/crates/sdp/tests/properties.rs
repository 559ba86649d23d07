//! What holds for every description.

use std::borrow::Cow;

use proptest::prelude::*;
use sdp::{AudioStream, Codec, Crypto, Direction, SessionDescription, answer, offer};
use srtp::{MasterKey, Suite};

const DIRECTIONS: [Direction; 4] = [
    Direction::SendRecv,
    Direction::SendOnly,
    Direction::RecvOnly,
    Direction::Inactive,
];

fn codecs() -> impl Strategy<Value = Vec<Codec>> {
    let codec = (
        "[A-Z][A-Z0-9-]{0,8}",
        1u32..96000,
        1u8..3,
        "([a-z0-9=-]{1,12})?",
    );
    prop::collection::vec(codec, 0..8).prop_map(|list| {
        let rest = list.into_iter().enumerate().map(
            |(index, (name, clock_rate, channels, parameters))| {
                let payload_type = 96 + u8::try_from(index).expect("few");
                Codec {
                    payload_type,
                    name: Cow::Owned(name),
                    clock_rate,
                    channels,
                    parameters,
                }
            },
        );
        Codec::of_static(8).into_iter().chain(rest).collect()
    })
}

fn cryptos() -> impl Strategy<Value = Vec<Crypto>> {
    let crypto = (
        prop::sample::select(&Suite::ALL[..]),
        any::<[u8; 46]>(),
        prop::collection::vec(any::<u8>(), 0..9),
    );
    prop::collection::vec(crypto, 0..4).prop_map(|list| {
        let crypto = |(index, (suite, bytes, mki)): (usize, (Suite, [u8; 46], Vec<u8>))| Crypto {
            tag: u32::try_from(index).expect("few"),
            key: MasterKey::new(suite, &bytes[..suite.master_bytes()]).expect("as long as it says"),
            mki,
        };
        list.into_iter().enumerate().map(crypto).collect()
    })
}

fn audio(description: &SessionDescription, secure: bool) -> Option<&AudioStream> {
    if secure {
        description.secure_audio()
    } else {
        description.audio()
    }
}

prop_compose! {
    fn streams()(
        host in prop_oneof!["192\\.0\\.2\\.[1-9]", "2001:db8::[1-9a-f]{1,4}", "[a-z]{1,9}\\.example"],
        port in 1u16..,
        codecs in codecs(),
        direction in prop::sample::select(&DIRECTIONS[..]),
        ptime in prop::option::of(1u32..=1000),
        maxptime in prop::option::of(1u32..=1000),
        rtcp in prop::option::of(("192\\.0\\.2\\.[1-9]", 1u16..)),
        rtcp_mux: bool,
        secure: bool,
        crypto in cryptos(),
    ) -> AudioStream {
        let secure = secure && !crypto.is_empty();
        AudioStream { host, port, codecs, direction, ptime, maxptime, rtcp, rtcp_mux, secure, crypto }
    }
}

/// Lines that are nearly right, so that random text gets past the first check.
fn nearly() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("v=0".to_owned()),
        "o=[a-z -]{1,3} [0-9]{1,4} [0-9]{1,4} IN IP4 [a-z0-9.]{1,9}",
        "[csitrbk]=[ -~]{0,12}",
        "c=IN IP[46] [0-9.:]{1,9}",
        "m=(audio|video|image) [0-9]{1,5} (RTP/AVP|RTP/AVPF|RTP/SAVP|udptl)( [0-9]{1,3}){0,4}",
        "a=(rtpmap|fmtp):[0-9]{1,3} [a-zA-Z0-9/]{1,12}",
        "a=crypto:[0-9]{1,2} AES_CM_128_HMAC_SHA1_(80|32) inline:[a-zA-Z0-9+/]{40}([|][0-9:^]{1,6})?",
        "a=[ -~é]{0,12}",
        "[\\x00-\\xff]{0,6}",
    ];
    prop::collection::vec(line, 0..14)
        .prop_map(|lines| format!("v=0\r\no=- 1 1 IN IP4 h\r\n{}", lines.join("\r\n")))
}

proptest! {
    #[test]
    fn an_offer_is_read_as_it_was_meant(stream in streams(), id: u64, version: u64) {
        let parsed = SessionDescription::parse(&offer(&stream, id, version).expect("an offer")).expect("our own offer");
        prop_assert_eq!(audio(&parsed, stream.secure), Some(&stream));
        prop_assert_eq!(parsed.origin_id(), id.to_string());
        prop_assert_eq!(parsed.origin_version(), version.to_string());
    }

    #[test]
    fn an_answer_to_ones_own_offer_accepts_all(stream in streams()) {
        let theirs = SessionDescription::parse(&offer(&stream, 1, 1).expect("an offer")).expect("our own offer");
        let ours = AudioStream { direction: Direction::SendRecv, ..stream.clone() };
        let body = answer(&theirs, &ours, 2, 2).expect("an answer");
        let answered = SessionDescription::parse(&body).expect("our own answer");
        let answered = audio(&answered, stream.secure).expect("audio");
        prop_assert_eq!(answered.codecs.len(), stream.codecs.len());
        prop_assert_eq!(answered.direction, Direction::SendRecv.within(stream.direction));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = SessionDescription::parse(&bytes);
    }

    #[test]
    fn what_is_printed_is_read_the_same(text in nearly(), ours in streams()) {
        let Ok(first) = SessionDescription::parse(text.as_bytes()) else { return Ok(()) };
        let printed = first.print();
        let second = SessionDescription::parse(&printed).expect("what we print can be read");
        prop_assert_eq!(&second.print(), &printed);
        prop_assert_eq!(second.audio(), first.audio());
        prop_assert_eq!(second.secure_audio(), first.secure_audio());
        if let Ok(body) = answer(&first, &ours, 1, 1) {
            let answered = SessionDescription::parse(&body).expect("our own answer");
            // RFC 3264 section 6: as many m-lines as the offer has.
            prop_assert_eq!(answered.media().len(), first.media().len());
        }
    }
}
