//! Which packets of one source were there already (RFC 3711 section 3.3.2), and the index of the next one
//! (section 3.3.1).

/// How far back is remembered: twice the least that RFC 3711 asks for.
const BACK: u64 = 128;

/// Indices that were seen. Only what proved to be authentic may be noted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// The highest index so far; None before the first.
    highest: Option<u64>,
    /// Bit n: `highest - n` was seen.
    seen: u128,
}

impl Window {
    /// The 48-bit index of an RTP packet: the rollover counter that is likeliest, and the sequence number
    /// (section 3.3.1 and appendix A).
    pub fn index_of(&self, sequence: u16) -> u64 {
        let sequence = u64::from(sequence);
        let Some(highest) = self.highest else {
            return sequence;
        };
        let (rollover, last) = (highest >> 16, highest & 0xffff);
        let rollover = if last < 0x8000 {
            // A source that is only at its beginning has no packets from before it.
            if sequence > last + 0x8000 && rollover > 0 {
                rollover - 1
            } else {
                rollover
            }
        } else if sequence + 0x8000 < last {
            rollover + 1
        } else {
            rollover
        };
        rollover << 16 | sequence
    }

    /// Whether nothing has come of this source.
    pub fn is_new(&self) -> bool {
        self.highest.is_none()
    }

    /// Whether an index is neither known nor too old to tell.
    pub fn is_fresh(&self, index: u64) -> bool {
        match self.highest {
            None => true,
            Some(highest) if index > highest => true,
            Some(highest) => {
                let back = highest - index;
                back < BACK && self.seen >> back & 1 == 0
            }
        }
    }

    /// Note an index that is fresh.
    pub fn note(&mut self, index: u64) {
        match self.highest {
            Some(highest) if index <= highest => self.seen |= 1 << (highest - index).min(BACK - 1),
            Some(highest) => {
                let forward = index - highest;
                self.seen = if forward < BACK {
                    self.seen << forward | 1
                } else {
                    1
                };
                self.highest = Some(index);
            }
            None => (self.highest, self.seen) = (Some(index), 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_fresh_once_in_any_order() {
        let mut window = Window::default();
        for index in [1000, 1002, 1001, 1128, 1003, 1127] {
            assert!(window.is_fresh(index), "{index}");
            window.note(index);
            assert!(!window.is_fresh(index), "{index} again");
        }
        assert!(window.is_fresh(1004));
        assert!(!window.is_fresh(1000), "128 back: too old to know");
        window.note(5000);
        assert!(!window.is_fresh(1128) && window.is_fresh(4999) && !window.is_fresh(5000 - 128));
    }

    #[test]
    fn the_rollover_counter_follows_the_sequence_number_both_ways() {
        let mut window = Window::default();
        assert_eq!(window.index_of(0xfffe), 0xfffe);
        window.note(0xfffe);
        assert_eq!(window.index_of(1), 0x1_0001);
        window.note(0x1_0001);
        assert_eq!(window.index_of(0xffff), 0xffff, "late, from before");
        window.note(0x1_7fff);
        assert_eq!(window.index_of(0xffff), 0x1_ffff, "0x8000 ahead is ahead");
        window.note(0x1_9000);
        assert_eq!(window.index_of(0x1001), 0x1_1001);
        assert_eq!(window.index_of(0x0fff), 0x2_0fff);
    }

    #[test]
    fn a_source_at_its_beginning_has_nothing_behind_it() {
        let mut window = Window::default();
        window.note(5);
        assert_eq!(window.index_of(0xfff0), 0xfff0);
    }
}
