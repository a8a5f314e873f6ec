use crate::evidence::Routed;
use crate::fault::Fault;
use crate::refusal::{Reason, Refusal};
use crate::trail::Stage;
use crate::verdict::{Credential, Occasion, UpstreamFacts, Why};

use super::{Pipeline, ask, faulted, name};

const STAGE: Stage = Stage::Credential;

/// Headers that a provider may not set: the connection's and the framing's (RFC 9110 section 7.6.1), and MCP's own.
const RESERVED: [&str; 14] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "last-event-id",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "mcp-session-id",
    "mcp-protocol-version",
];

impl Pipeline {
    /// Whether any provider would be asked for this upstream. What it answers is kept for all calls of an identity, so
    /// only the upstreams of its condition count.
    pub fn has_credential(&self, upstream: &str) -> bool {
        self.credential.iter().any(|hook| hook.when.holds_for(upstream))
    }

    /// What an upstream is shown for this call's identity: the headers of all its providers together. The shortest
    /// expiry counts.
    pub async fn credential(&self, routed: &Routed, upstream: &UpstreamFacts, why: Why) -> Result<Credential, Refusal> {
        let call = routed.call();
        let mut all = Credential::default();
        for hook in &self.credential {
            if !hook.when.holds_for(&upstream.id) {
                continue;
            }
            let occasion = Occasion {
                tenant: call.tenant().clone(),
                why,
                unix_time_s: call.unix_time_s(),
                time_left: call.time_left(),
            };
            let answer = hook.plugin.provide(upstream, routed.identity(), &occasion);
            let verdict = ask(STAGE, hook, call.trail(), answer, |verdict| match verdict {
                Ok(_) => "provide",
                Err(_) => "refuse",
            })
            .await;
            let credential = match verdict {
                Ok(None) => continue,
                Ok(Some(Ok(credential))) => credential,
                Ok(Some(Err(refusal))) => return Err(refusal.by(STAGE, name(hook))),
                Err(fault) => return Err(Refusal { reason: Reason::Unavailable, ..fault }),
            };
            let clash = credential.headers.iter().find(|header| {
                let lower = header.name.to_ascii_lowercase();
                RESERVED.contains(&lower.as_str())
                    || lower.starts_with("mcp-")
                    || all.headers.iter().any(|there| there.name.eq_ignore_ascii_case(&lower))
            });
            if let Some(header) = clash {
                let what = format!("the header `{}` is reserved, or set by an earlier provider", header.name);
                faulted(STAGE, hook, call.trail(), &Fault::BadVerdict(what))?;
                continue;
            }
            all.expires_in = match (all.expires_in, credential.expires_in) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            all.headers.extend(credential.headers);
        }
        Ok(all)
    }
}
