//! What the gate answers itself: the handshake, discovery, liveness.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use witgate_policy::{Kind, Lookup, Message, Payload, Refusal, Revision, Sanitized, Validated, Why};

use super::Tenant;
use super::attempt::Way;
use super::capabilities;
use super::listing::UNAVAILABLE;
use super::spec::Group;
use crate::upstream::ServerFacts;

/// A server that takes longer to come up does not hold up the others' handshake; its names come with the next list.
const PATIENCE: Duration = Duration::from_secs(20);

impl Tenant {
    pub(super) async fn initialize(&self, validated: &Validated, way: &Way<'_>) -> Result<Sanitized, Refusal> {
        let asked = validated.call().params().read::<String>("/protocolVersion").unwrap_or_default();
        let legacy = Revision::parse(&asked).filter(|revision| !revision.is_modern());
        let revision = legacy.unwrap_or(Revision::V2025_11_25);
        let face = self.face(validated, way).await;
        let mut result = json!({
            "protocolVersion": revision.as_str(),
            "capabilities": face.capabilities(revision),
            "serverInfo": face.info,
        });
        if !face.missing.is_empty() {
            result["_meta"] = json!({ UNAVAILABLE: face.missing });
        }
        if let Some(instructions) = face.instructions {
            result["instructions"] = instructions.into();
        }
        self.say(validated, Kind::Result, Payload::of(&result)).await
    }

    pub(super) async fn discover(&self, validated: &Validated, way: &Way<'_>) -> Result<Sanitized, Refusal> {
        let face = self.face(validated, way).await;
        let versions: Vec<&str> = Revision::ALL.iter().rev().map(|revision| revision.as_str()).collect();
        let mut result = json!({
            "resultType": "complete",
            "supportedVersions": versions,
            "capabilities": face.capabilities(Revision::V2026_07_28),
            "ttlMs": 0,
            "cacheScope": "private",
            "_meta": { "io.modelcontextprotocol/serverInfo": face.info },
        });
        if !face.missing.is_empty() {
            result["_meta"][UNAVAILABLE] = json!(face.missing);
        }
        if let Some(instructions) = face.instructions {
            result["instructions"] = instructions.into();
        }
        self.say(validated, Kind::Listing, Payload::of(&result)).await
    }

    pub(super) async fn pong(&self, validated: &Validated) -> Result<Sanitized, Refusal> {
        self.say(validated, Kind::Result, Payload::empty()).await
    }

    /// The gate's own words go through the sanitizers too: a server's instructions are among them.
    pub(super) async fn say(&self, validated: &Validated, kind: Kind, payload: Payload) -> Result<Sanitized, Refusal> {
        let message = Message { kind, method: validated.call().shared_method(), upstream: None, payload };
        self.spec.pipeline.sanitize(validated.into(), message).await
    }

    /// What clients see of the servers behind the gate. An only server is shown as it is.
    async fn face(&self, validated: &Validated, way: &Way<'_>) -> Face {
        let asked = join_all(self.spec.groups.iter().map(|group| self.facts(validated, group, way))).await;
        let mut face = Face {
            info: json!({ "name": self.spec.server_name, "version": env!("CARGO_PKG_VERSION") }),
            instructions: None,
            known: Vec::new(),
            missing: Vec::new(),
        };
        let mut instructions = Vec::new();
        for (group, facts) in self.spec.groups.iter().zip(asked) {
            let Some(facts) = facts else {
                face.missing.push(group.name.to_string());
                continue;
            };
            instructions.extend(facts.instructions.iter().map(|text| format!("# {}\n\n{text}", group.name)));
            face.known.push(facts);
        }
        if let (Some(_), [facts]) = (self.spec.sole(), face.known.as_slice()) {
            face.info = facts.info.as_ref().and_then(|info| info.deserialize().ok()).unwrap_or(face.info);
            face.instructions.clone_from(&facts.instructions);
        } else if !instructions.is_empty() {
            face.instructions = Some(instructions.join("\n\n"));
        }
        face
    }

    /// What one of a group's servers says of itself; `None` when none can be reached in time.
    pub(super) async fn facts(&self, validated: &Validated, group: &Group, way: &Way<'_>) -> Option<ServerFacts> {
        let call = validated.call();
        let lookup = Validated::lookup(validated.admitted(), Lookup::Tools, None);
        let asking = async {
            let routed = self.spec.pipeline.route(&lookup, &group.candidates()).await.map_err(|e| e.message)?;
            let upstream = group.upstream(routed.upstream()).ok_or("gone")?;
            let headers = self.credentials.headers(self, &routed, upstream, Why::First).await.map_err(|e| e.message)?;
            upstream.server(way.client, &headers).await.map_err(|failed| failed.failure.to_string())
        };
        let patience = PATIENCE.min(call.time_left() / 2);
        match tokio::time::timeout(patience, asking).await {
            Ok(Ok(facts)) => Some(facts),
            Ok(Err(cause)) => {
                tracing::warn!(group = %group.name, cause, "cannot be reached");
                None
            }
            Err(_) => {
                tracing::warn!(group = %group.name, ?patience, "is slow to come up");
                None
            }
        }
    }
}

struct Face {
    info: Value,
    instructions: Option<String>,
    known: Vec<ServerFacts>,
    /// The groups that cannot be reached now.
    missing: Vec<String>,
}

impl Face {
    fn capabilities(&self, client: Revision) -> Value {
        capabilities::united(self.known.iter(), client)
    }
}
