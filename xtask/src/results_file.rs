//! `RESULTS.md`: every command that measures replaces its own part of it, between markers.

use std::fs;

use crate::error::Error;
use crate::workspace;

const FILE: &str = "RESULTS.md";

/// Replaces what stands in `RESULTS.md` between `<!-- name:begin -->` and `<!-- name:end -->`.
///
/// The markers stay; the text is set off from them by blank lines, as Markdown tables need it.
///
/// # Errors
///
/// The file cannot be read or written, or a marker is missing or out of order.
pub fn results_section(name: &str, markdown: &str) -> Result<(), Error> {
    let path = workspace::root().join(FILE);
    let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
    let text = replaced(&text, name, markdown)?;
    fs::write(&path, text).map_err(Error::file(&path))?;
    eprintln!("{FILE}: section `{name}` written");
    Ok(())
}

fn replaced(text: &str, name: &str, markdown: &str) -> Result<String, Error> {
    let begin = format!("<!-- {name}:begin -->");
    let end = format!("<!-- {name}:end -->");
    let missing = |found: &str| Error::Unexpected {
        what: FILE.to_owned(),
        expected: format!("the markers `{begin}` and after it `{end}`, each on a line of its own"),
        found: found.to_owned(),
    };
    let (before, rest) = text.split_once(&begin).ok_or_else(|| missing("no begin marker"))?;
    let (_, after) = rest.split_once(&end).ok_or_else(|| missing("no end marker after it"))?;
    Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", markdown.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n<!-- x:begin -->\nold\n<!-- x:end -->\nrest <!-- y:begin -->\n";

    #[test]
    fn a_section_is_replaced_and_nothing_else_changes() {
        let once = replaced(TEXT, "x", "new\n").expect("both markers are there");
        let expected = "# A\n<!-- x:begin -->\n\nnew\n\n<!-- x:end -->\nrest <!-- y:begin -->\n";
        assert_eq!(once, expected);
        assert_eq!(replaced(&once, "x", "new").expect("the markers stayed"), once);
    }

    #[test]
    fn a_missing_marker_is_an_error_that_names_it() {
        let error = replaced(TEXT, "y", "new").expect_err("y has no end marker");
        assert!(error.to_string().contains("<!-- y:end -->"), "{error}");
        assert!(replaced(TEXT, "z", "new").is_err());
    }
}
