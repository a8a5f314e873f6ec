//! What plugins may ask for and operators may grant. One capability is one file and one type; a plugin's authority is
//! what its kind's world may import, what it does import, and what was granted, all three.
//!
//! Nothing is linked that is not both imported and granted: what is not there cannot be misused.

mod clocks;
pub(crate) mod config;
mod counter;
pub(crate) mod files;
mod io;
pub(crate) mod keyvalue;
mod logging;
pub(crate) mod network;
mod random;
pub(crate) mod runtime;

use wasmtime::component::Linker;
use witgate_policy::{Grants, Stage};

use crate::host::Host;
use crate::kind;

/// One thing that a plugin may ask for.
pub(crate) trait Capability: Sync {
    /// The key under `[plugin.grants]`.
    fn word(&self) -> &'static str;

    /// The interfaces that it stands for, as `package/interface` without version.
    fn interfaces(&self) -> &'static [&'static str];

    /// Whether the operator granted it.
    fn allows(&self, grants: &Grants) -> bool;

    /// Makes it available to the guests of a linker.
    fn link(&self, linker: &mut Linker<Host>) -> wasmtime::Result<()>;
}

/// All that this version offers.
const OFFERED: [&dyn Capability; 9] = [
    &logging::Logging,
    &config::Config,
    &clocks::Clocks,
    &random::Random,
    &counter::Counter,
    &keyvalue::KeyValue,
    &network::Network,
    &files::Files,
    &runtime::Runtime,
];

/// What an import stands for.
pub(crate) enum Need {
    /// The contract's own types.
    Nothing,
    /// Something that is offered.
    Capability(&'static dyn Capability),
    /// Something that no plugin of the kind may have.
    Forbidden,
    /// Nothing that is known.
    Unknown,
}

/// The version of what is ours to import.
const OWN_VERSION: &str = "0.1.0";

/// What an import, as `package/interface@version`, stands for in a plugin of this kind.
pub(crate) fn need(import: &str, kind: Stage) -> Need {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let package = path.split('/').next().unwrap_or_default();
    match package {
        // Beside ours, another version is another interface.
        "witgate:types" | "witgate:counter" if kind::track(version) != kind::track(OWN_VERSION) => Need::Unknown,
        _ if path == "witgate:types/types" => Need::Nothing,
        "wasi:http" if !outward(kind) => Need::Forbidden,
        "wasi:sockets" => Need::Forbidden,
        _ => OFFERED
            .into_iter()
            .find(|capability| capability.interfaces().contains(&path))
            .map_or(Need::Unknown, Need::Capability),
    }
}

/// Whether plugins of a kind may talk to the outside: those whose world includes `witgate:capability/outward`.
fn outward(kind: Stage) -> bool {
    kind.is_outward()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_import_has_its_grant_and_every_kind_its_ceiling() {
        #[track_caller]
        fn check(import: &str, kind: Stage, want: &str) {
            let got = match need(import, kind) {
                Need::Nothing => "nothing".to_owned(),
                Need::Capability(capability) => capability.word().to_owned(),
                Need::Forbidden => "forbidden".to_owned(),
                Need::Unknown => "unknown".to_owned(),
            };
            assert_eq!(got, want, "{import} {kind}");
        }
        for kind in Stage::ALL {
            check("witgate:types/types@0.1.0", kind, "nothing");
            check("wasi:logging/logging@0.1.0-draft", kind, "logging");
            check("wasi:config/store@0.2.0-rc.1", kind, "config");
            check("wasi:clocks/wall-clock@0.2.12", kind, "clocks");
            check("wasi:random/insecure-seed@0.2.3", kind, "random");
            check("witgate:counter/counter@0.1.0", kind, "counter");
            check("wasi:keyvalue/atomics@0.2.0-draft", kind, "keyvalue");
            check("wasi:cli/stdout@0.2.0", kind, "runtime");
            check("wasi:io/streams@0.2.0", kind, "runtime");
            check("wasi:filesystem/preopens@0.2.12", kind, "files");
            check("wasi:sockets/tcp@0.2.12", kind, "forbidden");
            check("wasi:keyvalue/batch@0.2.0-draft", kind, "unknown");
            check("acme:own/thing", kind, "unknown");
        }
        for kind in [Stage::Auth, Stage::Credential, Stage::Validate] {
            check("wasi:http/outgoing-handler@0.2.12", kind, "network");
            check("wasi:http/types@0.2.12", kind, "network");
            check("wasi:http/incoming-handler@0.2.12", kind, "unknown");
        }
        check("wasi:http/outgoing-handler@0.2.12", Stage::Retry, "forbidden");
        check("wasi:http/outgoing-handler@0.2.12", Stage::Sanitize, "forbidden");
        check("wasi:http/types@0.2.12", Stage::Route, "forbidden");
    }

    #[test]
    fn what_gives_nothing_comes_for_nothing() {
        let free: Vec<_> = OFFERED.iter().filter(|c| c.allows(&Grants::default())).map(|c| c.word()).collect();
        assert_eq!(free, ["logging", "files", "runtime"], "files without a folder are none");
    }
}
