//! `REFERENCE.md` is what the schema says. `BLESS=1` writes it.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Map, Value};
use witgate_config::schema;

const HEAD: &str = "# The configuration: every table and key

Made from the doc comments of `host/config/src/raw`, which are also the JSON schema that `witgate schema` prints; a test
keeps the three the same. Sizes are in bytes: `1048576` is 1 MiB.

";

const TAIL: &str = "
## Limits that nobody sets

| limit | value | reason |
|---|---|---|
| length of a component | 64 MiB | Python's, the longest that are known, have 18 MB |
| a component is light | up to 1 MiB | the standard plugins have up to 0.3 MiB, the smallest language runtime 1.6 MB |
| compiling a light one | 10 s of processor time, 60 s, 512 MiB, an artifact of 32 MiB | three times what the largest light one takes |
| compiling another | 120 s of processor time, 5 min, 3 GiB, an artifact of 512 MiB | Python's take 8 to 14 s on each of several processors, and a gigabyte |
| compilers at once | 2, one of them for a component that is not light | so that a bomb does not hold up everybody's reload |
| the cache of artifacts | 1 GiB | some hundred components; those unused for longest go first |
| stack of a guest | 512 KiB | the engine's own default; half of what a fault in the host would need |
| interval in which guest time is looked at | 1 ms | a tenth of the default limit; less would cost more than half a percent of a processor |
| calls of a kept instance | 10,000 | what a guest leaks does not grow for ever |
| quarantine | after 16 faults in a row, 1 s, then twice as long each time up to 30 s | more than one bad message causes when it is tried again; a mended dependency is noticed soon |
| quarantine for all callers | when the faults come from three callers | one caller alone can close a plugin for itself only |
| one piece of a stream | 64 KiB | what the contract of streams permits at once |
| random bytes in one host call | 64 KiB | a key, a nonce or a seed many times over |
| open files of all plugins | half of the process's descriptors; an eighth for one tenant | the other half is for clients and servers |
| a created file, folder or link | 4 KiB of its folder's quota | so that a million empty files are bounded too |
| environment and arguments; stdin | 64 KiB; 1 MiB | they are in the memory of every instance |
| connecting; first byte; between bytes | 5 s; 30 s; 30 s | within the wall clock of the call, which bounds all of it |
| secrets named in one request | 16 | a token and its parts, and not a way to make the host's memory grow |

Of what clients and servers send and hold:

| limit | value | reason |
|---|---|---|
| depth of a message; its method; its id | 64; 128 bytes; 256 bytes | deeper and longer ones were seen in attacks only |
| requests of one client under way | 256 | ten times what clients were seen to send at once |
| messages in a batch (2025-03-26) | 64 | a client that sends more can send twice |
| a body; a client that reads nothing | 30 s; 1 min | a client has its message ready, and reads what it asked for |
| bodies of more than 64 KiB, all together | 256 MiB | sixteen of the longest at once |
| notifications that wait for a client that reads slowly | 64, and 1 MiB | further ones are lost; answers and questions are not |
| events of a stream kept for a client that comes back | 256, and 1 MiB, for 5 min; 64 streams of a session; 64 MiB in all, a quarter of it for one session | a laptop finds its next network in that time |
| streams of `GET` in one session | 4 | clients open one, and another before they close the first |
| questions that one client has open | 64; 16 within one call | more than a person answers |
| an answer to a question | 5 min; the whole call 1 h | a person reads, decides and types |
| calls held until their client comes back with answers | 16 for each caller, 256 for each tenant; 5 min | each holds a connection to its server, and a child where that is a process |
| notifications kept for the client of a held call | 64, and 256 KiB | what a server says within seconds |
| life of a `requestState` | 15 min | a person may have to fetch a second factor; tomorrow is another call |
| rounds of questions in one call | 16; 64 questions in one | more is a server that never has enough |
| resources subscribed to | 1,000 for each session, 256 for each `subscriptions/listen`, 100,000 in all; 4,096 on one connection to a server | as many as a workspace has open, with room |
| a connection to a server that is one client's own, unused | 1 min, where the client is of 2026-07-28 | a person's pause between two calls is longer, and a connection is made soon |
| pages of a list that the gate reads itself | 200 | a thousand tools come in ten pages usually |
| items of a withheld page that are judged one by one | 4,096, and 64 MiB written for it | each costs a plugin's call; a longer page is withheld whole |
| a server's stream that broke | again after the pause that it asked for (1 s; 50 ms to 1 h), until 5 attempts in a row have failed | as long as the call has time |
| a listing that the gate remembers | 1 min, or until its server says that it has changed | not every server says so |
| plugins' verdicts told one by one in a record | 64 | further ones are counted with what they repeat |

## What a client is told

An error of the gate's own has a code of JSON-RPC or MCP where one of these means it, else one that ends in the HTTP
status that it is like. An error of a server keeps its code. `data.reason` has the word, `data.stage` who refused, and
`data.findings` places in the message; a refusal that comes inside HTTP 200 leaves a client its session.

| code | reason | HTTP status | what it means |
|---|---|---|---|
| -32700 | | 400 | the body is no JSON, or JSON that two parsers could read differently |
| -32600 | | 400; 405, 406, 408, 415 | no message, or one that does not belong here: no session, another version than the session's, a batch |
| -32601 | `unknown-method` | 404; up to 2025-11-25 200 | the revision has no such method, or nothing behind the gate has it |
| -32602 | `invalid`, `unknown-target` | 200; 400 where `_meta` lacks what it must have | the parameters are at fault, or name what does not exist |
| -32002 | `unknown-target` | 200 | no such resource, up to 2025-11-25 |
| -32020 | `header-mismatch` | 400 | headers and message disagree, or a header is missing (2026-07-28) |
| -32021 | | 200 | the server has to ask something for which the client declared no capability (2026-07-28) |
| -32022 | | 400 | the revision is not spoken here; `data.supported` has those that are |
| -31401 | `unauthenticated` | 401 | no usable proof of who calls |
| -31403 | `forbidden`, `insufficient-scope` | 403 by auth plugins and for `Host` and `Origin`; 200 by others | not allowed |
| -31404 | | 404 | the session is over, or was never of this endpoint |
| -31413 | | 413 | the message is longer than `server.body-bytes`; `data.limitBytes` |
| -31429 | `exhausted` | 200; 409 for streams of `GET` | a quota or a bound is used up |
| -31500 | `fault` | 200; 500 | a plugin failed, or the gate did; the log tells |
| -31503 | `unavailable` | 200; 404, 503 | a server cannot be reached, or the gate has no room |
| -31504 | `timeout` | 200 | no answer in time |

What a validate plugin finds `invalid` in a `tools/call` is a result with `isError` from 2025-11-25 on, for the model to
read. A refused notification, or answer to a server's question, has the status that its code is like.

## What the log says

Each message of a client leaves one line when it has ended; so does each that a server says outside of calls, when a
plugin had a say. As JSON (`log.format`) it has these members beside `timestamp`, `level`, and `message`, which is `mcp`:

| member | |
|---|---|
| `call` | the gate's own id of the message, the same in every hook |
| `generation` | the configuration that served it, counted from 1 |
| `tenant`, `method`, `target`, `revision` | what was asked; `target` as the client names it. An answer to a server's question has the question's method; `GET` is a client up to 2025-11-25 that listens, `DELETE` one that leaves |
| `subject` | who asked |
| `upstreams` | where it was sent, in order: nowhere, for a list that the gate had kept; of what a server says, that server |
| `outcome` | `ok`, `input-required` (the client is to come back with answers), `error` (the server's), `cancelled`, or a reason of the table above |
| `refusal` | `stage`, `plugin`, the `message` that the client got, the `note` that only the operator gets |
| `plugins` | what each decided: `stage`, `plugin`, `digest`, `verdict`, `fault`, `micros`, `shadow`, and `times` where it said the same again |
| `micros` | how long it took, in microseconds |

A message that is turned away before its tenant sees it has `a message was turned away` as `message`, with `tenant`,
`peer`, `method`, `target`, `code`, `status` and `cause`, as far as they are known.

";

#[test]
fn the_reference_is_what_the_schema_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("REFERENCE.md");
    let now = reference();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &now).expect("REFERENCE.md is written");
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == now, "REFERENCE.md is not what the schema says; BLESS=1 writes it");
}

#[test]
fn every_table_of_the_schema_has_its_place() {
    let text = reference();
    let defs = schema()["$defs"].as_object().expect("definitions");
    for (name, def) in defs.iter().filter(|(_, def)| def["properties"].is_object()) {
        for key in def["properties"].as_object().expect("keys").keys() {
            assert!(text.contains(&format!("| `{key}` |")), "{name}.{key}");
        }
    }
}

/// A table of the file: its name there, and its schema.
struct Section {
    name: String,
    schema: &'static Value,
}

fn reference() -> String {
    let mut text = HEAD.to_owned();
    let mut sections = vec![
        Section { name: "The file".to_owned(), schema: schema() },
        Section { name: "tenant.NAME".to_owned(), schema: definition("Tenant") },
    ];
    let mut at = 0;
    while at < sections.len() {
        let Section { name, schema } = &sections[at];
        let below = section(&mut text, name, schema);
        let known: Vec<_> = sections.iter().map(|section| section.name.clone()).collect();
        sections.extend(below.into_iter().filter(|section| !known.contains(&section.name)));
        at += 1;
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text + TAIL.trim_end() + "\n"
}

/// Writes one table; gives those that its keys lead to.
fn section(text: &mut String, name: &str, schema: &'static Value) -> Vec<Section> {
    let is_file = name == "The file";
    let heading = match name {
        "The file" => "The file".to_owned(),
        // Its tables are called as at the top level, where those of one tenant may stand.
        "tenant.NAME" => "tenant.NAME, or the top level".to_owned(),
        name => name.to_owned(),
    };
    let _ = write!(text, "## {heading}\n\n{}\n\n", prose(schema));
    text.push_str("| key | type | default | bounds | |\n|---|---|---|---|---|\n");
    let mut below = Vec::new();
    let of_tenants = definition("Tenant")["properties"].as_object().expect("keys");
    for (key, property) in schema["properties"].as_object().expect("keys") {
        if is_file && of_tenants.contains_key(key) {
            continue;
        }
        let path = if is_file || name == "tenant.NAME" { key.clone() } else { format!("{name}.{key}") };
        let (kind, leads_to) = kind(property, &path);
        let is_required = schema["required"].as_array().is_some_and(|keys| keys.iter().any(|there| there == key));
        let default = if is_required { "needed".to_owned() } else { default(key, property) };
        let described = described(property);
        let _ = writeln!(text, "| `{key}` | {kind} | {default} | {} | {described} |", bounds(key, property));
        below.extend(leads_to.filter(|section| section.name != "tenant.NAME"));
    }
    text.push('\n');
    below
}

fn definition(name: &str) -> &'static Value {
    &schema()["$defs"][name]
}

fn target(property: &'static Value) -> Option<&'static Value> {
    property["$ref"].as_str()?.strip_prefix("#/$defs/").map(definition)
}

/// What kind of value it is, and the table that it leads to.
fn kind(property: &'static Value, path: &str) -> (String, Option<Section>) {
    let resolved = target(property).unwrap_or(property);
    if let Some(words) = words(resolved) {
        return (words, None);
    }
    let to = |name: String, schema: &'static Value| {
        let heading = if name == "tenant.NAME" { "tenant.NAME-or-the-top-level" } else { &name };
        let slug: String = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '-').collect();
        (format!("[{name}](#{slug})"), Some(Section { name, schema }))
    };
    match resolved["type"].as_str() {
        Some("object") if resolved["properties"].is_object() => {
            let (link, section) = to(path.to_owned(), resolved);
            (format!("table {link}"), section)
        }
        Some("object") if resolved["additionalProperties"].is_object() => {
            let inner = &resolved["additionalProperties"];
            match target(inner) {
                Some(inner) => {
                    let (link, section) = to(format!("{path}.NAME"), inner);
                    (format!("tables {link}"), section)
                }
                None => (format!("table of {}", plural(&kind(inner, path).0)), None),
            }
        }
        Some("object") => ("table".to_owned(), None),
        Some("array") => {
            let inner = &resolved["items"];
            match target(inner).filter(|inner| inner["properties"].is_object()) {
                Some(inner) => {
                    let (link, section) = to(path.to_owned(), inner);
                    (format!("list of tables {link}"), section)
                }
                None => (format!("list of {}", plural(&kind(inner, path).0)), None),
            }
        }
        Some("integer") => ("number".to_owned(), None),
        Some("boolean") => ("`true`, `false`".to_owned(), None),
        Some(other) => (other.to_owned(), None),
        None => panic!("{path}: {resolved}"),
    }
}

fn plural(kind: &str) -> String {
    if kind == "string" { "strings".to_owned() } else { kind.to_owned() }
}

fn words(schema: &Value) -> Option<String> {
    let consts = |cases: &Vec<Value>| cases.iter().filter_map(|case| case["const"].as_str().map(quoted)).collect();
    let plain = schema["enum"].as_array().map(|words| words.iter().filter_map(Value::as_str).map(quoted).collect());
    let words: Vec<String> = plain.or_else(|| schema["oneOf"].as_array().map(consts))?;
    Some(words.join(", "))
}

fn quoted(word: &str) -> String {
    format!("`{word:?}`")
}

/// What is written of a key; of an enumeration with what each word means.
fn described(property: &'static Value) -> String {
    let mut text = property["description"].as_str().unwrap_or_default().replace("\n\n", " ");
    let resolved = target(property).unwrap_or(property);
    for case in resolved["oneOf"].as_array().into_iter().flatten() {
        if let (Some(word), Some(meaning)) = (case["const"].as_str(), case["description"].as_str()) {
            let _ = write!(text, " `{word}`: {meaning}");
        }
    }
    text.replace('|', "\\|")
}

fn prose(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

fn default(key: &str, property: &Value) -> String {
    match &property["default"] {
        Value::Number(number) => size(key, number.as_i64().unwrap_or_default()),
        Value::Bool(truth) => format!("`{truth}`"),
        Value::String(word) => quoted(word),
        Value::Array(items) if !items.is_empty() => format!("`{}`", property["default"]),
        Value::Array(_) => "none".to_owned(),
        Value::Object(members) if *members == Map::new() => "none".to_owned(),
        _ => String::new(),
    }
}

fn bounds(key: &str, property: &Value) -> String {
    match (property["minimum"].as_i64(), property["maximum"].as_i64()) {
        (Some(least), Some(most)) => format!("{} to {}", size(key, least), size(key, most)),
        _ => String::new(),
    }
}

/// Bytes in their unit where that is exact, other numbers in groups of three.
fn size(key: &str, number: i64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let is_bytes = key.contains("bytes");
    let unit = units.into_iter().find(|(_, bits)| is_bytes && number > 0 && number % (1 << bits) == 0);
    if let Some((unit, bits)) = unit {
        return format!("{} {unit}", number >> bits);
    }
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}
