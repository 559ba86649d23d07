//! The media engine: threads, sockets, 20 ms ticks.
