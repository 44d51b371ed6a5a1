//! One line of a recording: five fields, separated by commas, nothing quoted.

use super::error::excerpt;
use super::{Event, HEADER, LineError, Op};

/// Reads `line` (without its line end) as the header.
///
/// # Errors
/// [`LineError::Header`] or [`LineError::NotUtf8`].
pub fn parse_header(line: &[u8]) -> Result<(), LineError> {
    let line = text(line)?;
    if line == HEADER { Ok(()) } else { Err(LineError::Header(excerpt(line))) }
}

/// Reads `line` (without its line end) as an event that comes no earlier than `previous`, in milliseconds.
///
/// # Errors
/// The first thing that is wrong with it, from the left.
pub fn parse_event(line: &[u8], previous: u64) -> Result<Event<'_>, LineError> {
    let line = text(line)?;
    let mut fields = line.split(',');
    let mut next = || fields.next();
    let (Some(t_ms), Some(op), Some(owner), Some(topic), Some(bytes), None) =
        (next(), next(), next(), next(), next(), next())
    else {
        return Err(LineError::Fields(match line.split(',').count() {
            1 if line.is_empty() => "an empty line".to_owned(),
            1 => format!("1: {}", excerpt(line)),
            n => n.to_string(),
        }));
    };
    let t_ms = number(t_ms).ok_or_else(|| LineError::Time(excerpt(t_ms)))?;
    if t_ms < previous {
        return Err(LineError::Unsorted { previous, found: t_ms });
    }
    let needs_topic = |op| if topic.is_empty() { Err(LineError::EmptyTopic { op }) } else { Ok(topic) };
    let bytes = || number(bytes).and_then(|n| u32::try_from(n).ok()).ok_or_else(|| LineError::Bytes(excerpt(bytes)));
    let letter = op;
    if !["J", "L", "Q", "N", "M"].contains(&letter) {
        return Err(LineError::Op(excerpt(letter)));
    }
    if owner.is_empty() {
        return Err(LineError::EmptyOwner);
    }
    let op = match letter {
        "J" => Op::Join(needs_topic('J')?),
        "L" => Op::Leave(needs_topic('L')?),
        "Q" if topic.is_empty() => Op::Quit,
        "Q" => return Err(LineError::TopicOnQuit(excerpt(topic))),
        "N" if topic.is_empty() => return Err(LineError::EmptyNewName),
        "N" => Op::Rename(topic),
        _ => Op::Message { topic: needs_topic('M')?, bytes: bytes()? },
    };
    bytes()?;
    Ok(Event { t_ms, owner, op })
}

fn text(line: &[u8]) -> Result<&str, LineError> {
    std::str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to();
        LineError::NotUtf8 { byte: line[at], column: at + 1 }
    })
}

/// Digits only: `u64::from_str` would take a sign too.
fn number(field: &str) -> Option<u64> {
    if field.bytes().all(|b| b.is_ascii_digit()) { field.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_understood() {
        let cases = [
            ("7,J,a,t,0", Op::Join("t")),
            ("7,L,a,t,0", Op::Leave("t")),
            ("7,Q,a,,0", Op::Quit),
            ("7,N,a,b,0", Op::Rename("b")),
            ("7,M,a,t,9", Op::Message { topic: "t", bytes: 9 }),
        ];
        for (line, op) in cases {
            assert_eq!(parse_event(line.as_bytes(), 7), Ok(Event { t_ms: 7, owner: "a", op }), "{line}");
        }
    }

    #[test]
    fn every_fault_is_named() {
        let cases: [(&[u8], LineError); 18] = [
            (b"", LineError::Fields("an empty line".into())),
            (b"hello", LineError::Fields("1: \"hello\"".into())),
            (b"1,J,a,t", LineError::Fields("4".into())),
            (b"1,J,a,t,0,", LineError::Fields("6".into())),
            (b",J,a,t,0", LineError::Time("nothing".into())),
            (b"+9,J,a,t,0", LineError::Time("\"+9\"".into())),
            (b"99999999999999999999,J,a,t,0", LineError::Time("\"99999999999999999999\"".into())),
            (b"4,J,a,t,0", LineError::Unsorted { previous: 5, found: 4 }),
            (b"5,j,a,t,0", LineError::Op("\"j\"".into())),
            (b"5,,a,t,0", LineError::Op("nothing".into())),
            (b"5,J,,t,0", LineError::EmptyOwner),
            (b"5,J,a,,0", LineError::EmptyTopic { op: 'J' }),
            (b"5,M,a,,1", LineError::EmptyTopic { op: 'M' }),
            (b"5,N,a,,0", LineError::EmptyNewName),
            (b"5,Q,a,t,0", LineError::TopicOnQuit("\"t\"".into())),
            (b"5,M,a,t,x", LineError::Bytes("\"x\"".into())),
            (b"5,J,a,t,4294967296", LineError::Bytes("\"4294967296\"".into())),
            (b"5,J,\xff,t,0", LineError::NotUtf8 { byte: 0xff, column: 5 }),
        ];
        for (line, error) in cases {
            assert_eq!(parse_event(line, 5), Err(error), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn what_was_found_is_shown_escaped_and_short() {
        let line = format!("1,{}\u{1b}[31m,a,t,0", "x".repeat(200));
        let Err(LineError::Op(found)) = parse_event(line.as_bytes(), 0) else { panic!("an op of 200 letters") };
        assert!(found.ends_with("\"…") && found.len() < 60, "{found}");
        assert_eq!(excerpt("\u{1b}[31m"), "\"\\u{1b}[31m\"");
    }
}
