//! Where it takes place: one gate, the attacked tenant with every hostile plugin at once, and the neighbour.

use std::net::TcpListener;
use std::path::Path;

use tempfile::TempDir;
use witgate_test_guests::Stage;
use witgate_tests::gate::Gate;
use witgate_tests::wire::{Era, Wire};
use witgate_tests::{paths, settings};

use crate::canary::{self, Canaries};
use crate::dns::Dns;
use crate::neighbour::{self, Neighbour};
use crate::row::{Row, Unit};
use crate::state;
use crate::upstream::Upstream;
use crate::{compiling, network, reach};

/// All that is needed for attempts.
pub(crate) struct Arena {
    pub(crate) gate: Gate,
    pub(crate) units: Vec<Unit>,
    pub(crate) canaries: Canaries,
    /// What the gate serves when nothing bad is added.
    pub(crate) configuration: String,
    /// Where the components are, and beside it a file that nobody was granted.
    pub(crate) folder: TempDir,
    attacked: Upstream,
    neighbour: Upstream,
    /// Takes connections and says nothing.
    silent: TcpListener,
    /// What the gate asks where names lead.
    pub(crate) dns: Dns,
}

/// The attacked tenant's path, and the neighbour's.
pub(crate) const ATTACKED: &str = "attacked";
pub(crate) const NEIGHBOUR: &str = "neighbour";

/// A name in the guests that no client may be told.
pub(crate) const INNER_NAME: &str = "inner-name-of-the-guest";

impl Arena {
    /// Builds the guests, and starts servers and the gate.
    pub(crate) async fn open(rows: impl Iterator<Item = &'static Row>) -> Self {
        let units: Vec<Unit> = rows.flat_map(Row::units).collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        for unit in &units {
            write(folder.path(), &unit.name, &unit.build());
        }
        let canaries = Canaries::plant();
        reach::furnish(folder.path(), &canaries);
        let mut tools: Vec<String> = units.iter().flat_map(|unit| [unit.tool(false), unit.tool(true)]).collect();
        tools.extend(["run", "probe-files", "probe-local", "probe-network", network::CREDENTIAL].map(str::to_owned));
        let attacked = Upstream::start(&tools, "done").await;
        let other = Upstream::start(&[neighbour::TOOL.to_owned()], canaries.text(canary::NEIGHBOUR_RESULT)).await;
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let dns = Dns::start().await;
        let cache = settings::text(&folder.path().join("cache").display().to_string());
        let configuration = |limits: &str| {
            [
                "[log]\nformat = \"json\"\n".to_owned(),
                format!("[egress]\ndns = [\"{}\"]\n", dns.address()),
                format!("[compiler]\ncache = {cache}\n{limits}"),
                "[secret.OURS]\nenv = \"GAUNTLET_ATTACKED\"\n[secret.THEIRS]\nenv = \"GAUNTLET_NEIGHBOUR\"\n"
                    .to_owned(),
                attacked_tenant(&units, folder.path(), [&attacked, &other], &silent),
                neighbour_tenant(folder.path(), &other.url()),
            ]
            .concat()
        };
        let environment = [
            ("GAUNTLET_ENVIRONMENT", canary::ENVIRONMENT),
            ("GAUNTLET_ATTACKED", canary::SECRET),
            ("GAUNTLET_NEIGHBOUR", canary::NEIGHBOUR_SECRET),
        ];
        let environment = environment.map(|(key, place)| (key.to_owned(), canaries.text(place).to_owned()));
        compiling::ahead(&configuration(compiling::PATIENT), &environment).await;
        let configuration = configuration(compiling::LIMITS);
        let gate = Gate::start_among(&configuration, &environment).await;
        Self { gate, units, canaries, configuration, folder, attacked, neighbour: other, silent, dns }
    }

    /// A client of the attacked tenant.
    pub(crate) fn client(&self) -> Wire {
        Wire::new(&self.gate.at(&format!("/{ATTACKED}/mcp")), Era::Modern, &[("x-api-key", neighbour::KEY)])
    }

    /// The neighbour's load.
    pub(crate) fn neighbour(&self) -> Neighbour {
        let url = self.gate.at(&format!("/{NEIGHBOUR}/mcp"));
        let [argument, want] =
            [canary::NEIGHBOUR_CALL, canary::NEIGHBOUR_RESULT].map(|place| self.canaries.text(place));
        Neighbour::start(&url, argument, want)
    }

    /// What in a text for a client should not be there.
    pub(crate) fn leaks_in(&self, body: &str) -> Vec<String> {
        let mut leaks: Vec<String> = self.canaries.found_in(body).into_iter().map(str::to_owned).collect();
        let paths = [self.folder.path().to_owned(), self.gate.folder().to_owned(), paths::repository()];
        let paths = paths.iter().map(|path| path.display().to_string());
        let inner = paths.chain([INNER_NAME.to_owned(), ".wasm".to_owned(), "wasm trap".to_owned()]);
        leaks.extend(inner.filter(|text| body.contains(text)));
        leaks
    }

    /// What servers were sent that they should not have been: canaries to the attacked tenant's, anything of a probe to
    /// the neighbour's.
    pub(crate) fn leaks_upstream(&self) -> Vec<&'static str> {
        let attacked = self.attacked.received();
        let mut leaks = self.canaries.found_in(&attacked);
        leaks.extend(attacked.contains("x-split").then_some("a header that was split"));
        leaks
            .extend(self.neighbour.received().contains(network::PATH).then_some("a request to the neighbour's server"));
        leaks
    }

    /// Whether the attacked tenant's server was sent this.
    pub(crate) fn has_received(&self, text: &str) -> bool {
        self.attacked.received().contains(text)
    }

    /// Operations with the addresses of this run.
    pub(crate) fn addressed(&self, ops: &str) -> String {
        let (attacked, neighbour) = (self.attacked.authority(), self.neighbour.authority());
        let gate = self.gate.at("").replace("http://", "");
        let words = [
            ("NEIGHBOUR_PORT", port(neighbour)),
            ("ATTACKED_PORT", port(attacked)),
            ("GATE", &*gate),
            ("SILENT", &*address(&self.silent)),
        ];
        let words = words.iter().fold(ops.to_owned(), |ops, (word, is)| ops.replace(word, is));
        words.replace("ATTACKED", attacked).replace("NEIGHBOUR", neighbour)
    }
}

/// Of an authority.
pub(crate) fn port(authority: &str) -> &str {
    authority.rsplit_once(':').unwrap_or_default().1
}

fn address(listener: &TcpListener) -> String {
    listener.local_addr().expect("its address").to_string()
}

/// Puts a component where [`Unit::plugin`] says that it is.
pub(crate) fn write(folder: &Path, name: &str, component: &[u8]) {
    std::fs::write(folder.join(format!("{name}.wasm")), component).expect("a component");
}

fn attacked_tenant(units: &[Unit], folder: &Path, servers: [&Upstream; 2], silent: &TcpListener) -> String {
    let [attacked, neighbour] = servers.map(Upstream::authority);
    let url = &servers[0].url();
    let mut pieces = settings::remote("main", url) + "prefix = \"\"\n" + &settings::remote(network::CREDENTIAL, url);
    for unit in units {
        pieces += &unit.upstreams(url);
    }
    for unit in units {
        pieces += &unit.plugin(folder);
    }
    pieces += &reach::plugins(folder);
    pieces += &network::plugin(folder, attacked, neighbour, &address(silent));
    pieces += &network::credential_plugin(folder, attacked, neighbour);
    // After the hostile ones, so that those are asked.
    pieces += &keys();
    settings::tenant(ATTACKED, &pieces)
}

fn keys() -> String {
    let keys = format!("keys = [{{ id = \"k\", sha256 = \"{}\" }}]", neighbour::KEY_SHA256);
    settings::plugin("keys", "builtin:auth-api-key", "", &keys)
}

/// All standard plugins, and the witness.
fn neighbour_tenant(folder: &Path, url: &str) -> String {
    let witness = folder.join(format!("{}-{}.wasm", state::LEFT_BEHIND, Stage::Route));
    let origin = url.trim_end_matches("/mcp");
    let pieces = [
        settings::remote("main", url),
        keys(),
        settings::plugin("schema", "builtin:validate-schema", "", ""),
        settings::plugin(
            "rate",
            "builtin:validate-rate",
            "grants = { counter = true }",
            "limits = [{ calls = 1000000, window-s = 60 }]",
        ),
        settings::plugin(
            "witness",
            &witness.display().to_string(),
            "instances = { reuse = 4 }\nwhen = { methods = [\"tools/call\"] }",
            "",
        ),
        settings::plugin("weighted", "builtin:route-weighted", "", ""),
        settings::plugin(
            "credential",
            "builtin:credential-static",
            &format!("grants = {{ secrets = {{ THEIRS = [\"{origin}\"] }} }}"),
            "value = \"Bearer ${secret:THEIRS}\"",
        ),
        settings::plugin("backoff", "builtin:retry-backoff", "", ""),
        settings::plugin("redact", "builtin:sanitize-redact", "", ""),
    ];
    settings::tenant(NEIGHBOUR, &pieces.concat())
}
