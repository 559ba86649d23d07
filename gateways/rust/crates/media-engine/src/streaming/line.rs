//! One media stream, from its connection to its end: the work of its thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::{Connection, Gone, Received};
use super::incoming::Incoming;
use super::outgoing::{Company, Outgoing};
use super::protocol::{self, Asked};

const TICK: Duration = Duration::from_millis(20);
const TICK_MS: u64 = 20;
/// The thread was held up for so long: what was said meanwhile is past.
const HELD_UP: u32 = 3;
/// How often a far end is asked for a sign of life, and after which time without one it is dead.
const ASK: Duration = Duration::from_secs(3);
const DEAD: Duration = Duration::from_secs(10);
/// Marks and keys that may wait.
const MARKS: usize = 1000;
const KEYS: usize = 100;

/// What the owner of a stream tells its thread.
#[derive(Default)]
pub struct Told(Mutex<Orders>);

#[derive(Default)]
struct Orders {
    /// Why it is to stop.
    stop: Option<String>,
    keys: VecDeque<(char, u32)>,
    company: Company,
}

impl Told {
    pub fn stop(&self, reason: &str) {
        self.lock().stop.get_or_insert_with(|| reason.to_owned());
    }

    pub fn is_stopping(&self) -> bool {
        self.lock().stop.is_some()
    }

    /// Keys for which there is no room are those of a far end that hears nothing any more.
    pub fn key(&self, digit: char, duration_ms: u32) {
        let mut orders = self.lock();
        if orders.keys.len() < KEYS {
            orders.keys.push_back((digit, duration_ms));
        }
    }

    pub fn accompany(&self, company: Company) {
        self.lock().company = company;
    }

    fn take(&self) -> Orders {
        let mut orders = self.lock();
        Orders {
            stop: orders.stop.clone(),
            keys: std::mem::take(&mut orders.keys),
            company: orders.company,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        // Nothing that holds the lock can leave it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Line {
    pub start: String,
    pub outgoing: Outgoing,
    pub incoming: Option<Arc<Incoming>>,
    pub told: Arc<Told>,
    pub lost_ms: u64,
}

/// Marks that wait until what came before them is heard, each with its place.
type Marks = VecDeque<(u64, String)>;

impl Line {
    /// Carry sound until the end: why it came.
    pub fn run(&mut self, mut connection: Connection) -> String {
        match self.carry(&mut connection) {
            Ok(reason) => {
                connection.close(protocol::stop(&reason));
                reason
            }
            Err(gone) => gone,
        }
    }

    fn carry(&mut self, connection: &mut Connection) -> Result<String, Gone> {
        connection.send_text(self.start.clone())?;
        let mut marks = Marks::new();
        let mut untold = 0;
        let mut due = Instant::now() + TICK;
        let (mut heard_at, mut asked_at) = (Instant::now(), Instant::now());
        loop {
            let now = Instant::now();
            if now >= due {
                let orders = self.told.take();
                if let Some(reason) = orders.stop {
                    return Ok(reason);
                }
                for (digit, duration_ms) in orders.keys {
                    connection.send_text(protocol::digit(digit, duration_ms))?;
                }
                self.outgoing.accompany(orders.company);
                if now >= due + HELD_UP * TICK {
                    let missed = (now - due).as_millis() as u64 / TICK_MS;
                    untold += missed * TICK_MS;
                    self.lost_ms += missed * TICK_MS;
                    due += TICK * missed as u32;
                }
                due += TICK;
                self.send_frame(connection, &mut untold)?;
                self.tell_played(connection, &mut marks)?;
                if now - heard_at > DEAD {
                    return Err("the far end gives no sign of life".to_owned());
                }
                if now - asked_at > ASK {
                    asked_at = now;
                    connection.ping()?;
                }
            }
            match connection.receive(due)? {
                Received::Nothing => continue,
                Received::Sign => {}
                Received::Sound(samples) => self.take_sound(connection, samples)?,
                Received::Text(text) => match protocol::read(&text) {
                    Ok(Asked::Stop) => return Ok("the far end asked for it".to_owned()),
                    Ok(asked) => self.obey(connection, asked, &mut marks)?,
                    Err(reason) => connection.send_text(protocol::error(&reason))?,
                },
            }
            heard_at = Instant::now();
        }
    }

    /// 20 ms for the far end. `untold`: milliseconds that it has lost, and has not been told of.
    fn send_frame(&mut self, connection: &mut Connection, untold: &mut u64) -> Result<(), Gone> {
        let mut frame = Vec::new();
        if let Some(speaks) = self.outgoing.frame(&mut frame) {
            connection.send_text(protocol::speech(speaks))?;
        }
        if *untold > 0 {
            // Told behind what waits still, so as soon as there is room again.
            if connection.send_sound_after(protocol::lost(*untold), frame)? {
                *untold = 0;
                return Ok(());
            }
        } else if connection.send_sound(frame)? {
            return Ok(());
        }
        *untold += TICK_MS;
        self.lost_ms += TICK_MS;
        Ok(())
    }

    fn take_sound(&mut self, connection: &mut Connection, samples: Vec<i16>) -> Result<(), Gone> {
        let Some(incoming) = &self.incoming else {
            return connection.send_text(protocol::error("this stream plays nothing"));
        };
        let over = incoming.put(samples) as u64;
        if over > 0 {
            let ms = over * 1000 / u64::from(incoming.rate);
            connection.send_text(protocol::overflow(ms))?;
        }
        Ok(())
    }

    fn obey(
        &mut self,
        connection: &mut Connection,
        asked: Asked,
        marks: &mut Marks,
    ) -> Result<(), Gone> {
        let Some(incoming) = &self.incoming else {
            return connection.send_text(protocol::error("this stream plays nothing"));
        };
        match asked {
            Asked::Mark(_) if marks.len() >= MARKS => {
                connection.send_text(protocol::error("too many marks wait"))
            }
            Asked::Mark(name) => {
                marks.push_back((incoming.end(), name));
                Ok(())
            }
            Asked::Clear => {
                // What has been heard by now is told first.
                self.tell_played(connection, marks)?;
                let ms = incoming.clear() * 1000 / u64::from(incoming.rate);
                let names: Vec<String> = marks.drain(..).map(|(_, name)| name).collect();
                connection.send_text(protocol::cleared(ms, &names))
            }
            Asked::Stop => Ok(()),
        }
    }

    fn tell_played(&self, connection: &mut Connection, marks: &mut Marks) -> Result<(), Gone> {
        let Some(incoming) = &self.incoming else {
            return Ok(());
        };
        let gone = incoming.gone();
        while marks.front().is_some_and(|&(place, _)| place <= gone) {
            if let Some((_, name)) = marks.pop_front() {
                connection.send_text(protocol::played(&name))?;
            }
        }
        Ok(())
    }
}
