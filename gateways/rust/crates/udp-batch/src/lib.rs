//! Batched datagrams on a given socket: recvmmsg and sendmmsg.
