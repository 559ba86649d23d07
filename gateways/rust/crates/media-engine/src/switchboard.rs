//! Who is open and who is bridged with whom: turns commands into orders, each of which concerns one leg only, so that
//! every leg can live in the thread that owns its sockets.

use std::sync::Arc;

use crate::command::{Command, Connection, Event};
use crate::formats::{Formats, Passage};
use crate::prompt::Prompt;

/// What the thread of one leg is to do.
#[derive(Clone)]
pub enum Order {
    Open {
        epoch: u64,
    },
    Connect(Connection),
    Pass {
        to: u32,
        epoch: u64,
        passage: Passage,
    },
    Tone {
        frequency: f64,
        level: f64,
    },
    Play {
        prompt: Arc<Prompt>,
        operation: u64,
        looped: bool,
    },
    Silence,
    Close,
}

#[derive(Clone, Default)]
struct Slot {
    /// None: not in use.
    epoch: Option<u64>,
    /// Kept after the end, for the figures.
    last_epoch: u64,
    formats: Option<Arc<Formats>>,
    /// Whom its sound goes to: another leg, or itself as an echo.
    bridged: Option<u32>,
}

pub struct Switchboard {
    slots: Vec<Slot>,
    prompts: Vec<Arc<Prompt>>,
}

impl Switchboard {
    pub fn new(slots: usize) -> Self {
        Self {
            slots: vec![Slot::default(); slots],
            prompts: Vec::new(),
        }
    }

    /// The orders that carry out a command, each with its leg; or why it cannot be.
    pub fn carry_out(&mut self, command: &Command) -> Result<Vec<(u32, Order)>, Event> {
        match *command {
            Command::Open { leg, epoch } => {
                let slot = self.slot(leg)?;
                if slot.epoch.is_some() {
                    return Err(Event::Failed {
                        leg,
                        epoch,
                        reason: "the leg is open already",
                    });
                }
                *slot = Slot {
                    epoch: Some(epoch),
                    last_epoch: epoch,
                    ..Slot::default()
                };
                Ok(vec![(leg, Order::Open { epoch })])
            }
            Command::Connect {
                leg,
                ref connection,
            } => {
                self.epoch(leg)?;
                let slot = self.slot(leg)?;
                slot.formats = Some(Arc::clone(&connection.formats));
                let bridged = slot.bridged;
                let mut orders = vec![(leg, Order::Connect(connection.clone()))];
                if let Some(peer) = bridged {
                    orders.extend(self.passes(leg, peer));
                }
                Ok(orders)
            }
            Command::Bridge { a, b } => {
                let epoch_a = self.epoch(a)?;
                self.epoch(b)?;
                if a == b {
                    return Err(Event::Failed {
                        leg: a,
                        epoch: epoch_a,
                        reason: "a leg cannot be bridged with itself",
                    });
                }
                let mut orders = self.part(a);
                orders.extend(self.part(b));
                self.slot(a)?.bridged = Some(b);
                self.slot(b)?.bridged = Some(a);
                orders.extend(self.passes(a, b));
                Ok(orders)
            }
            Command::Echo { leg } => {
                self.epoch(leg)?;
                let mut orders = self.part(leg);
                self.slot(leg)?.bridged = Some(leg);
                orders.extend(self.passes(leg, leg));
                Ok(orders)
            }
            Command::Tone {
                leg,
                frequency,
                level,
            } => {
                let epoch = self.epoch(leg)?;
                // Also false for what is no number.
                if !(frequency > 0.0 && frequency < 4000.0 && level.is_finite()) {
                    return Err(Event::Failed {
                        leg,
                        epoch,
                        reason: "a tone lies between 0 and 4000 Hz",
                    });
                }
                self.alone(leg, Order::Tone { frequency, level })
            }
            Command::Play {
                leg,
                prompt,
                operation,
                looped,
            } => {
                let epoch = self.epoch(leg)?;
                let Some(prompt) = self.prompts.get(prompt as usize).cloned() else {
                    return Err(Event::Failed {
                        leg,
                        epoch,
                        reason: "there is no such prompt",
                    });
                };
                self.alone(
                    leg,
                    Order::Play {
                        prompt,
                        operation,
                        looped,
                    },
                )
            }
            Command::Silence { leg } => self.alone(leg, Order::Silence),
            Command::Close { leg } => {
                if self.slot(leg)?.epoch.is_none() {
                    return Ok(Vec::new());
                }
                let mut orders = self.part(leg);
                self.slot(leg)?.epoch = None;
                orders.push((leg, Order::Close));
                Ok(orders)
            }
        }
    }

    pub fn add_prompt(&mut self, prompt: Prompt) -> u32 {
        self.prompts.push(Arc::new(prompt));
        (self.prompts.len() - 1) as u32
    }

    pub fn prompts(&self) -> usize {
        self.prompts.len()
    }

    /// The present user of a slot, or the last.
    pub fn last_epoch(&self, leg: u32) -> Option<u64> {
        self.slots.get(leg as usize).map(|slot| slot.last_epoch)
    }

    pub fn open(&self) -> usize {
        self.slots
            .iter()
            .filter(|slot| slot.epoch.is_some())
            .count()
    }

    fn alone(&mut self, leg: u32, order: Order) -> Result<Vec<(u32, Order)>, Event> {
        self.epoch(leg)?;
        let mut orders = self.part(leg);
        orders.push((leg, order));
        Ok(orders)
    }

    /// End a leg's bridge: what its peer is to do.
    fn part(&mut self, leg: u32) -> Vec<(u32, Order)> {
        match self.slots[leg as usize].bridged.take() {
            Some(peer) if peer != leg => {
                self.slots[peer as usize].bridged = None;
                vec![(peer, Order::Silence)]
            }
            _ => Vec::new(),
        }
    }

    /// What two bridged legs, or one that hears itself, are to pass on by what is agreed with their parties now.
    fn passes(&self, a: u32, b: u32) -> Vec<(u32, Order)> {
        let (one, other) = (&self.slots[a as usize], &self.slots[b as usize]);
        let pass = |from: &Slot, to: u32, there: &Slot| Order::Pass {
            to,
            epoch: there.last_epoch,
            passage: match (&from.formats, &there.formats) {
                (Some(from), Some(to)) => from.passage(to),
                _ => Passage::NONE,
            },
        };
        let mut orders = vec![(a, pass(one, b, other))];
        if a != b {
            orders.push((b, pass(other, a, one)));
        }
        orders
    }

    fn slot(&mut self, leg: u32) -> Result<&mut Slot, Event> {
        const REASON: &str = "there is no such leg";
        self.slots.get_mut(leg as usize).ok_or(Event::Failed {
            leg,
            epoch: 0,
            reason: REASON,
        })
    }

    fn epoch(&mut self, leg: u32) -> Result<u64, Event> {
        let slot = self.slot(leg)?;
        slot.epoch.ok_or(Event::Failed {
            leg,
            epoch: slot.last_epoch,
            reason: "the leg is not open",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::Coding;

    fn words(orders: Result<Vec<(u32, Order)>, Event>) -> Vec<String> {
        match orders {
            Err(Event::Failed { leg, epoch, reason }) => vec![format!("{leg}.{epoch}: {reason}")],
            Err(event) => vec![format!("{event:?}")],
            Ok(orders) => orders
                .into_iter()
                .map(|(leg, order)| match order {
                    Order::Open { epoch } => format!("{leg} open {epoch}"),
                    Order::Connect(_) => format!("{leg} connect"),
                    Order::Pass { to, epoch, passage } if passage == Passage::NONE => {
                        format!("{leg} pass {to}.{epoch}")
                    }
                    Order::Pass { to, epoch, passage } => {
                        format!("{leg} pass {to}.{epoch} {passage:?}")
                    }
                    Order::Tone { .. } => format!("{leg} tone"),
                    Order::Play { operation, .. } => format!("{leg} play {operation}"),
                    Order::Silence => format!("{leg} silence"),
                    Order::Close => format!("{leg} close"),
                })
                .collect(),
        }
    }

    fn open(legs: u32) -> Switchboard {
        let mut board = Switchboard::new(legs as usize);
        for leg in 0..legs {
            board
                .carry_out(&Command::Open {
                    leg,
                    epoch: u64::from(leg) + 10,
                })
                .ok();
        }
        board
    }

    #[test]
    fn a_bridge_is_two_passes_each_to_a_user_not_to_a_slot() {
        let mut board = open(2);
        assert_eq!(
            words(board.carry_out(&Command::Bridge { a: 0, b: 1 })),
            ["0 pass 1.11", "1 pass 0.10"]
        );
    }

    #[test]
    fn whatever_ends_a_bridge_on_one_side_ends_it_on_the_other() {
        for command in [
            Command::Silence { leg: 0 },
            Command::Echo { leg: 0 },
            Command::Close { leg: 0 },
        ] {
            let mut board = open(3);
            board.carry_out(&Command::Bridge { a: 0, b: 1 }).ok();
            assert_eq!(words(board.carry_out(&command))[0], "1 silence");
        }
        let mut board = open(3);
        board.carry_out(&Command::Bridge { a: 0, b: 1 }).ok();
        let orders = words(board.carry_out(&Command::Bridge { a: 0, b: 2 }));
        assert_eq!(orders, ["1 silence", "0 pass 2.12", "2 pass 0.10"]);
    }

    fn connect(leg: u32, payload_type: u8) -> Command {
        let codings = vec![Coding::new(payload_type, "PCMA", 8000, 1, "")];
        let nowhere = "0.0.0.0:0".parse().unwrap();
        Command::Connect {
            leg,
            connection: Connection {
                rtp: nowhere,
                rtcp: nowhere,
                rtcp_mux: false,
                formats: Arc::new(Formats::agree(codings.clone(), codings)),
                ptime: 20,
                send: true,
                receive: true,
            },
        }
    }

    #[test]
    fn what_passes_is_decided_anew_whenever_one_side_agrees_on_something_else() {
        let mut board = open(2);
        assert_eq!(words(board.carry_out(&connect(0, 8))), ["0 connect"]);
        board.carry_out(&Command::Bridge { a: 0, b: 1 }).ok();
        assert_eq!(
            words(board.carry_out(&connect(1, 118))),
            ["1 connect", "1 pass 0.10 {118: 8}", "0 pass 1.11 {8: 118}"]
        );
        let mut board = open(1);
        board.carry_out(&connect(0, 8)).ok();
        let echo = words(board.carry_out(&Command::Echo { leg: 0 }));
        assert_eq!(echo, ["0 pass 0.10 {8: 8}"]);
        assert_eq!(
            words(board.carry_out(&connect(0, 96))),
            ["0 connect", "0 pass 0.10 {96: 96}"]
        );
    }

    #[test]
    fn what_cannot_be_carried_out_says_why() {
        let mut board = open(2);
        assert_eq!(
            words(board.carry_out(&Command::Echo { leg: 9 })),
            ["9.0: there is no such leg"]
        );
        assert_eq!(
            words(board.carry_out(&Command::Open { leg: 0, epoch: 5 })),
            ["0.5: the leg is open already"]
        );
        let play = Command::Play {
            leg: 0,
            prompt: 3,
            operation: 1,
            looped: false,
        };
        assert_eq!(
            words(board.carry_out(&play)),
            ["0.10: there is no such prompt"]
        );
        board.carry_out(&Command::Close { leg: 1 }).ok();
        assert_eq!(
            words(board.carry_out(&Command::Silence { leg: 1 })),
            ["1.11: the leg is not open"]
        );
        assert_eq!(
            words(board.carry_out(&Command::Close { leg: 1 })),
            Vec::<String>::new()
        );
        let tone = Command::Tone {
            leg: 0,
            frequency: f64::NAN,
            level: 0.0,
        };
        assert_eq!(
            words(board.carry_out(&tone)),
            ["0.10: a tone lies between 0 and 4000 Hz"]
        );
    }
}
