//! Our requests as bytes.

use std::fmt::Write;
use std::sync::Arc;

use sip_message::{HeaderName, Message, print};

use crate::engine::{Engine, Refusal};
use crate::matching::mix;

impl Engine {
    /// The ACK or CANCEL of an INVITE: the same Request-URI, Via, From, Call-ID, CSeq number and Route, and its To or
    /// that of the response (sections 9.1 and 17.1.1.3).
    pub(super) fn print_companion(
        &mut self,
        invite: &Message,
        method: &str,
        to: Option<&[u8]>,
        extra: &[(&str, &str)],
    ) -> Result<Arc<Message>, Refusal> {
        let line = |name| {
            invite
                .line(name)
                .map(|value| String::from_utf8_lossy(value).into_owned())
                .unwrap_or_default()
        };
        let to = to.or(invite.line(HeaderName::To)).unwrap_or_default();
        let to = String::from_utf8_lossy(&sip_message::grammar::unfold(to)).into_owned();
        let (via, from, call_id) = (
            line(HeaderName::Via),
            line(HeaderName::From),
            line(HeaderName::CallId),
        );
        let cseq = format!("{} {method}", invite.cseq());
        let routes: Vec<_> = invite
            .lines(HeaderName::Route)
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect();
        let mut headers = vec![
            ("From", from.as_str()),
            ("To", to.as_str()),
            ("Call-ID", call_id.as_str()),
            ("CSeq", cseq.as_str()),
        ];
        headers.extend(routes.iter().map(|route| ("Route", route.as_str())));
        headers.extend_from_slice(extra);
        let uri = String::from_utf8_lossy(invite.uri()).into_owned();
        self.print_request(method, &uri, &via, &headers, b"")
    }

    pub(super) fn print_request(
        &mut self,
        method: &str,
        uri: &str,
        via: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Arc<Message>, Refusal> {
        self.scratch.clear();
        print::request(&mut self.scratch, method, uri, via, headers, body);
        match Message::parse_ours(&self.scratch) {
            Ok(message) => Ok(Arc::new(message)),
            Err(malformed) => Err(Refusal(malformed.reason)),
        }
    }

    /// Its number and a proof that we drew it: a response is matched without a table, and cannot be made up by one
    /// who has not seen the request.
    pub(super) fn branch(&self, number: u64) -> String {
        let proof = mix(self.config.seed, number);
        format!("z9hG4bK{number:x}.{proof:016x}")
    }

    pub(super) fn via(&self, transport: u64, branch: &str) -> String {
        let mut via = String::with_capacity(96);
        if let Some(open) = self.transports.get(&transport) {
            // RFC 3581 section 3: "the client [...] MUST include an "rport" parameter in the top Via".
            let _ = write!(
                via,
                "SIP/2.0/{} {};branch={branch};rport",
                open.kind.via(),
                open.sent_by
            );
        }
        via
    }
}

/// Refuse headers that would break out of their line.
pub(super) fn checked(headers: &[(&str, &str)]) -> Result<(), Refusal> {
    let broken = headers.iter().find(|(name, value)| {
        !sip_message::grammar::is_token(name.as_bytes()) || print::breaks_line(value)
    });
    match broken {
        Some((name, _)) => Err(Refusal(
            format!("header {name:?} holds a line break or has no proper name").into(),
        )),
        None => Ok(()),
    }
}
