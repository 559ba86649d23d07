//! Names of headers, long and compact (RFC 3261 section 7.3.3 and 20; the IANA registry for later ones).

/// How often a header may occur, and how its values are divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// At most once: a second one would change what the message means, so it is refused (RFC 4475 section 3.3.8).
    Once,
    /// Any number of lines, each a comma-separated list (RFC 3261 section 7.3.1).
    List,
    /// Any number of lines, one value each.
    Lines,
}
use Shape::{Lines, List, Once};

macro_rules! headers {
    ($($variant:ident $long:literal $compact:literal $shape:ident;)*) => {
        /// A header this crate knows by name; `Other` is any else.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum HeaderName { $($variant,)* Other }

        const KNOWN: &[(HeaderName, &str, u8, Shape)] = &[$((HeaderName::$variant, $long, $compact, $shape),)*];
    };
}

// In order of length, so that a name is compared only with the few that are as long.
headers! {
    To "To" b't' Once;
    Via "Via" b'v' List;
    CSeq "CSeq" 0 Once;
    Date "Date" 0 Lines;
    From "From" b'f' Once;
    Path "Path" 0 List;
    RAck "RAck" 0 Once;
    RSeq "RSeq" 0 Once;
    Allow "Allow" 0 List;
    Event "Event" b'o' Once;
    Route "Route" 0 List;
    Accept "Accept" 0 List;
    MinSe "Min-SE" 0 Once;
    Reason "Reason" 0 List;
    Server "Server" 0 Lines;
    CallId "Call-ID" b'i' Once;
    Contact "Contact" b'm' List;
    Expires "Expires" 0 Once;
    Privacy "Privacy" 0 Lines;
    Require "Require" 0 List;
    Subject "Subject" b's' Lines;
    Warning "Warning" 0 List;
    Identity "Identity" b'y' Lines;
    Priority "Priority" 0 Lines;
    ReferTo "Refer-To" b'r' Once;
    Replaces "Replaces" 0 Once;
    ReplyTo "Reply-To" 0 Lines;
    CallInfo "Call-Info" 0 List;
    Diversion "Diversion" 0 List;
    Supported "Supported" b'k' List;
    Timestamp "Timestamp" 0 Lines;
    AlertInfo "Alert-Info" 0 List;
    ErrorInfo "Error-Info" 0 List;
    UserAgent "User-Agent" 0 Lines;
    InReplyTo "In-Reply-To" 0 List;
    MinExpires "Min-Expires" 0 Once;
    ReferredBy "Referred-By" b'b' Lines;
    RetryAfter "Retry-After" 0 Lines;
    Unsupported "Unsupported" 0 List;
    AllowEvents "Allow-Events" b'u' List;
    ContentType "Content-Type" b'c' Once;
    HistoryInfo "History-Info" 0 List;
    MaxForwards "Max-Forwards" 0 Once;
    MimeVersion "MIME-Version" 0 Lines;
    Organization "Organization" 0 Lines;
    RecordRoute "Record-Route" 0 List;
    Authorization "Authorization" 0 Lines;
    ProxyRequire "Proxy-Require" 0 List;
    ServiceRoute "Service-Route" 0 List;
    AcceptContact "Accept-Contact" b'a' List;
    ContentLength "Content-Length" b'l' Once;
    RejectContact "Reject-Contact" b'j' List;
    AcceptEncoding "Accept-Encoding" 0 List;
    AcceptLanguage "Accept-Language" 0 List;
    SessionExpires "Session-Expires" b'x' Once;
    ContentEncoding "Content-Encoding" b'e' List;
    ContentLanguage "Content-Language" 0 List;
    WwwAuthenticate "WWW-Authenticate" 0 Lines;
    ProxyAuthenticate "Proxy-Authenticate" 0 Lines;
    SubscriptionState "Subscription-State" 0 Once;
    AuthenticationInfo "Authentication-Info" 0 Lines;
    ContentDisposition "Content-Disposition" 0 Lines;
    PAssertedIdentity "P-Asserted-Identity" 0 List;
    ProxyAuthorization "Proxy-Authorization" 0 Lines;
    RequestDisposition "Request-Disposition" b'd' List;
    PPreferredIdentity "P-Preferred-Identity" 0 List;
}

const LONGEST: usize = 20;

/// Where the names of each length begin in `KNOWN`.
const STARTS: [usize; LONGEST + 2] = {
    let mut starts = [0; LONGEST + 2];
    let mut length = 0;
    while length <= LONGEST + 1 {
        let mut at = 0;
        while at < KNOWN.len() && KNOWN[at].1.len() < length {
            at += 1;
        }
        starts[length] = at;
        length += 1;
    }
    starts
};

/// The header of each compact letter.
const COMPACT: [HeaderName; 26] = {
    let mut letters = [HeaderName::Other; 26];
    let mut at = 0;
    while at < KNOWN.len() {
        if KNOWN[at].2 != 0 {
            letters[(KNOWN[at].2 - b'a') as usize] = KNOWN[at].0;
        }
        at += 1;
    }
    letters
};

impl HeaderName {
    /// The header of a name as written: long or compact, any case.
    #[inline]
    pub fn of(name: &[u8]) -> Self {
        if let [letter] = name {
            let letter = letter.to_ascii_lowercase();
            return if letter.is_ascii_lowercase() {
                COMPACT[(letter - b'a') as usize]
            } else {
                Self::Other
            };
        }
        let (Some(first), true) = (name.first(), name.len() <= LONGEST) else {
            return Self::Other;
        };
        let first = first.to_ascii_lowercase();
        for known in &KNOWN[STARTS[name.len()]..STARTS[name.len() + 1]] {
            let long = known.1.as_bytes();
            // Most write a name as the RFCs do.
            if long[0].to_ascii_lowercase() == first
                && (long == name || long.eq_ignore_ascii_case(name))
            {
                return known.0;
            }
        }
        Self::Other
    }

    /// The long name as the RFCs write it; empty for `Other`.
    pub fn text(self) -> &'static str {
        KNOWN.get(self as usize).map_or("", |known| known.1)
    }

    /// Whether one line may hold several values, divided by commas.
    pub fn is_list(self) -> bool {
        KNOWN
            .get(self as usize)
            .is_some_and(|known| known.3 == List)
    }

    /// Whether a second one makes the message ambiguous.
    #[inline]
    pub fn is_once(self) -> bool {
        KNOWN
            .get(self as usize)
            .is_some_and(|known| known.3 == Once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case_and_by_its_compact_letter() {
        for known in KNOWN {
            assert_eq!(HeaderName::of(known.1.to_uppercase().as_bytes()), known.0);
            assert_eq!(HeaderName::of(known.1.to_lowercase().as_bytes()), known.0);
            if known.2 != 0 {
                assert_eq!(HeaderName::of(&[known.2]), known.0);
            }
            assert_eq!(known.0.text(), known.1);
        }
        assert_eq!(HeaderName::of(b"C%6Fntact"), HeaderName::Other);
        assert_eq!(HeaderName::of(b""), HeaderName::Other);
    }

    #[test]
    fn the_table_is_in_order_of_length() {
        assert!(
            KNOWN
                .windows(2)
                .all(|pair| pair[0].1.len() <= pair[1].1.len())
        );
    }
}
