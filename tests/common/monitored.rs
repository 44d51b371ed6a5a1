//! A monitor whose memory a test sets, and whose clock it drives.

use pulsebus::{Alert, Domain, ManualClock, Monitor, MonitorBuilder};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const MB: u64 = 1_000_000;

/// Memory that a test sets, a clock that it drives, and what was told.
#[derive(Clone, Default)]
pub struct Rig {
    pub hand: ManualClock,
    pub memory: Arc<AtomicU64>,
    pub told: Arc<Mutex<Vec<Alert>>>,
}

impl Rig {
    pub fn builder(&self) -> MonitorBuilder {
        let (memory, told) = (Arc::clone(&self.memory), Arc::clone(&self.told));
        Monitor::builder()
            .domain(&Domain::new())
            .clock(self.hand.clock())
            .budget(500 * MB)
            .memory(move || Some(memory.load(SeqCst)))
            .on_alert(move |alert| told.lock().unwrap().push(alert.clone()))
    }

    /// Polls each second, with memory as it is at each second.
    pub fn run(&self, monitor: &Monitor, time: Duration, memory: impl Fn(u64) -> u64) {
        for _ in 0..time.as_secs() {
            self.memory.store(memory(self.hand.now().as_secs()), SeqCst);
            monitor.poll();
            self.hand.advance(Duration::from_secs(1));
        }
    }

    /// Samples with that many megabytes at that second, and says what is told.
    pub fn at(&self, monitor: &Monitor, second: u64, megabytes: u64) -> Vec<Alert> {
        self.hand.set(Duration::from_secs(second));
        self.memory.store(megabytes * MB, SeqCst);
        monitor.sample_now();
        self.told()
    }

    /// What was told since the last call.
    pub fn told(&self) -> Vec<Alert> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}
