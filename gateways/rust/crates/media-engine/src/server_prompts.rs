//! Prompts that owners of an engine in a process of its own give: made by a thread of their own, since resampling takes the
//! time of many orders, and known by their samples, so that the next owner has the same ones.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use sha2::{Digest, Sha256};

use crate::engine::Engine;
use crate::queue::Queue;

/// A prompt to be made.
pub struct Added {
    pub owner: u32,
    pub ask: u64,
    /// 16 bits each, the low byte first.
    pub samples: Vec<u8>,
    pub rate: u32,
}

/// One that is made, or why not.
pub struct Made {
    pub owner: u32,
    pub ask: u64,
    /// Of its samples as they came.
    pub bytes: usize,
    pub number: Result<u32, String>,
}

/// Dropping it ends the thread when all that was added is made.
pub struct Prompts {
    add: Sender<Added>,
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<Engine>,
    /// By the sum of their samples: the number, and the last owner that has given it.
    known: Mutex<HashMap<[u8; 32], (u32, u32)>>,
    made: Queue<Made>,
}

impl Prompts {
    pub fn new(engine: Arc<Engine>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            engine,
            known: Mutex::default(),
            // As many as are added, of which there is a bound.
            made: Queue::new(usize::MAX)?,
        });
        let (add, added) = mpsc::channel();
        let maker = Arc::clone(&shared);
        thread::Builder::new()
            .name("prompts".to_owned())
            .spawn(move || {
                for one in added {
                    let made = maker.make(one);
                    maker.made.push(made, 1.0);
                }
            })?;
        Ok(Self { add, shared })
    }

    pub fn add(&self, added: Added) {
        // The thread lives as long as this.
        self.add.send(added).ok();
    }

    /// Readable while some are made.
    pub fn descriptor(&self) -> RawFd {
        self.shared.made.bell.descriptor()
    }

    pub fn take(&self) -> VecDeque<Made> {
        self.shared.made.take(usize::MAX)
    }

    /// A prompt is no more.
    pub fn dropped(&self, prompt: u32) {
        self.shared
            .lock()
            .retain(|_, (number, _)| *number != prompt);
    }

    /// Forget those that an owner has not given; gives their numbers.
    pub fn forget(&self, owner: u32) -> Vec<u32> {
        let mut forgotten = Vec::new();
        self.shared.lock().retain(|_, &mut (number, last)| {
            if last < owner {
                forgotten.push(number);
            }
            last >= owner
        });
        forgotten
    }
}

impl Shared {
    fn make(&self, added: Added) -> Made {
        let Added {
            owner,
            ask,
            samples,
            rate,
        } = added;
        Made {
            owner,
            ask,
            bytes: samples.len(),
            number: catch_unwind(AssertUnwindSafe(|| self.number(&samples, rate, owner)))
                .unwrap_or_else(|_| Err("a fault in the media engine".to_owned())),
        }
    }

    fn number(&self, samples: &[u8], rate: u32, owner: u32) -> Result<u32, String> {
        let mut hash = Sha256::new();
        hash.update(rate.to_le_bytes());
        hash.update(samples);
        let hash = hash.finalize().into();
        if let Some((number, last)) = self.lock().get_mut(&hash) {
            *last = owner;
            return Ok(*number);
        }
        let samples: Vec<i16> = samples
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let number = self.engine.add_prompt(&samples, rate)?;
        self.lock().insert(hash, (number, owner));
        Ok(number)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], (u32, u32)>> {
        // Nothing that holds the lock can leave it half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
