//! Static signals: modules that tell each other what happens without knowing each other.
//!
//! ```sh
//! cargo run --example static_signals
//! ```

use std::thread;

/// What can happen. Signals cost nothing until somebody connects, and an emission that nobody listens to is one load.
mod events {
    use pulsebus::Signal;

    pub struct Order {
        pub symbol: &'static str,
        pub quantity: i64,
    }

    pub static ORDER_FILLED: Signal<Order> = Signal::new();
    pub static DAY_CLOSED: Signal<()> = Signal::new();
}

/// Trades, and knows nobody who cares.
mod market {
    use crate::events::{DAY_CLOSED, ORDER_FILLED, Order};

    pub fn fill(symbol: &'static str, quantities: &[i64]) {
        let orders: Vec<Order> = quantities.iter().map(|&quantity| Order { symbol, quantity }).collect();
        // One walk over the listeners for the lot.
        ORDER_FILLED.emit_batch(&orders);
    }

    pub fn close() {
        DAY_CLOSED.emit(&());
    }
}

/// Keeps positions. Slots may run on any thread that emits, so what they share is made for that.
mod risk {
    use crate::events::{DAY_CLOSED, ORDER_FILLED};
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    static POSITIONS: Mutex<BTreeMap<&str, i64>> = Mutex::new(BTreeMap::new());
    static FILLS: AtomicU64 = AtomicU64::new(0);

    pub fn start() {
        // A slice slot takes the lock once per batch, not once per order.
        ORDER_FILLED.connect_batch(|orders| {
            let mut positions = POSITIONS.lock().expect("no slot panics under it");
            for order in orders {
                *positions.entry(order.symbol).or_default() += order.quantity;
            }
        });
        // A plain one is called for each.
        ORDER_FILLED.connect(|order| {
            if order.quantity != 0 {
                FILLS.fetch_add(1, Relaxed);
            }
        });
        DAY_CLOSED.connect(|()| {
            let positions = POSITIONS.lock().expect("no slot panics under it");
            println!("{} fills, positions at the close: {positions:?}", FILLS.load(Relaxed));
        });
    }
}

fn main() {
    market::fill("ACME", &[1, 2, 3]); // before anybody listens
    risk::start();

    let desks = ["ACME", "INIT", "ACME"].map(|symbol| {
        thread::spawn(move || {
            for round in 1..=100 {
                market::fill(symbol, &[round, -1, 1]);
            }
        })
    });
    for desk in desks {
        desk.join().expect("no desk panics");
    }
    market::close();
    println!("{} slots listen to fills", events::ORDER_FILLED.len());
}
