use std::fmt::Write;

use miette::{GraphicalReportHandler, GraphicalTheme, ThemeStyles};
use textwrap::WordSplitter;

use super::Problem;

/// Columns: what a terminal of 100 shows without wrapping.
const WIDTH_COLUMNS: usize = 100;

/// How a diagnostic is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// With colours, for a terminal.
    Color,
    /// Without.
    Plain,
}

pub(super) fn render(problems: &[Problem], style: Style) -> String {
    let mut theme = GraphicalTheme::unicode();
    if style == Style::Plain {
        theme.styles = ThemeStyles::none();
    }
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH_COLUMNS)
        .with_links(false)
        .with_cause_chain()
        .with_word_splitter(WordSplitter::NoHyphenation)
        .without_syntax_highlighting();
    let mut text = String::new();
    for (at, problem) in problems.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        // Writing to a string does not fail; if a diagnostic cannot be drawn, its words still matter.
        if handler.render_report(&mut text, problem).is_err() {
            let _ = writeln!(text, "{problem}");
        }
    }
    text
}
