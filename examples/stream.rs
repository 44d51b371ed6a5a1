//! Signals for tasks, on whatever executor: a stream of events, the next event, and a clean end.
//!
//! `cargo run --example stream --features async`

use pulsebus::{Overflow, RecvTimeoutError, Signal};
use smol::stream::StreamExt;
use std::time::Duration;

static CHAT: Signal<String> = Signal::new();
static CLOSED: Signal<()> = Signal::new();

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A mailbox is a stream. Here one of smol's combinators takes it; tokio's do as well.
    let mut inbox = CHAT.mailbox(8, Overflow::DropOldest)?;
    let printed = smol::spawn(async move {
        let mut printed = 0;
        while let Some(line) = inbox.next().await {
            match line {
                Ok(line) if line == "bye" => break,
                Ok(line) => println!("{line}"),
                Err(lagged) => println!("({lagged})"),
            }
            printed += 1;
        }
        printed
    });
    // The first event after this line, whenever it is awaited.
    let closed = CLOSED.next();

    let server = std::thread::spawn(|| {
        for line in ["hello", "world", "bye"] {
            CHAT.emit(&line.to_string());
        }
        CLOSED.emit(&());
    });

    smol::block_on(async {
        assert_eq!(printed.await, 2);
        closed.await?;
        // Nobody speaks any more.
        assert_eq!(CHAT.next_within(Duration::from_millis(5)).await, Err(RecvTimeoutError::Timeout));
        // Nobody is inside a slot any more, either.
        CHAT.disconnect_all();
        CHAT.domain().quiesced().await;
        Ok::<(), Box<dyn std::error::Error>>(())
    })?;
    server.join().expect("the server ends");
    Ok(())
}
