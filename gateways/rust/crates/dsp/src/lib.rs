//! Signal processing: G.711, tones, levels. No I/O.
