//! Guests that reach for what is not theirs over the network: other hosts in whatever clothes, other methods, other
//! people's secrets. The probe may ask one origin, with two methods, and one that never answers.

use std::path::Path;

use serde_json::Value;
use witgate_test_guests::probe;
use witgate_tests::settings;

use crate::arena::{ATTACKED, Arena, port, write};
use crate::attempt::{Breach, Outcome};
use crate::dns::{LOOK_ALIKE, ZONE};
use crate::reach::{Last, Reach};

/// The path of every request that must not arrive anywhere.
pub(crate) const PATH: &str = "/probe";

const fn net(name: &'static str, ops: &'static str, last: Last) -> Reach {
    Reach { name, probe: "network", ops, last }
}

const fn denied(name: &'static str, ops: &'static str) -> Reach {
    net(name, ops, Last::Refused)
}

/// A name that may be asked for and leads where nobody may go: it was looked up, and that was all.
const fn inward(name: &'static str, ops: &'static str) -> Reach {
    net(name, ops, Last::Fails("DestinationNotFound"))
}

/// `ATTACKED` is the origin that may be asked, `NEIGHBOUR` and `GATE` are not, `SILENT` never answers; `NEIGHBOUR_PORT`
/// is the port alone.
pub(crate) static ROWS: &[Reach] = &[
    // Shows that the others are not refused for another reason.
    net(
        "what-is-granted",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/granted"}]"#,
        Last::Works("404"),
    ),
    denied("another-port", r#"[{"op":"http","scheme":"http","authority":"NEIGHBOUR","path":"/probe"}]"#),
    denied("the-gate-itself", r#"[{"op":"http","scheme":"http","authority":"GATE","path":"/probe"}]"#),
    denied("another-scheme", r#"[{"op":"http","scheme":"https","authority":"ATTACKED","path":"/probe"}]"#),
    denied(
        "another-method",
        r#"[{"op":"http","method":"DELETE","scheme":"http","authority":"ATTACKED","path":"/probe"}]"#,
    ),
    denied("connect", r#"[{"op":"http","method":"CONNECT","scheme":"http","authority":"ATTACKED","path":"/probe"}]"#),
    denied(
        "a-name-for-loopback",
        r#"[{"op":"http","scheme":"http","authority":"localhost:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    denied("metadata", r#"[{"op":"http","scheme":"http","authority":"169.254.169.254","path":"/probe"}]"#),
    denied("decimal", r#"[{"op":"http","scheme":"http","authority":"2130706433:NEIGHBOUR_PORT","path":"/probe"}]"#),
    denied("hexadecimal", r#"[{"op":"http","scheme":"http","authority":"0x7f000001:NEIGHBOUR_PORT","path":"/probe"}]"#),
    denied("octal", r#"[{"op":"http","scheme":"http","authority":"0177.0.0.1:NEIGHBOUR_PORT","path":"/probe"}]"#),
    denied("short", r#"[{"op":"http","scheme":"http","authority":"127.1:NEIGHBOUR_PORT","path":"/probe"}]"#),
    denied(
        "mapped",
        r#"[{"op":"http","scheme":"http","authority":"[::ffff:127.0.0.1]:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    denied("loopback-of-ipv6", r#"[{"op":"http","scheme":"http","authority":"[::1]:NEIGHBOUR_PORT","path":"/probe"}]"#),
    denied("look-alike", r#"[{"op":"http","scheme":"http","authority":"①②⑦.0.0.1:NEIGHBOUR_PORT","path":"/probe"}]"#),
    denied("user-info", r#"[{"op":"http","scheme":"http","authority":"ATTACKED@NEIGHBOUR","path":"/probe"}]"#),
    denied("backslash", r#"[{"op":"http","scheme":"http","authority":"NEIGHBOUR\\@ATTACKED","path":"/probe"}]"#),
    denied("no-authority", r#"[{"op":"http","scheme":"http","path":"/probe"}]"#),
    denied(
        "absolute-form",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"http://NEIGHBOUR/probe"}]"#,
    ),
    denied(
        "line-end-in-the-path",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/probe HTTP/1.1\r\nx-split: 1"}]"#,
    ),
    denied(
        "line-end-in-a-header",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/probe","headers":[["x-a","b\r\nx-split: 1"]]}]"#,
    ),
    denied(
        "another-host-header",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/probe","headers":[["host","NEIGHBOUR"]]}]"#,
    ),
    denied(
        "two-framings",
        r#"[{"op":"http","method":"POST","scheme":"http","authority":"ATTACKED","path":"/probe","body":"x","headers":[["transfer-encoding","chunked"],["content-length","100"]]}]"#,
    ),
    // A name whose owner says where it leads, for which an address inside was granted; the others follow in this light.
    net(
        "a-name-that-is-granted",
        r#"[{"op":"http","scheme":"http","authority":"api.good.example:ATTACKED_PORT","path":"/granted"}]"#,
        Last::Works("404"),
    ),
    inward(
        "a-name-to-loopback",
        r#"[{"op":"http","scheme":"http","authority":"loopback.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-loopback-6",
        r#"[{"op":"http","scheme":"http","authority":"loopback-6.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-mapped",
        r#"[{"op":"http","scheme":"http","authority":"mapped.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-translated",
        r#"[{"op":"http","scheme":"http","authority":"translated.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-unspecified",
        r#"[{"op":"http","scheme":"http","authority":"unspecified.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-private-10",
        r#"[{"op":"http","scheme":"http","authority":"private-10.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-private-172",
        r#"[{"op":"http","scheme":"http","authority":"private-172.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-private-192",
        r#"[{"op":"http","scheme":"http","authority":"private-192.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-carrier",
        r#"[{"op":"http","scheme":"http","authority":"carrier.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-metadata",
        r#"[{"op":"http","scheme":"http","authority":"metadata.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-link-local-6",
        r#"[{"op":"http","scheme":"http","authority":"link-local-6.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    inward(
        "a-name-to-unique-local",
        r#"[{"op":"http","scheme":"http","authority":"unique-local.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    denied(
        "look-alike-of-a-name",
        r#"[{"op":"http","scheme":"http","authority":"аpi.good.example:ATTACKED_PORT","path":"/probe"}]"#,
    ),
    denied(
        "look-alike-in-ascii",
        r#"[{"op":"http","scheme":"http","authority":"xn--pi-6kc.good.example:ATTACKED_PORT","path":"/probe"}]"#,
    ),
    net(
        "slow-dns",
        r#"[{"op":"http","scheme":"http","authority":"slow.bad.example:NEIGHBOUR_PORT","path":"/probe"}]"#,
        Last::Fault(&["deadline"]),
    ),
    net(
        "slow-dns-for-many",
        r#"[{"op":"repeat","times":100,"ops":[{"op":"http","scheme":"http","authority":"slow.bad.example:NEIGHBOUR_PORT","path":"/probe","hold":true}]}]"#,
        Last::Ends,
    ),
    // The guest sees where it is sent; nobody goes there for it.
    net(
        "a-redirect",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/redirect/NEIGHBOUR"}]"#,
        Last::Works("302"),
    ),
    net(
        "a-redirect-to-loopback",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/redirect/localhost:NEIGHBOUR_PORT"}]"#,
        Last::Works("302"),
    ),
    denied(
        "after-a-redirect",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/redirect/NEIGHBOUR"},{"op":"http","scheme":"http","authority":"NEIGHBOUR","path":"/probe"}]"#,
    ),
    denied(
        "after-a-redirect-to-loopback",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/redirect/localhost:NEIGHBOUR_PORT"},{"op":"http","scheme":"http","authority":"localhost:NEIGHBOUR_PORT","path":"/probe"}]"#,
    ),
    denied(
        "two-lengths",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/probe","method":"POST","body":"x","headers":[["content-length","1"],["content-length","100"]]}]"#,
    ),
    denied(
        "two-lengths-in-one",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/probe","method":"POST","body":"x","headers":[["content-length","1, 100"]]}]"#,
    ),
    denied(
        "a-longer-length",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/probe","method":"POST","body":"x","headers":[["content-length","100"]]}]"#,
    ),
    denied(
        "upgrade",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/probe","headers":[["connection","upgrade"],["upgrade","tcp"]]}]"#,
    ),
    denied(
        "its-secret-elsewhere",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/probe","headers":[["x-key","${secret:OURS}"]]}]"#,
    ),
    denied(
        "the-neighbours-secret",
        r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/probe","headers":[["x-key","${secret:THEIRS}"]]}]"#,
    ),
    net(
        "never-an-answer",
        r#"[{"op":"http","scheme":"http","authority":"SILENT","path":"/probe"}]"#,
        Last::Fault(&["deadline"]),
    ),
    net(
        "never-an-answer-to-many",
        r#"[{"op":"repeat","times":100,"ops":[{"op":"http","scheme":"http","authority":"SILENT","path":"/probe","hold":true}]}]"#,
        Last::Ends,
    ),
];

/// The plugin that is driven.
pub(crate) fn plugin(folder: &Path, attacked: &str, neighbour: &str, silent: &str) -> String {
    write(folder, "probe-network", &probe("network"));
    let file = folder.join("probe-network.wasm").display().to_string();
    let keys = format!(
        "when = {{ targets = [\"probe-network\"] }}
         limits = {{ guest-time-ms = 2000, wall-time-ms = 2000 }}
         [plugin.grants]
         network = [
           {{ origin = \"http://{attacked}\" }},
           {{ origin = \"http://{silent}\" }},
           {{ origin = \"http://api.good.example:{}\", addresses = [\"127.0.0.1/32\"] }},
           {{ origin = \"http://*.bad.example:{}\" }},
         ]
         secrets = {{ OURS = [\"http://{silent}\"] }}",
        port(attacked),
        port(neighbour)
    );
    settings::plugin("probe-network", &file, &keys, "")
}

/// The credential plugin that does the like when it is asked for an upstream's credential.
pub(crate) const CREDENTIAL: &str = "network-credentials";

/// Where it may go, to show that it was asked.
const ARRIVES: &str = "/granted-to-a-credential-plugin";

pub(crate) fn credential_plugin(folder: &Path, attacked: &str, neighbour: &str) -> String {
    write(folder, CREDENTIAL, &probe("credential"));
    let file = folder.join(format!("{CREDENTIAL}.wasm")).display().to_string();
    let keys = format!(
        "when = {{ upstreams = [\"{CREDENTIAL}\"] }}
         limits = {{ guest-time-ms = 2000 }}
         [plugin.grants]
         network = [{{ origin = \"http://{attacked}\" }}, {{ origin = \"http://*.bad.example:{0}\" }}]
         secrets = {{ OURS = [\"http://loopback.bad.example:{0}\"] }}",
        port(neighbour)
    );
    let ask = |authority: &str, path: &str, headers: &str| {
        format!("{{ op = 'http', scheme = 'http', authority = '{authority}', path = '{path}', headers = [{headers}] }}")
    };
    let inward = format!("loopback.bad.example:{}", port(neighbour));
    let ops = [
        ask(attacked, ARRIVES, ""),
        ask(neighbour, PATH, ""),
        ask(&inward, PATH, ""),
        ask("169.254.169.254", PATH, ""),
        ask(attacked, PATH, "['x-key', '${secret:OURS}']"),
        ask(attacked, PATH, "['x-a', \"b\\r\\nx-split: 1\"]"),
    ];
    settings::plugin(CREDENTIAL, &file, &keys, &format!("ops = [{}]", ops.join(", ")))
}

/// Asks it. What it must not reach is looked at when all is over.
pub(crate) async fn credential(arena: &Arena) -> Outcome {
    let from = arena.gate.process().lines();
    let tool = format!("{CREDENTIAL}__run");
    let body = arena.client().call(&tool, "{}").await.body;
    let leaks = arena.leaks_in(&body);
    if !leaks.is_empty() {
        return Err(Breach::Leak(format!("{leaks:?} in {body}")));
    }
    let is_it = |record: &Value| record["tenant"] == ATTACKED && record["target"] == *tool;
    let record = arena.gate.record(CREDENTIAL, from, is_it).await;
    let steps = record["plugins"].as_array().cloned().unwrap_or_default();
    let refused = steps.iter().any(|step| step["plugin"] == CREDENTIAL && step["verdict"] != "fault");
    if !refused || !arena.has_received(ARRIVES) {
        return Err(Breach::Unexplained(format!("the plugin did not do what it may: {record}")));
    }
    if arena.has_received(&format!(" {PATH} ")) {
        return Err(Breach::Escape("a request that was to be refused".to_owned()));
    }
    Ok(None)
}

/// The names that the gate was to ask for and did not, so that their rows show nothing; or that it was not to, and did.
pub(crate) fn misled(arena: &Arena) -> Vec<&'static str> {
    let names = ZONE.iter().map(|(name, _)| *name);
    names.filter(|name| arena.dns.was_asked_for(name) == (*name == LOOK_ALIKE)).collect()
}
