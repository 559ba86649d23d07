//! Samples between the decoder and the ear, where time can be taken out and put in unheard.

use dsp::dbm0;

/// Seconds of a frame, as of every tick.
const FRAME: f64 = 0.02;
/// Seconds by which the sound may be kept longer than the network needs before anything is done. Packets are taken at
/// ticks, a frame apart: the bounds lie farther apart than that, so that what is done does not call for its contrary.
const TOO_LONG: f64 = 0.028;
const TOO_BRIEF: f64 = 0.002;
/// Seconds off the mark from which it is done at once, in speech too.
const FAR: f64 = 0.08;
/// What is below this level, in dBm0, is silence: time can go in and out anywhere.
const SILENCE: f64 = -45.0;
/// Seconds to wait for silence before speech is touched.
const WAIT: f64 = 1.0;

/// A queue of samples.
///
/// Time is changed in steps of 2.5 to 10 ms: of two pieces of sound so far apart the one is faded into the other, in
/// speech where they are most alike, which is one or more periods of the voice apart.
pub struct Flow {
    pub samples: Vec<i16>,
    frame: usize,
    /// A packet came since time was changed, so that the excess is measured anew.
    pub measured: bool,
    wanted_since: Option<f64>,
    /// The step that was found to be fitting.
    lag: usize,
    pub cut_samples: u64,
    pub stretched_samples: u64,
}

impl Flow {
    pub fn new(rate: u32) -> Self {
        Self {
            samples: Vec::with_capacity(rate as usize / 5),
            frame: (f64::from(rate) * FRAME) as usize,
            measured: false,
            wanted_since: None,
            lag: 0,
            cut_samples: 0,
            stretched_samples: 0,
        }
    }

    /// Samples missing to a whole frame.
    pub fn lacks(&self) -> usize {
        self.frame.saturating_sub(self.samples.len())
    }

    /// And to a whole frame after the cut that was allowed.
    pub fn lacks_for_cut(&self) -> usize {
        (self.frame + self.lag).saturating_sub(self.samples.len())
    }

    pub fn silence(&mut self, samples: usize) {
        self.samples.resize(self.samples.len() + samples, 0);
    }

    /// Drop so many samples from this place on.
    pub fn drop_at(&mut self, at: usize, samples: usize) {
        let end = (at + samples).min(self.samples.len());
        self.samples.drain(at..end);
    }

    /// Append the first frame to `out`.
    pub fn take(&mut self, out: &mut Vec<i16>) {
        let frame = self.frame.min(self.samples.len());
        out.extend_from_slice(&self.samples[..frame]);
        self.samples.drain(..frame);
    }

    /// Whether the next frame, which is there, may be made shorter.
    pub fn may_cut(&mut self, excess: f64, now: f64) -> bool {
        excess > TOO_LONG && self.may_change(excess, now)
    }

    pub fn may_stretch(&mut self, excess: f64, now: f64) -> bool {
        if excess > TOO_LONG {
            return false;
        }
        if excess >= TOO_BRIEF {
            self.wanted_since = None;
            return false;
        }
        self.may_change(excess, now)
    }

    fn may_change(&mut self, excess: f64, now: f64) -> bool {
        if !self.measured || self.samples.len() < self.frame {
            return false;
        }
        let waited = now - *self.wanted_since.get_or_insert(now);
        if dbm0(&self.samples[..self.frame]) < SILENCE {
            self.lag = self.frame / 2;
            return true;
        }
        // The longer it lasts, the less alike the pieces must be.
        let likeness = if excess.abs() > FAR {
            0.6
        } else if waited > WAIT {
            0.95 - 0.12 * (waited - WAIT)
        } else {
            return false;
        };
        let (lag, alike) = self.most_alike();
        self.lag = lag;
        alike >= likeness
    }

    /// How far the pieces of the frame are apart that are most alike, and their correlation of -1 to 1.
    fn most_alike(&self) -> (usize, f64) {
        let half = self.frame / 2;
        // As coarse as at 8 kHz.
        let step = (self.frame / 160).max(1);
        let mut best = (half, -1.0);
        for lag in (self.frame / 8..=half).step_by(step) {
            let (mut cross, mut first, mut second) = (0.0f32, 1.0f32, 1.0f32);
            for n in (0..half).step_by(step) {
                let a = f32::from(self.samples[n]);
                let b = f32::from(self.samples[n + lag]);
                cross += a * b;
                first += a * a;
                second += b * b;
            }
            let alike = f64::from(cross / (first * second).sqrt());
            if alike > best.1 {
                best = (lag, alike);
            }
        }
        best
    }

    /// Take the step out of the frame.
    pub fn cut(&mut self) {
        let (half, lag) = (self.frame / 2, self.lag);
        if self.samples.len() < half + lag {
            return;
        }
        for n in 0..half {
            self.samples[n] = faded(self.samples[n], self.samples[n + lag], n, half);
        }
        self.samples.drain(half..half + lag);
        self.cut_samples += lag as u64;
        self.changed();
    }

    /// Put the step into the frame.
    pub fn stretch(&mut self) {
        let (half, lag) = (self.frame / 2, self.lag);
        let length = self.samples.len();
        if length < half + lag {
            return;
        }
        // From the end on, since each sample is needed once more: what lies behind the fade moves back by the step ...
        self.samples.resize(length + lag, 0);
        self.samples.copy_within(half..length, half + lag);
        // ... and so does the fade, from the sound as it went on to the sound a step earlier.
        for n in (0..half).rev() {
            let went_on = self.original(n + lag, half, lag);
            self.samples[n + lag] = faded(went_on, self.samples[n], n, half);
        }
        self.stretched_samples += lag as u64;
        self.changed();
    }

    /// A sample as it was before the sound from `half` on was moved back by `lag`.
    fn original(&self, n: usize, half: usize, lag: usize) -> i16 {
        if n < half {
            self.samples[n]
        } else {
            self.samples[n + lag]
        }
    }

    fn changed(&mut self) {
        self.measured = false;
        self.wanted_since = None;
    }
}

/// From one sound into another over `length` samples.
fn faded(from: i16, to: i16, n: usize, length: usize) -> i16 {
    let (from, to) = (i32::from(from), i32::from(to));
    (from + (to - from) * n as i32 / length as i32) as i16
}
