//! No part of the host's own takes more instructions than it did: `counts.toml` has how many, counted by callgrind, which no other load on
//! the machine can blur.
//!
//! A part that takes 5 % more fails. So does one that takes 10 % less, so that what was gained is kept:
//! `BLESS=1 cargo test --workspace --test counts` writes the file. Counted is what the tests are built as, debug
//! assertions included; so figures compare with those of another commit, and not with those of a release.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use witgate_bench::Part;

type Counts = BTreeMap<String, u64>;

/// As much more is a loss, as much less a gain, in hundredths.
const LOSS: u64 = 105;
const GAIN: u64 = 90;

#[test]
fn no_part_takes_more_instructions() {
    let counted = count_all();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file(), written(&counted)).expect("counts.toml");
        return;
    }
    let bounds: Counts = toml::from_str(&std::fs::read_to_string(file()).expect("counts.toml")).expect("counts.toml");
    let names = bounds.keys().chain(counted.keys()).collect::<std::collections::BTreeSet<_>>();
    let wrong: Vec<_> =
        names.into_iter().filter_map(|name| verdict(name, bounds.get(name), counted.get(name))).collect();
    let advice = "BLESS=1 cargo test --workspace --test counts writes what was counted";
    assert!(wrong.is_empty(), "{}\n{advice}", wrong.join("\n"));
}

/// What is wrong with a part's count.
fn verdict(name: &str, bound: Option<&u64>, counted: Option<&u64>) -> Option<String> {
    match (bound, counted) {
        (None, _) => Some(format!("{name}: counts.toml does not have it")),
        (_, None) => Some(format!("{name}: there is no such part any more")),
        (Some(bound), Some(counted)) if counted * 100 > bound * LOSS => {
            Some(format!("{name}: {counted} instructions, it took {bound}"))
        }
        (Some(bound), Some(counted)) if counted * 100 < bound * GAIN => {
            Some(format!("{name}: only {counted} instructions, it took {bound}: keep that"))
        }
        (Some(_), Some(_)) => None,
    }
}

#[test]
fn a_loss_and_a_gain_are_told() {
    #[track_caller]
    fn check(bound: Option<u64>, counted: Option<u64>, tells: bool) {
        assert_eq!(verdict("part", bound.as_ref(), counted.as_ref()).is_some(), tells, "{bound:?} {counted:?}");
    }
    check(Some(1000), Some(1050), false);
    check(Some(1000), Some(1051), true);
    check(Some(1000), Some(900), false);
    check(Some(1000), Some(899), true);
    check(None, Some(1), true);
    check(Some(1), None, true);
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.toml")
}

fn written(counted: &Counts) -> String {
    let head = "# Instructions of one step of each part, as tests/counts.rs counts them: `BLESS=1 cargo test --workspace --test counts`\n";
    counted.iter().fold(head.to_owned(), |mut text, (name, count)| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name} = {count}");
        text
    })
}

/// One step of each part, all in one process. Callgrind counts within one function only, and writes what it counted, each time that
/// another returns, to a file with the next number.
fn count_all() -> Counts {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--collect-atstart=no"]);
    command.args(["--toggle-collect=witgate_bench::counted_steps", "--dump-after=witgate_bench::counted_part"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    let output = command.arg(env!("CARGO_BIN_EXE_witgate-bench")).arg("parts").output();
    let output = output.expect("valgrind: tests/run installs it");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let count = |(number, part): (u32, Part)| {
        let text = std::fs::read_to_string(folder.path().join(format!("out.{number}"))).unwrap_or_default();
        let total = text.lines().find_map(|line| line.strip_prefix("totals:"));
        let total: Option<u64> = total.and_then(|total| total.trim().parse().ok()).filter(|total| *total > 0);
        let total = total.unwrap_or_else(|| panic!("{} was not counted:\n{told}", part.name));
        (part.name.to_owned(), total / u64::from(part.times()))
    };
    (1..).zip(Part::of_host()).map(count).collect()
}
