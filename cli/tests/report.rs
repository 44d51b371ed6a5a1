//! The report: one file, complete in itself, and safe whatever the input is called.

mod common;

use common::{Folder, random_recording, replay, replay_stdin};

fn report(args: &[&str], input: &[u8]) -> String {
    let folder = Folder::new();
    let file = folder.arg("run.html");
    replay_stdin(&[&["-", "--report", &file], args].concat(), input).ok();
    folder.read("run.html")
}

#[test]
fn it_opens_offline() {
    let folder = Folder::new();
    let file = folder.arg("run.html");
    replay(&["--report", &file]).ok();
    let html = folder.read("run.html");
    for outside in
        ["http:", "https:", "//", "<script", "<link", "<img", "<iframe", "@import", "url(", " src=", " href="]
    {
        assert!(!html.contains(outside), "{outside}");
    }
    assert_eq!(html.matches("<svg ").count(), 3);
    assert!(html.contains("prefers-color-scheme: dark"));
    for figure in [
        "223,419",
        "63,893",
        ">450<",
        "Checked: every count equals the oracle",
        "What the bus counted",
        "owner_left 33,588",
    ] {
        assert!(html.contains(figure), "{figure}");
    }
}

#[test]
fn every_colour_of_a_plot_follows_the_page() {
    let html = report(&[], random_recording(1, 500).as_bytes());
    let (style, body) = html.split_once("</style>").expect("a style sheet");
    for attribute in ["fill=\"", "stroke=\""] {
        for value in body.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            let replaced = style.contains(&format!("svg [{attribute}{value}\"]"));
            assert!(replaced || value == "none", "{attribute}{value}\"");
        }
    }
}

#[test]
fn tags_are_closed_as_they_were_opened() {
    for html in [
        report(&["--engine"], random_recording(1, 500).as_bytes()),
        report(&["--threads", "2"], random_recording(1, 500).as_bytes()),
        report(&[], common::HEADER.as_bytes()),
    ] {
        let mut open = Vec::new();
        for tag in html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
            let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap_or_default();
            match tag {
                _ if name.starts_with('!') || name == "meta" || tag.ends_with('/') => {}
                _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "{tag}"),
                _ => open.push(name),
            }
        }
        assert_eq!(open, Vec::<&str>::new());
    }
}

#[test]
fn a_file_name_cannot_become_markup() {
    let folder = Folder::new();
    let name = "<script>alert('x')&amp;\"";
    let trace = folder.file(name, random_recording(1, 50));
    let file = folder.arg("run.html");
    replay(&[&trace, "--report", &file]).ok();
    let html = folder.read("run.html");
    assert!(!html.contains("<script"));
    assert_eq!(
        html.matches("&lt;script&gt;alert(&#39;x&#39;)&amp;amp;&quot;").count(),
        2,
        "in the title and in the head"
    );
}

#[test]
fn a_recording_without_joins_or_messages_still_has_a_report() {
    let html = report(&[], common::recording(&["1,M,ann,a,1"]).as_bytes());
    assert_eq!((html.matches("<svg ").count(), html.matches("Nothing to show").count()), (2, 1));
    let html = report(&[], common::recording(&["1,J,ann,a,0"]).as_bytes());
    assert_eq!((html.matches("<svg ").count(), html.matches("Nothing to show").count()), (1, 2));
    let html = report(&[], common::HEADER.as_bytes());
    assert_eq!(html.matches("Nothing to show").count(), 3);
}
