//! SIP transactions (RFC 3261 section 17, RFC 6026) behind one sans-IO engine. No I/O.
