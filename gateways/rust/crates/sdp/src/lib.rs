//! Session descriptions: parse, print, negotiate (RFC 8866, RFC 3264). No I/O.
