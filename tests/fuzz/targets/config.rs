//! A configuration: any text, and good files with lines changed.

#![no_main]

use std::fmt::Write as _;
use std::path::Path;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use miette::Diagnostic;
use witgate_config::diagnostic::{Problem, Problems, Style};
use witgate_config::{Config, Document};
use witgate_fuzz::lines;

/// Nothing is there, so relative paths lead nowhere.
const FOLDER: &str = "/nonexistent/folder";

fuzz_target!(|text: &str| {
    let first = Config::parse("fuzz.toml", text, Path::new(FOLDER), &environment);
    match &first {
        Ok(config) => {
            sound(config);
            assert!(!config.warnings.are_fatal());
            config.warnings.iter().for_each(|problem| placed(problem, text));
            drawn(&config.warnings);
        }
        Err(problems) => {
            assert!(problems.are_fatal(), "refused without a reason");
            problems.iter().for_each(|problem| placed(problem, text));
            drawn(problems);
        }
    }
    let again = Config::parse("fuzz.toml", text, Path::new(FOLDER), &environment);
    assert_eq!(told(&first), told(&again), "read twice, told differently");
});

// Half of the time whole lines: what is wrong between two good tables is out of reach of single bytes.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 2 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let Some(mutated) = std::str::from_utf8(&data[..size]).ok().map(|text| lines::mutate(text, seed)) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let size = mutated.len().min(max_size);
    data[..size].copy_from_slice(&mutated.as_bytes()[..size]);
    size
});

fn environment(name: &str) -> Option<String> {
    match name {
        "EMPTY" => Some(String::new()),
        "ODD" => Some("a\"\n${ODD} = [\u{1b}".to_owned()),
        name => name.starts_with('A').then(|| name.to_lowercase()),
    }
}

/// What the types of a configuration promise.
fn sound(config: &Config) {
    assert!(!config.tenants.is_empty());
    for (at, tenant) in config.tenants.iter().enumerate() {
        assert!(is_name(&tenant.name), "{:?}", tenant.name);
        assert!(tenant.path.starts_with('/') && !tenant.path.contains(".."), "{:?}", tenant.path);
        let others = &config.tenants[..at];
        assert!(others.iter().all(|other| other.path != tenant.path && other.name != tenant.name));
        let is_open = tenant.anonymous && !config.server.listen.ip().is_loopback();
        assert!(!is_open || !config.warnings.is_empty(), "open to all, and nobody is told");
        assert!(!tenant.groups.is_empty() && tenant.groups.iter().all(|group| !group.upstreams.is_empty()));
        for (at, plugin) in tenant.plugins.iter().enumerate() {
            assert!(is_name(&plugin.name), "{:?}", plugin.name);
            assert!(tenant.plugins[..at].iter().all(|other| other.name != plugin.name));
            for grant in &plugin.grants.secrets {
                assert!(config.secrets.get(&grant.name).is_some(), "{:?} is no secret", grant.name);
            }
            let digest = plugin.sha256.as_deref().unwrap_or_default();
            assert!(digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{digest}");
        }
    }
    placed_in(&config.document);
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn placed_in(document: &Document) {
    assert_eq!(document.source().name(), "fuzz.toml");
}

/// A problem says what is wrong, and where in the text.
fn placed(problem: &Problem, text: &str) {
    assert!(!problem.to_string().trim().is_empty());
    let location = problem.location();
    if !text.trim().is_empty() {
        assert!(location.is_some(), "{problem} has no place");
    }
    if let Some(location) = location {
        let line: usize = location.strip_prefix("fuzz.toml:").and_then(|line| line.parse().ok()).expect("a line");
        assert!((1..=text.split('\n').count()).contains(&line), "{location}");
    }
    let spans = problem.labels().filter(|_| problem.source_code().is_some()).into_iter().flatten();
    for label in spans {
        let (from, to) = (label.offset(), label.offset() + label.len());
        assert!(
            to <= text.len() && text.is_char_boundary(from) && text.is_char_boundary(to),
            "{problem}: {from}..{to}"
        );
    }
}

/// What a person would see.
fn drawn(problems: &Problems) {
    let (plain, color) = (problems.render(Style::Plain), problems.render(Style::Color));
    assert_eq!(plain.is_empty(), problems.is_empty());
    assert!(color.len() >= plain.len());
    assert!(problems.is_empty() || !problems.to_string().is_empty());
}

fn told(result: &Result<Config, Problems>) -> String {
    match result {
        Ok(config) => {
            let mut told = format!("{:?} {:?} {:?}", config.server, config.log, config.warnings.to_string());
            for tenant in &config.tenants {
                // Writing to a string does not fail.
                let _ = write!(told, "{tenant:?}");
            }
            told
        }
        Err(problems) => problems.to_string(),
    }
}
