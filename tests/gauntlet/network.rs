//! Guests that reach for what is not theirs over the network: other hosts in whatever clothes, other methods, other
//! people's secrets. The probe may ask one origin, with two methods, and one that never answers.

use std::path::Path;

use witgate_test_guests::probe;
use witgate_tests::settings;

use crate::arena::write;
use crate::reach::{Last, Reach};

/// The path of every request that must not arrive anywhere.
pub(crate) const PATH: &str = "/probe";

const fn net(name: &'static str, ops: &'static str, last: Last) -> Reach {
    Reach { name, probe: "network", ops, last }
}

const fn denied(name: &'static str, ops: &'static str) -> Reach {
    net(name, ops, Last::Refused)
}

/// `ATTACKED` is the origin that may be asked, `NEIGHBOUR` and `GATE` are not, `SILENT` never answers; `NEIGHBOUR_PORT`
/// is the port alone.
pub(crate) static ROWS: &[Reach] = &[
    // Shows that the others are not refused for another reason.
    net("what-is-granted", r#"[{"op":"http","scheme":"http","authority":"ATTACKED","path":"/granted"}]"#, Last::Works),
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
pub(crate) fn plugin(folder: &Path, attacked: &str, silent: &str) -> String {
    write(folder, "probe-network", &probe("network"));
    let file = folder.join("probe-network.wasm").display().to_string();
    let keys = format!(
        "when = {{ targets = [\"probe-network\"] }}
         limits = {{ guest-time-ms = 2000, wall-time-ms = 2000 }}
         [plugin.grants]
         network = [{{ origin = \"http://{attacked}\" }}, {{ origin = \"http://{silent}\" }}]
         secrets = {{ OURS = [\"http://{silent}\"] }}"
    );
    settings::plugin("probe-network", &file, &keys, "")
}
