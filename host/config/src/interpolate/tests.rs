use proptest::prelude::*;

use super::super::document::{Document, Value};
use super::*;

/// The only string of a file, filled in; or the problems.
fn fill(file: &str) -> Result<String, String> {
    let mut document = Document::parse(Source::new("f", file)).map_err(|problems| problems.to_string())?;
    let lookup = |name: &str| match name {
        "A" => Some("alpha".to_owned()),
        "EMPTY" => Some(String::new()),
        "NESTED" => Some("${A} \"]\n[x]".to_owned()),
        _ => None,
    };
    interpolate(&mut document, &lookup).map_err(|problems| problems.to_string())?;
    let mut node = document.root();
    loop {
        node = match &node.value {
            Value::Table(entries) => &entries.first().expect("an entry").node,
            Value::Array(items) => items.first().expect("an item"),
            Value::Text(text) => return Ok(text.clone()),
            other => panic!("no string: {other:?}"),
        };
    }
}

#[test]
fn variables_are_filled_in() {
    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(fill(&format!("x = '{text}'")).as_deref(), Ok(want), "{text}");
    }
    check("", "");
    check("plain $ { } $x", "plain $ { } $x");
    check("${A}", "alpha");
    check("${A}${A}/${A}", "alphaalpha/alpha");
    check("${B:-beta}", "beta");
    check("${B:-}", "");
    check("${A:-beta}", "alpha");
    check("${EMPTY:-beta}", "");
    check("${B:-a:-b}", "a:-b");
    check("$${A}", "${A}");
    check("$$${A}", "$${A}");
    check("$${A} ${A}", "${A} alpha");
    check("$${secret:A}", "${secret:A}");
    check("^[a-z]{2}$", "^[a-z]{2}$");
    check("${NESTED}", "${A} \"]\n[x]");
}

#[test]
fn what_cannot_be_filled_in_is_named() {
    #[track_caller]
    fn check(file: &str, want: &str) {
        let got = fill(file).expect_err("a problem");
        assert!(got.contains(want), "{file}: {got}");
    }
    check("x = '${B}'", "f:1: 1 environment variable is not set: B (f:1)");
    check("x = '${A}'\ny = ['${B}',\n '${C}']", "2 environment variables are not set: B (f:2), C (f:3)");
    check("x = '''\n${A}\n${B}'''", "B (f:3)");
    check("x = '${A'", "is not");
    check("x = '${}'", "is not");
    check("x = '${1A}'", "is not");
    check("x = '${a-b}'", "is not");
    check("x = '${secret:A}'", "only in the settings of a plugin");
}

#[test]
fn secrets_of_settings_are_left_to_the_host() {
    let got = fill("[[plugin]]\nsettings = { value = 'Bearer ${secret:A}' }");
    assert_eq!(got.as_deref(), Ok("Bearer ${secret:A}"));
}

proptest! {
    #[test]
    fn text_without_variables_stays_and_any_text_can_be_written(text in "[a$:{}-]{0,24}") {
        let escaped = text.replace("${", "$${");
        let pieces = pieces(&escaped);
        let back: String = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Escape => "${",
            other => panic!("{other:?} in {escaped}"),
        }).collect();
        prop_assert_eq!(back, text);
    }

    #[test]
    fn pieces_cover_the_text(text in "[aA$:{}-]{0,24}") {
        let whole: String = pieces(&text).iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Escape => "$${",
            Piece::Variable { written, .. } | Piece::Malformed(written) => written,
        }).collect();
        prop_assert_eq!(whole, text);
    }
}
