//! The thread that waits for disks: files reach the disk itself and get their lasting names.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;

use crate::disk::Output;
use crate::recorder::{Event, Shared};
use crate::sound_file::{SoundFile, Trouble, part_of};

pub(crate) enum Job {
    /// What was written so far should survive a loss of power.
    Sync(Arc<dyn Output>),
    Finish {
        recording: u64,
        file: Box<SoundFile>,
        lost_ms: u64,
        reason: Option<&'static str>,
    },
}

/// Run until no more jobs can come.
pub(crate) fn run(jobs: &Receiver<Job>, shared: &Shared) {
    for job in jobs {
        match job {
            Job::Sync(output) => {
                // Its failure shows at the end, when it is tried again and told.
                output.sync().ok();
                shared.syncing.fetch_sub(1, Relaxed);
            }
            Job::Finish {
                recording,
                mut file,
                lost_ms,
                reason,
            } => {
                let trouble = finish(&mut file, shared).err();
                shared.end(Event::Ended {
                    recording,
                    milliseconds: file.milliseconds(),
                    bytes: file.bytes(),
                    lost_ms,
                    reason: reason.map(str::to_owned).or(trouble),
                });
            }
        }
    }
}

fn finish(file: &mut SoundFile, shared: &Shared) -> Result<(), String> {
    // Whatever goes wrong, what is there gets its name.
    let closed = match file.close() {
        Ok(()) => file.output().sync().map_err(|error| error.to_string()),
        Err(Trouble::Disk(error)) => Err(error.to_string()),
        Err(Trouble::Full) => Err("the file is as long as it can be".to_owned()),
    };
    let named = shared.disk.rename(&part_of(file.path()), file.path());
    closed.and(named.map_err(|error| error.to_string()))
}
