//! The quick search is held to the slow one, which looks at every byte, and the reader to another parser.

use std::ops::Range;

use memchr::{memchr_iter, memchr2_iter};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use witgate_sdk::configure;
use witgate_sdk::json::{Broken, Reader};
use witgate_sdk::sanitize::Kind;

use crate::rules::Rules;
use crate::token::{FORMS, Search, email, is_word, private_keys, run};
use crate::{Redact, assignment, block, hidden, scan, walk};

fn rules(settings: &Value) -> Rules {
    configure::<Redact>(&settings.to_string()).expect("settings").0
}

/// All secrets of a text, each looked for on its own, byte by byte.
fn slowly(rules: &Rules, text: &str) -> Vec<Range<usize>> {
    let (bytes, search, mut spans, mut at) = (text.as_bytes(), Search::new(rules, text), Vec::new(), 0);
    while at < bytes.len() {
        match search.token_len(&bytes[at..]) {
            Some(len) => {
                spans.push(at..at + len);
                at += len;
            }
            None => at += run(&bytes[at..], is_word).max(1),
        }
    }
    spans.extend(memchr_iter(b'@', bytes).filter_map(|at| email(bytes, at)));
    private_keys(bytes, &mut spans);
    spans.extend(memchr2_iter(b':', b'=', bytes).filter_map(|at| assignment::value_by_name(rules, text, at)));
    spans.sort_by_key(|span| (span.start, span.end));
    spans
}

fn agrees(rules: &Rules, text: &str) -> Result<(), TestCaseError> {
    let mut found = scan::find(rules, text, true);
    found.spans.sort_by_key(|span| (span.start, span.end));
    prop_assert_eq!(&found.spans, &slowly(rules, text), "{:?}", text);
    prop_assert_eq!(found.suspicious, scan::is_suspicious(text));
    for (escapes, invisible) in [(true, true), (true, false), (false, true), (false, false)] {
        let each = hidden::strip_each(text, escapes, invisible);
        prop_assert_eq!(hidden::strip(text, escapes, invisible), each, "{:?}", text);
    }
    Ok(())
}

/// What secrets are made of, in any order, behind anything.
fn text() -> impl Strategy<Value = String> {
    let prefixes: Vec<String> = FORMS.iter().map(|form| String::from_utf8_lossy(form.prefix).into_owned()).collect();
    let part = prop_oneof![
        4 => "[ -~]{0,12}",
        3 => "[a-zA-Z0-9_]{1,40}",
        2 => "[0-9]{1,20}",
        2 => "[0-9]{3,4}[ -][0-9]{2,4}[ -][0-9]{4}([ -][0-9]{1,4})?",
        2 => (prop::sample::select(prefixes), "[A-Za-z0-9_-]{8,60}").prop_map(|(prefix, rest)| prefix + &rest),
        2 => "(AKIA|ASIA)[A-Z0-9]{15,18}[a-z_-]{0,3}",
        1 => "eyJ[a-zA-Z0-9_-]{6,10}\\.[a-zA-Z0-9_-]{2,8}(\\.[a-zA-Z0-9_-]{0,5})?",
        1 => "[a-z.+]{0,4}@[a-z.-]{0,9}",
        1 => "-{3,6}BEGIN ([A-Z]{2} )?PRIVATE KEY-{4,6}[a-z\n]{0,9}(-----END X-----)?",
        2 => "(user|db_|x-)?(Password|apiKey|token|ssn|pwd|version|code)[\"' *`]{0,2}[:=]{1,2} ?[\"']?[a-z]{0,6}",
        1 => "[\u{0}-\u{20}\u{7f}-\u{ff}\u{200b}-\u{206f}😀éя日\u{fe0f}\u{feff}]{1,4}",
        1 => "(4111 1111 1111 1111|378282246310005|078-05-1120)",
        1 => "[ -]{1,80}",
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_quick_search_finds_what_the_slow_one_does(text in text()) {
        agrees(&rules(&json!({})), &text)?;
    }

    #[test]
    fn further_names_are_found_alike(text in text()) {
        agrees(&rules(&json!({"fields": ["code", "né"], "keep-fields": ["token"]})), &text)?;
    }

    #[test]
    fn names_are_told_from_their_ends(
        parts in prop::collection::vec(
            "(user|db|Set|api|card|credit|[a-zé0-9]{0,3})[_. -]?\
             (token|Secrets?|SSN|pwd|cvv2?|Jwt|Cookie|passwd|passwords?|apiKeys?|key|cardNumber|connectionString|né|n)?",
            0..3,
        ),
    ) {
        let name = parts.concat();
        for rules in [rules(&json!({})), rules(&json!({"fields": ["iban", "né", "k2"]})), rules(&json!({"fields": ["x"]}))] {
            prop_assert_eq!(rules.is_secret_field(&name), rules.is_secret_by_words(&name), "{}", name);
        }
    }

    #[test]
    fn the_reader_reads_what_another_parser_does(value in tree(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value).expect("text") } else { escaped(&value.to_string()) };
        let mut reader = Reader::new(&text);
        prop_assert_eq!(read(&mut reader), Ok(value));
        prop_assert_eq!(Reader::new(&text).skip(), Ok(text.as_str()));
    }

    #[test]
    fn what_is_no_json_ends_in_an_error(text in "[\\[\\]{}:,\"\\\\u0-9a-dDé -]{0,30}") {
        let rules = rules(&json!({}));
        if serde_json::from_str::<Value>(&text).is_err() {
            prop_assert!(walk::nested_edits(&rules, &text, walk::Nesting::default()).is_err(), "{}", text);
        }
        // Beyond what the host has seen to, there is nothing to expect but an end.
        let _ = walk::edits(&rules, Kind::Result, &text);
    }
}

#[test]
fn every_form_has_its_mark_wherever_it_stands() {
    for form in &FORMS {
        for at in 0..block::BLOCK {
            let mut bytes = [b' '; block::BLOCK + block::AHEAD];
            bytes[at..at + 3].copy_from_slice(&form.prefix[..3]);
            assert_eq!(block::marks(&bytes, block::BLOCK).tokens, 1 << at, "{:?} at {at}", form.prefix);
        }
    }
}

/// Secrets that lie over the borders of blocks.
#[test]
fn borders_hide_nothing() {
    let rules = rules(&json!({}));
    for secret in ["4111 1111 1111 1111", "078-05-1120", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "a@b.cd", "pwd: x"]
    {
        for before in 0..140 {
            let text = format!("{}{secret}{}", "(".repeat(before), " \n".repeat(before));
            let found = scan::find(&rules, &text, true);
            assert_eq!(found.spans.len(), 1, "{secret} at {before}");
            agrees(&rules, &text).expect("the same");
        }
    }
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        "([ -~]|[\u{0}-\u{1f}é日😀\\\\\"]){0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("[a\"\\\\é/~]{0,3}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// With some characters as escapes that need none.
fn escaped(text: &str) -> String {
    text.replace('é', "\\u00e9").replace('😀', "\\uD83d\\uDE00").replace("a/", "a\\/")
}

fn read(reader: &mut Reader) -> Result<Value, Broken> {
    match reader.peek() {
        Some(b'"') => reader.string().map(|text| Value::from(text.into_owned())),
        Some(b'[') => {
            let mut items = Vec::new();
            reader.takes(b'[');
            while reader.peek() != Some(b']') {
                items.push(read(reader)?);
                reader.takes(b',');
            }
            reader.takes(b']');
            Ok(Value::from(items))
        }
        Some(b'{') => {
            let mut members = Map::new();
            reader.takes(b'{');
            while reader.peek() != Some(b'}') {
                let name = reader.string()?.into_owned();
                reader.takes(b':');
                members.insert(name, read(reader)?);
                reader.takes(b',');
            }
            reader.takes(b'}');
            Ok(Value::Object(members))
        }
        _ => reader.skip().and_then(|text| serde_json::from_str(text).map_err(|_| Broken)),
    }
}
