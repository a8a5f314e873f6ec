//! `SECURITY.md` names the test that shows each of its rows: those tests are there.

use std::path::Path;

use witgate_tests::paths;

/// The first name in backquotes, and what comes after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once('`')?;
    rest.split_once('`')
}

/// All sources of the gauntlet, where a row's name is a text, alone or before the name of a hook.
fn has_row(sources: &str, name: &str) -> bool {
    let kinds = ["auth", "credential", "validate", "route", "retry", "sanitize"];
    let plain = kinds.iter().find_map(|kind| name.strip_suffix(&format!("-{kind}")));
    let there = |name: &str| sources.contains(&format!("\"{name}\""));
    there(name) || plain.is_some_and(|plain| sources.contains(&format!("\"{plain}-{{kind}}\"")))
}

#[test]
fn every_test_that_security_md_names_is_there() {
    let read =
        |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let root = paths::repository();
    let folder = paths::script("gauntlet");
    let sources: String = std::fs::read_dir(&folder)
        .expect("the gauntlet's folder")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "rs") && !path.ends_with("security.rs"))
        .map(|path| read(&path))
        .collect();
    let text = read(&root.join("SECURITY.md"));
    let rows: Vec<&str> =
        text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| attacker")).collect();
    assert!(rows.len() > 15, "the table has {} rows", rows.len());
    for row in rows {
        let shown = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let mut names = 0;
        let mut rest = shown;
        while let Some((name, after)) = quoted(rest) {
            names += 1;
            rest = after;
            if shown.starts_with("GAUNTLET ") {
                assert!(has_row(&sources, name), "the gauntlet has no row `{name}`, which SECURITY.md names");
                continue;
            }
            let (file, after) =
                after.strip_prefix(" in ").and_then(quoted).unwrap_or_else(|| panic!("no file in: {shown}"));
            rest = after;
            let there = read(&root.join(file)).contains(&format!("fn {name}("));
            assert!(there, "{file} has no test `{name}`, which SECURITY.md names");
        }
        assert!(names > 0, "no test is named in: {row}");
    }
}
