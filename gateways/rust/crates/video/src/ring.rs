//! The newest packets of a source, by their numbers: to send them again, and to know those that come twice.

/// A packet that is kept.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload_type: u8,
    pub payload: Vec<u8>,
    held: bool,
}

/// At most so many packets, a power of two. Its memory is what its longest packets took, and is kept.
#[derive(Debug)]
pub struct Ring {
    places: Vec<Kept>,
    newest: Option<u16>,
}

impl Ring {
    pub fn new(packets: u16) -> Self {
        let packets = usize::from(packets.next_power_of_two());
        Self {
            places: vec![Kept::default(); packets],
            newest: None,
        }
    }

    /// Keep a packet; false: it is here already, or older than all that are kept.
    pub fn put(
        &mut self,
        (sequence, timestamp): (u16, u32),
        (payload_type, marker): (u8, bool),
        payload: &[u8],
    ) -> bool {
        let size = self.places.len();
        match self.newest {
            Some(newest) => {
                let ahead = sequence.wrapping_sub(newest) as i16;
                if ahead <= 0 && usize::from(ahead.unsigned_abs()) >= size {
                    return false;
                }
                if ahead > 0 {
                    // What lies between has not come: nothing of an earlier round is to stand for it.
                    for gone in 1..u16::try_from(size).unwrap_or(u16::MAX).min(ahead as u16) {
                        self.places[usize::from(newest.wrapping_add(gone)) % size].held = false;
                    }
                    self.newest = Some(sequence);
                }
            }
            None => self.newest = Some(sequence),
        }
        let place = &mut self.places[usize::from(sequence) % size];
        if place.held && place.sequence == sequence {
            return false;
        }
        place.payload.clear();
        place.payload.extend_from_slice(payload);
        place.sequence = sequence;
        place.timestamp = timestamp;
        place.marker = marker;
        place.payload_type = payload_type;
        place.held = true;
        true
    }

    pub fn get(&self, sequence: u16) -> Option<&Kept> {
        let place = &self.places[usize::from(sequence) % self.places.len()];
        (place.held && place.sequence == sequence).then_some(place)
    }

    /// Another stream begins.
    pub fn clear(&mut self) {
        self.newest = None;
        for place in &mut self.places {
            place.held = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(ring: &mut Ring, sequence: u16) -> bool {
        ring.put((sequence, 9), (96, true), &sequence.to_be_bytes())
    }

    #[test]
    fn the_newest_are_kept_once_each_and_in_any_order() {
        let mut ring = Ring::new(8);
        for sequence in [65_533, 65_535, 65_534, 0, 2, 1] {
            assert!(put(&mut ring, sequence));
            assert!(!put(&mut ring, sequence), "twice");
        }
        assert_eq!(ring.get(65_534).unwrap().payload, 65_534u16.to_be_bytes());
        assert!(ring.get(3).is_none());
        assert!(put(&mut ring, 10));
        assert!(ring.get(2).is_none() && ring.get(65_535).is_none());
        assert!(!put(&mut ring, 2), "too old");
        assert!(put(&mut ring, 4));
        assert_eq!(ring.get(10).unwrap().sequence, 10);
    }
}
