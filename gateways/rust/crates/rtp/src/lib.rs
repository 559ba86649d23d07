//! RTP, RTCP and telephone-event packets (RFC 3550, RFC 3551, RFC 4733, RFC 5761). No I/O.
