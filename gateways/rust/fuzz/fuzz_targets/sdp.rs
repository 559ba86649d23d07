//! A session description: what is read and printed is read the same, and an answer to it can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdp::{AudioStream, Codec, Direction, SessionDescription, VideoStream};

fuzz_target!(|data: &[u8]| {
    let Ok(first) = SessionDescription::parse(data) else {
        return;
    };
    let second = SessionDescription::parse(&first.print()).expect("what was printed can be read");
    assert_eq!(first.audio(), second.audio());
    assert_eq!(first.secure_audio(), second.secure_audio());
    let ours = AudioStream {
        host: "192.0.2.1".to_owned(),
        port: 4000,
        codecs: [0, 8, 9].into_iter().filter_map(Codec::of_static).collect(),
        direction: Direction::SendRecv,
        ptime: Some(20),
        maxptime: None,
        rtcp: None,
        rtcp_mux: true,
        secure: false,
        crypto: Vec::new(),
    };
    if let Ok(body) = sdp::answer(&first, &ours, 1, 1) {
        let answer = SessionDescription::parse(&body).expect("our answer can be read");
        assert_eq!(answer.media().len(), first.media().len());
        assert_eq!(answer.audio().map(|audio| audio.port), Some(4000));
    }
    let video = first.video();
    assert_eq!(video, second.video());
    if let Ok(body) = sdp::answer_beside(&first, &ours, 1, 1, &video) {
        let answer = SessionDescription::parse(&body).expect("our answer can be read");
        let places = |lines: &[(usize, VideoStream)]| lines.iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(places(&answer.video()), places(&video));
    }
});
