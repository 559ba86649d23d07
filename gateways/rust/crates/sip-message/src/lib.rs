//! SIP messages: parse and print, a file a header (RFC 3261 section 7, 20 and 25). No I/O.
