//! Any bytes as the text of an admin command.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulsebus::admin::{Command, MAX_COMMAND};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Command::parse(text) {
        Ok(command) => {
            assert!(text.len() <= MAX_COMMAND);
            let written = command.to_string();
            // Quoting may make it longer than it may be.
            if written.len() <= MAX_COMMAND {
                assert_eq!(Command::parse(&written).as_ref(), Ok(&command), "{written}");
            }
            let _ = (command.role(), command.verb());
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(shown.len() < 2_000 && !shown.chars().any(char::is_control), "{shown:?}");
            let _ = (error.kind(), error.usage(), error.nearest());
        }
    }
});
