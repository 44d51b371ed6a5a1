//! One plan, divided by topics among emitting threads.

use super::{Op, Plan, Seat, Step, TopicPlan};
use std::cmp::Reverse;

/// What one emitting thread does: its topics, and every step that concerns them, in the order of the recording.
#[derive(Debug, Default)]
pub struct Part {
    /// Its number among the parts.
    pub number: u32,
    /// The topics, by their number within the part.
    pub topics: Vec<PartTopic>,
    /// The steps; their topics are numbers within the part.
    pub steps: Vec<Step>,
    /// The seats of the cleanups.
    pub cleanups: Vec<Seat>,
    /// How many steps are messages.
    pub messages: usize,
    /// How many steps connect or disconnect.
    pub changes: usize,
}

/// One topic of a part.
#[derive(Clone, Copy, Debug)]
pub struct PartTopic {
    /// Its number in the whole plan.
    pub number: u32,
    /// Its seats.
    pub seats: u32,
}

/// Divides `plan` into as many parts as there are `threads`, so that each has about the same to dispatch when every topic
/// has `extra_slots` more listeners.
///
/// Every topic belongs to one part, so the order within a topic is that of the recording. A quit is about several topics:
/// each part gets the cleanup of its own seats, at the same place in the order.
pub fn split(plan: &mut Plan, threads: usize, extra_slots: u32) -> Vec<Part> {
    let homes = assign(&plan.topics, threads, extra_slots);
    let mut parts: Vec<Part> = (0..).take(threads).map(|number| Part { number, ..Part::default() }).collect();
    let mut local = Vec::with_capacity(plan.topics.len());
    for (number, (topic, &home)) in plan.topics.iter().zip(&homes).enumerate() {
        let topics = &mut parts[home].topics;
        local.push(topics.len() as u32);
        topics.push(PartTopic { number: number as u32, seats: topic.seats });
    }
    let steps = std::mem::take(&mut plan.steps);
    let cleanups = std::mem::take(&mut plan.cleanups);
    let place = |topic: u32| (homes[topic as usize], local[topic as usize]);
    let moved = |seat: Seat| Seat { topic: local[seat.topic as usize], ..seat };
    for Step { event, op } in steps {
        let (home, op) = match op {
            Op::Join { topic, seat, identity } => {
                let (home, topic) = place(topic);
                (home, Op::Join { topic, seat, identity })
            }
            Op::Leave(seat) => (homes[seat.topic as usize], Op::Leave(moved(seat))),
            Op::Merge { seat, identity } => (homes[seat.topic as usize], Op::Merge { seat: moved(seat), identity }),
            Op::Message { topic, sender, bytes } => {
                let (home, topic) = place(topic);
                (home, Op::Message { topic, sender, bytes })
            }
            Op::Cleanup { identity, first, count } => {
                let seats = &cleanups[first as usize..][..count as usize];
                for (home, part) in parts.iter_mut().enumerate() {
                    let first = part.cleanups.len() as u32;
                    let own = seats.iter().filter(|seat| homes[seat.topic as usize] == home);
                    part.cleanups.extend(own.map(|seat| moved(*seat)));
                    let count = part.cleanups.len() as u32 - first;
                    if count > 0 {
                        part.push(Step { event, op: Op::Cleanup { identity, first, count } });
                    }
                }
                continue;
            }
        };
        parts[home].push(Step { event, op });
    }
    parts
}

impl Part {
    fn push(&mut self, step: Step) {
        match step.op {
            Op::Message { .. } => self.messages += 1,
            Op::Join { .. } | Op::Leave(_) | Op::Cleanup { .. } => self.changes += 1,
            Op::Merge { .. } => {}
        }
        self.steps.push(step);
    }
}

/// The part of every topic: the costliest topic first, each to the part that has least so far.
fn assign(topics: &[TopicPlan], threads: usize, extra_slots: u32) -> Vec<usize> {
    let cost = |topic: &TopicPlan| topic.messages * (1 + u64::from(extra_slots)) + topic.met;
    let mut order: Vec<usize> = (0..topics.len()).collect();
    order.sort_by_key(|&topic| Reverse(cost(&topics[topic])));
    let mut load = vec![0; threads];
    let mut homes = vec![0; topics.len()];
    for topic in order {
        let home = (0..threads).min_by_key(|&home| load[home]).unwrap_or(0);
        load[home] += cost(&topics[topic]);
        homes[topic] = home;
    }
    homes
}

#[cfg(test)]
mod tests {
    use super::super::Compiler;
    use super::*;
    use crate::recording::{self, Event};

    fn plan() -> Plan {
        let mut compiler = Compiler::default();
        let mut push = |t_ms, owner, op| compiler.push(&Event { t_ms, owner, op }).expect("few events");
        for topic in ["a", "b", "c"] {
            push(1, "ann", recording::Op::Join(topic));
            push(2, "bob", recording::Op::Message { topic, bytes: 1 });
        }
        push(3, "ann", recording::Op::Quit);
        compiler.finish()
    }

    #[test]
    fn a_quit_reaches_every_part_at_its_place() {
        let mut whole = plan();
        let parts = split(&mut whole, 2, 0);
        let seats: usize = parts.iter().map(|part| part.cleanups.len()).sum();
        assert_eq!(seats, 3);
        for part in &parts {
            assert_eq!(part.steps.last().map(|step| step.event), Some(6));
            assert!(matches!(part.steps.last(), Some(Step { op: Op::Cleanup { .. }, .. })));
            assert!(part.steps.is_sorted_by_key(|step| step.event));
        }
    }

    #[test]
    fn more_threads_than_topics_leaves_some_without_work() {
        let parts = split(&mut plan(), 5, 0);
        assert_eq!(parts.iter().filter(|part| part.topics.is_empty()).count(), 2);
        assert_eq!(parts.iter().map(|part| part.messages).sum::<usize>(), 3);
    }
}
