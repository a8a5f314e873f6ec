//! Configurations, good and bad, given to the real program. A case is a folder with a `witgate.toml` and, in
//! `expected.txt`, how `witgate check` ends and what it says. `BLESS=1` writes what is said now.

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_case_says_what_is_expected() {
    let cases = cases();
    assert!(cases.len() > 15, "only {} cases were found", cases.len());
    let wrong: Vec<_> = cases.iter().filter_map(|case| differs(case)).collect();
    assert!(wrong.is_empty(), "{}\n(BLESS=1 writes what is said now)", wrong.join("\n"));
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let entries = std::fs::read_dir(folder).expect("the folder of cases");
    let mut cases: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

fn differs(case: &Path) -> Option<String> {
    let got = check(case);
    let file = case.join("expected.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &got).expect("expected.txt is written");
    }
    let want = std::fs::read_to_string(&file).unwrap_or_default();
    (got != want).then(|| format!("{}:\n--- expected\n{want}\n--- got\n{got}", case.display()))
}

fn check(case: &Path) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_witgate"))
        .args(["check", "--config", "witgate.toml"])
        .current_dir(case)
        .env_remove("WITGATE_CONFIG")
        .output()
        .expect("witgate runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let file = std::fs::read_to_string(case.join("witgate.toml")).expect("the configuration");
    // No line ends in a space, whatever the renderer pads with: editors take such spaces away.
    let said = text(&done.stderr);
    let said: String = said.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    let said = without_digests(&said, &file);
    format!("exit code {}\n{}{said}", done.status.code().expect("an exit code"), text(&done.stdout))
}

/// Digests that the configuration does not name are those of built-in plugins, which differ from build to build.
fn without_digests(said: &str, file: &str) -> String {
    let mut said = said.to_owned();
    let words: Vec<_> = said.split(|c: char| !c.is_ascii_hexdigit()).map(ToOwned::to_owned).collect();
    for digest in words.iter().filter(|word| word.len() == 64 && !file.contains(word.as_str())) {
        said = said.replace(digest, "[SHA-256]");
    }
    said
}
