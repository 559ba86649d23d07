//! Records of pictures.

use std::net::SocketAddr;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::command::{Command, Event};
use crate::video::{Takes, VideoCoding, VideoConnection, VideoTerms, Wire};

fn codings() -> impl Strategy<Value = Vec<VideoCoding>> {
    let said = prop_oneof![
        Just(("H264", "packetization-mode=1;profile-level-id=42e01f")),
        Just(("H264", "profile-level-id=640028")),
        Just(("VP8", "")),
        Just(("RTX", "apt=96")),
        Just(("AV1", "")),
    ];
    let coding = (0..128u8, said)
        .prop_map(|(number, (name, said))| VideoCoding::new(number, name, 90_000, said));
    vec(coding, 0..4)
}

fn connection() -> impl Strategy<Value = VideoConnection> {
    let places = (super::address(), super::address());
    (
        places,
        (codings(), codings(), any::<[bool; 5]>()),
        option::of(any::<u64>()),
        vec(vec(any::<u8>(), 0..20), 0..3),
        any::<[bool; 3]>(),
        option::of(super::keys()),
    )
        .prop_map(|(places, (ours, theirs, takes), most, sets, flags, keys)| {
            let places: (SocketAddr, SocketAddr) = places;
            let takes = Takes {
                nack: takes[0],
                pli: takes[1],
                fir: takes[2],
                tmmbr: takes[3],
                remb: takes[4],
            };
            VideoConnection {
                rtp: places.0,
                rtcp: places.1,
                rtcp_mux: flags[0],
                terms: Arc::new(VideoTerms::agree(ours, theirs, takes)),
                most,
                sets,
                send: flags[1],
                receive: flags[2],
                keys: keys.map(Arc::new),
            }
        })
}

pub fn command() -> impl Strategy<Value = Command> {
    let wire = prop_oneof![
        (any::<bool>(), any::<u8>())
            .prop_map(|(fragments, profile)| Wire::H264 { fragments, profile }),
        Just(Wire::Vp8)
    ];
    let leg = any::<u32>;
    prop_oneof![
        (leg(), any::<u64>()).prop_map(|(leg, epoch)| Command::OpenVideo { leg, epoch }),
        (leg(), connection())
            .prop_map(|(leg, connection)| Command::ConnectVideo { leg, connection }),
        (leg(), option::of(leg())).prop_map(|(viewer, source)| Command::Show { viewer, source }),
        leg().prop_map(|leg| Command::Refresh { leg }),
        (leg(), option::of(any::<u64>())).prop_map(|(leg, bits)| Command::LimitVideo { leg, bits }),
        option::of(super::path()).prop_map(|path| Command::Composer { path }),
        (leg(), option::of(any::<u64>()))
            .prop_map(|(leg, member)| Command::FeedComposer { leg, member }),
        any::<(u32, u64)>().prop_map(|(leg, member)| Command::HearComposer { leg, member }),
        (any::<(u32, u64, u64)>(), wire).prop_map(|((leg, epoch, source), wire)| {
            Command::OpenSource {
                leg,
                epoch,
                source,
                wire,
            }
        }),
    ]
}

pub fn event() -> impl Strategy<Value = Event> {
    let who = any::<(u32, u64)>;
    prop_oneof![
        who().prop_map(|(leg, epoch)| Event::VideoStarted { leg, epoch }),
        who().prop_map(|(leg, epoch)| Event::VideoStalled { leg, epoch }),
        who().prop_map(|(leg, epoch)| Event::PictureWanted { leg, epoch }),
        (who(), any::<u32>()).prop_map(|((viewer, epoch), source)| Event::Shown {
            viewer,
            epoch,
            source
        }),
        Just(Event::ComposerReady),
        ".{0,30}".prop_map(|reason| Event::ComposerLost { reason }),
    ]
}
