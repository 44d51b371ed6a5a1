//! Bad input gets one clear line with file, line and what was expected, exit code 2, and no result.

mod common;

use common::{Folder, HEADER, command, gzip, recording, replay, replay_stdin};

/// Lines that are no event, and what is said of them.
const BAD_LINES: [(&str, &str); 14] = [
    ("", "expected 5 fields (t_ms,op,owner,topic,bytes), found an empty line"),
    ("garbage", "expected 5 fields (t_ms,op,owner,topic,bytes), found 1: \"garbage\""),
    ("2,J,ann,a", "expected 5 fields (t_ms,op,owner,topic,bytes), found 4"),
    ("2,J,ann,a,0,0", "expected 5 fields (t_ms,op,owner,topic,bytes), found 6"),
    ("two,J,ann,a,0", "expected t_ms as a whole number of milliseconds, found \"two\""),
    ("-2,J,ann,a,0", "expected t_ms as a whole number of milliseconds, found \"-2\""),
    ("0,J,ann,a,0", "expected events sorted by time (t_ms at least 1), found 0"),
    ("2,X,ann,a,0", "expected op to be one of J, L, Q, N, M, found \"X\""),
    ("2,J,,a,0", "expected the name of an owner, found an empty field"),
    ("2,J,ann,,0", "expected the topic of J, found an empty field"),
    ("2,M,ann,,0", "expected the topic of M, found an empty field"),
    ("2,N,ann,,0", "expected the owner's new name in the topic field of N, found an empty field"),
    ("2,Q,ann,a,0", "expected an empty topic field for Q, found \"a\""),
    ("2,M,ann,a,many", "expected bytes as a whole number up to 4294967295, found \"many\""),
];

#[test]
fn a_bad_line_is_named_with_its_number() {
    let folder = Folder::new();
    for (line, message) in BAD_LINES {
        let file = folder.file("trace.csv", recording(&["1,J,ann,a,0", line, "2,Q,ann,,0"]));
        replay(&[&file]).refused(&format!("{file}:3: {message}"));
    }
}

#[test]
fn text_that_is_not_utf8_is_named_with_its_column() {
    let input = [HEADER.as_bytes(), b"1,J,a\xffb,t,0\n"].concat();
    replay_stdin(&["-"], &input).refused("<stdin>:2: expected UTF-8 text, found byte 0xff in column 6");
}

#[test]
fn a_line_without_end_is_refused_in_bounded_memory() {
    let long = "x".repeat(200_000);
    let input = format!("{HEADER}1,J,{long},t,0\n");
    let message = "<stdin>:2: expected a line of at most 65536 bytes, found a longer one";
    replay_stdin(&["-"], input.as_bytes()).refused(message);
    let input = format!("{HEADER}{long}");
    replay_stdin(&["-"], input.as_bytes()).refused(message);
}

#[test]
fn a_line_may_be_as_long_as_allowed() {
    let name = "x".repeat(65_536 - "1,J,,t,0".len());
    for end in ["\n", "\r\n", ""] {
        let input = format!("{HEADER}1,J,{name},t,0{end}");
        replay_stdin(&["-"], input.as_bytes()).ok();
        let input = format!("{HEADER}1,J,{name}x,t,0{end}");
        replay_stdin(&["-"], input.as_bytes()).refused("of at most 65536 bytes, found a longer one");
    }
}

#[test]
fn the_header_must_be_right() {
    let folder = Folder::new();
    for (text, found) in [
        ("1,J,ann,a,0\n", "\"1,J,ann,a,0\""),
        ("t_ms,op,owner,topic\n", "\"t_ms,op,owner,topic\""),
        ("\n", "nothing"),
        ("\u{feff}t_ms,op,owner,topic,bytes\n", "\"\\u{feff}t_ms,op,owner,topic,bytes\""),
    ] {
        let file = folder.file("trace.csv", text);
        let message = format!("{file}:1: expected the header line \"t_ms,op,owner,topic,bytes\", found {found}");
        replay(&[&file]).refused(&message);
        replay(&[&file, "--lenient"]).refused(&message);
    }
}

#[test]
fn an_empty_input_is_refused() {
    let folder = Folder::new();
    let file = folder.file("trace.csv", "");
    let message = "expected the header line \"t_ms,op,owner,topic,bytes\", found an empty input";
    replay(&[&file]).refused(&format!("{file}:1: {message}"));
    replay_stdin(&["-"], b"").refused(&format!("<stdin>:1: {message}"));
    replay_stdin(&["-"], &gzip("")).refused(&format!("<stdin>:1: {message}"));
}

#[test]
fn a_missing_file_and_a_directory_are_refused() {
    let folder = Folder::new();
    let missing = folder.arg("missing.csv");
    replay(&[&missing])
        .refused(&format!("{missing}: expected a readable recording, found: No such file or directory (os error 2)"));
    let directory = folder.arg("");
    replay(&[&directory]).refused(&format!("{directory}: expected a file, found a directory"));
}

#[test]
fn damaged_gzip_is_refused_lenient_or_not() {
    let folder = Folder::new();
    let lines: Vec<String> = (0..5_000).map(|n| format!("{n},M,o{},t{},{}", n % 77, n % 13, n * n % 1009)).collect();
    let whole = gzip(recording(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
    let intact = "expected intact gzip data up to the end of the input, found: ";
    let truncated = "expected the rest of the gzip stream, found the end of the input (truncated)";

    let mut bad_sum = whole.clone();
    let at = bad_sum.len() - 8;
    bad_sum[at] ^= 0xff;
    let mut bad_middle = whole.clone();
    let middle = bad_middle.len() / 2;
    bad_middle[middle..middle + 64].fill(0xff);
    let with = |tail: &[u8]| [&whole[..], tail].concat();
    let cases: [(Vec<u8>, &str); 9] = [
        (whole[..whole.len() / 2].to_vec(), truncated),
        (whole[..whole.len() - 1].to_vec(), truncated),
        (whole[..whole.len() - 8].to_vec(), truncated),
        (whole[..5].to_vec(), truncated),
        (bad_sum, intact),
        (bad_middle, intact),
        (with(b"garbage after the end"), intact),
        (with(b"g"), truncated),
        (with(&whole[..20]), truncated),
    ];
    for (number, (content, message)) in cases.into_iter().enumerate() {
        let file = folder.file("trace.csv.gz", content);
        for args in [&[&file[..]][..], &[&file, "--lenient"]] {
            let ran = replay(args);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "case {number}: {}", ran.err);
            let place = ran.err.strip_prefix(&format!("error: {file}:")).expect("the file comes first");
            let (line, what) = place.split_once(": ").expect("then the line");
            assert!(line.parse::<u64>().is_ok_and(|line| line >= 1), "case {number}: {place}");
            assert!(what.starts_with(message), "case {number}: {what}");
            assert_eq!(ran.err.lines().count(), 1, "case {number}: {}", ran.err);
        }
    }
}

#[test]
fn bad_input_leaves_no_result_behind() {
    let folder = Folder::new();
    let file = folder.file("trace.csv", recording(&["1,J,ann,a,0", "garbage"]));
    let (report, json) = (folder.arg("run.html"), folder.file("run.json", "an earlier result"));
    replay(&[&file, "--report", &report, "--json", &json]).refused("found 1: \"garbage\"");
    assert!(!folder.path("run.html").exists());
    assert_eq!(folder.read("run.json"), "an earlier result");
}

#[test]
fn lenient_skips_and_counts_bad_lines() {
    let folder = Folder::new();
    let mut lines = vec!["1,J,ann,a,0"];
    lines.extend(BAD_LINES.map(|(line, _)| line));
    let long = "x".repeat(100_000);
    lines.extend([&long, "2,M,bob,a,10"]);
    let mut content = recording(&lines).into_bytes();
    content.extend(b"\xff\xfe,J,a,b,0\n3,Q,ann,,0\n");
    let file = folder.file("trace.csv", content);
    let ran = replay(&[&file, "--lenient", "--json", "-"]).ok();
    let json = ran.json();
    assert_eq!(json["recording"]["skipped_lines"], 16);
    assert_eq!(json["recording"]["events"], 3);
    assert_eq!(json["dispatch"]["deliveries"], 1);
    let warning = format!(
        "warning: {file}: 16 bad lines skipped; the first, {file}:3: \
         expected 5 fields (t_ms,op,owner,topic,bytes), found an empty line\n"
    );
    assert!(ran.err.starts_with(&warning), "{}", ran.err);
}

#[test]
fn lenient_is_not_content_with_nothing() {
    let input = recording(&["one", "two"]);
    replay_stdin(&["-", "--lenient"], input.as_bytes()).refused(
        "<stdin>: expected at least one good line, found 2 bad ones and no other (the first, line 2: \
         expected 5 fields (t_ms,op,owner,topic,bytes), found 1: \"one\")",
    );
}

#[test]
fn what_a_terminal_would_obey_is_shown_escaped() {
    let input = recording(&["1,\u{1b}[2J,ann,a,0"]);
    replay_stdin(&["-"], input.as_bytes()).refused("found \"\\u{1b}[2J\"");
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let mut command = command(&["--json", "-", "--progress", "none"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(!err.contains("panicked"), "{err}");
}
