//! Tables, for the terminal and for Markdown: both are the same pipes and padding.

/// A table whose cells are text; columns are padded to their widest cell.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<const N: usize>(header: [&str; N]) -> Self {
        Self { rows: vec![header.map(str::to_owned).to_vec()] }
    }

    /// A table with as many columns as there are headings after the first.
    pub fn new_with<'a>(first: &'a str, rest: impl Iterator<Item = &'a str>) -> Self {
        Self { rows: vec![std::iter::once(first).chain(rest).map(str::to_owned).collect()] }
    }

    /// Appends a row; a short one is filled with empty cells.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The table in Markdown, aligned so that it also reads well on a terminal.
    pub fn markdown(&self) -> String {
        let widths: Vec<usize> = (0..self.rows[0].len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
            })
            .collect();
        let line = |row: &[String]| {
            let cells = widths
                .iter()
                .enumerate()
                .map(|(column, &width)| format!(" {:width$} |", row.get(column).map_or("", String::as_str)));
            format!("|{}\n", cells.collect::<String>())
        };
        let rule: String = widths.iter().map(|&width| format!(" {} |", "-".repeat(width))).collect();
        let mut text = line(&self.rows[0]);
        text.push_str(&format!("|{rule}\n"));
        text.extend(self.rows[1..].iter().map(|row| line(row)));
        text
    }
}
