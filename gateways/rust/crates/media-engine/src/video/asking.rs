//! When a party is asked for a key frame: as soon as somebody needs one, and not again before it could have come.

/// Seconds between two requests, at the least.
const BETWEEN: f64 = 0.5;
/// By signalling each request is a message that is answered: the time between two doubles up to this.
const SLOWEST: f64 = 8.0;

#[derive(Debug)]
pub struct Asking {
    wanted: bool,
    /// Whether for somebody who has seen nothing yet, and not because something was lost.
    anew: bool,
    asked_at: f64,
    between: f64,
    /// RFC 5104 section 4.3.1.2: of the newest request.
    number: u8,
}

/// How a party is asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Pli,
    Fir(u8),
    /// RFC 5168: by signalling.
    Signalling,
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            wanted: false,
            anew: false,
            asked_at: f64::NEG_INFINITY,
            between: BETWEEN,
            number: 0,
        }
    }
}

impl Asking {
    pub fn want(&mut self, anew: bool) {
        self.wanted = true;
        self.anew |= anew;
    }

    /// A key frame comes.
    pub fn came(&mut self) {
        self.wanted = false;
        self.anew = false;
        self.between = BETWEEN;
    }

    /// What is to be asked now, of who takes these.
    pub fn due(&mut self, pli: bool, fir: bool, now: f64) -> Option<Ask> {
        if !self.wanted || now - self.asked_at < self.between {
            return None;
        }
        self.asked_at = now;
        Some(match (pli, fir) {
            // RFC 5104 section 4.3.1.1: FIR is for who begins to see, PLI for who has lost something.
            (_, true) if self.anew || !pli => {
                self.number = self.number.wrapping_add(1);
                Ask::Fir(self.number)
            }
            (true, _) => Ask::Pli,
            _ => {
                self.between = (2.0 * self.between).min(SLOWEST);
                Ask::Signalling
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_one_in_half_a_second_until_a_key_frame_comes() {
        let mut asking = Asking::default();
        assert_eq!(asking.due(true, true, 1.0), None);
        asking.want(true);
        assert_eq!(asking.due(true, true, 1.0), Some(Ask::Fir(1)));
        asking.want(false);
        assert_eq!(asking.due(true, true, 1.4), None);
        assert_eq!(asking.due(true, true, 1.5), Some(Ask::Fir(2)));
        asking.came();
        assert_eq!(asking.due(true, true, 9.0), None);
        asking.want(false);
        assert_eq!(asking.due(true, true, 9.0), Some(Ask::Pli));
    }

    #[test]
    fn who_takes_no_request_by_rtcp_is_asked_by_signalling_less_and_less_often() {
        let mut asking = Asking::default();
        asking.want(false);
        let asked: Vec<u32> = (0..400)
            .filter(|n| asking.due(false, false, f64::from(*n) * 0.1).is_some())
            .collect();
        assert_eq!(asked, [0, 10, 30, 70, 150, 230, 310, 390]);
    }
}
