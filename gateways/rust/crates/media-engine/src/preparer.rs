//! Encodes prompts in a thread of its own, so that playing one costs no codec.
//!
//! Whoever wants a form of a prompt that is not there asks for it and goes on without: the item that a leg plays then is
//! encoded as it is heard, to its end, since two encoders that take turns are heard. The next one finds it.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::cache::{Cache, Found};
use crate::encoded::Encoded;
use crate::priority;
use crate::prompt::Prompt;
use crate::speaker::Manner;

/// Forms that may wait to be made.
const WISHES: usize = 10_000;

/// What is to be made. Asking takes a lock that is held for an instant only.
#[derive(Default)]
pub struct Wishes {
    waiting: Mutex<VecDeque<(Arc<Prompt>, Manner)>>,
    come: Condvar,
    stopping: AtomicBool,
    figures: Figures,
}

/// Sums since the start.
#[derive(Default)]
pub struct Figures {
    pub encoded: AtomicU64,
    /// Found in the folder.
    pub loaded: AtomicU64,
    /// Files that were none of ours any more, and were made anew.
    pub damaged: AtomicU64,
    /// Times that the folder could not be read or written.
    pub failed: AtomicU64,
}

impl Wishes {
    /// Whether there was room for it.
    pub fn ask(&self, prompt: &Arc<Prompt>, manner: Manner) -> bool {
        let mut waiting = self.lock();
        if waiting.len() >= WISHES {
            return false;
        }
        waiting.push_back((Arc::clone(prompt), manner));
        drop(waiting);
        self.come.notify_one();
        true
    }

    /// Make no more.
    pub fn stop(&self) {
        self.stopping.store(true, Relaxed);
        // Prompts hold this, and this holds prompts.
        self.lock().clear();
        self.come.notify_all();
    }

    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.lock().len()
    }

    fn goes_on(&self) -> bool {
        !self.stopping.load(Relaxed)
    }

    /// Wait for one. None: it is over.
    fn next(&self) -> Option<(Arc<Prompt>, Manner)> {
        let mut waiting = self.lock();
        while self.goes_on() {
            if let Some(wish) = waiting.pop_front() {
                return Some(wish);
            }
            waiting = self
                .come
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Arc<Prompt>, Manner)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Start the thread. `folder`: where forms are kept for the next start; None: nowhere. Fails when it cannot be used.
pub fn start(wishes: Arc<Wishes>, folder: Option<&Path>) -> io::Result<JoinHandle<()>> {
    let cache = match folder {
        Some(folder) => Some(Cache::open(folder).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
        })?),
        None => None,
    };
    thread::Builder::new()
        .name("media-prompts".into())
        .spawn(move || run(&wishes, cache))
}

fn run(wishes: &Wishes, mut cache: Option<Cache>) {
    priority::lower();
    while let Some((prompt, manner)) = wishes.next() {
        let prepared = catch_unwind(AssertUnwindSafe(|| {
            prepare(&prompt, manner, cache.as_mut(), wishes)
        }));
        match prepared {
            Ok(Some(form)) => prompt.add(form),
            Ok(None) => {}
            Err(_) => eprintln!("media engine: a fault while a prompt was encoded"),
        }
    }
}

fn prepare(
    prompt: &Prompt,
    manner: Manner,
    cache: Option<&mut Cache>,
    wishes: &Wishes,
) -> Option<Encoded> {
    let figures = &wishes.figures;
    let make = || {
        let made = prompt.make(manner, || wishes.goes_on())?;
        figures.encoded.fetch_add(1, Relaxed);
        Some(made)
    };
    let Some(cache) = cache else { return make() };
    // Without the folder all goes on, from memory.
    let failed = |error: io::Error| {
        figures.failed.fetch_add(1, Relaxed);
        eprintln!("media engine: the folder of encoded prompts: {error}");
    };
    let key = prompt.key(manner);
    match cache.get(&key, manner) {
        Ok(Found::Whole(form)) => {
            figures.loaded.fetch_add(1, Relaxed);
            return Some(form);
        }
        Ok(Found::Damaged) => {
            figures.damaged.fetch_add(1, Relaxed);
        }
        Ok(Found::Nothing) => {}
        Err(error) => failed(error),
    }
    let made = make()?;
    if let Err(error) = cache.put(&key, &made) {
        failed(error);
        return Some(made);
    }
    // The file's pages can be given back when memory is short, unlike what was made.
    match cache.get(&key, manner) {
        Ok(Found::Whole(form)) => Some(form),
        Ok(_) => Some(made),
        Err(error) => {
            failed(error);
            Some(made)
        }
    }
}

#[cfg(test)]
mod tests;
