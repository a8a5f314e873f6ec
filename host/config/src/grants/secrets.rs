use witgate_gateway::upstream::{Spec, Transport};
use witgate_policy::origin::{Origin, OriginPattern, Scheme};
use witgate_policy::{Reach, SecretGrant};

use super::super::Cause;
use super::super::cause::GrantCause;
use super::super::desk::Desk;
use super::super::document::Part;
use super::super::place::Place;
use super::super::raw::RawGrants;
use super::Around;

impl Desk<'_> {
    pub(super) fn granted_secrets(
        &mut self,
        raw: &RawGrants,
        place: &Place,
        around: &Around<'_>,
        network: &[Reach],
    ) -> Vec<SecretGrant> {
        let known: Vec<_> = around.secrets.names().collect();
        let mut granted = Vec::with_capacity(raw.secrets.len());
        for (name, written) in &raw.secrets {
            let place = place.key("secrets").key(name);
            if around.secrets.get(name).is_none() {
                self.report(Cause::unknown_secret(name, &known), &place, Part::Key);
            }
            if written.is_empty() {
                self.report(GrantCause::SecretGoesNowhere { name: name.clone() }, &place, Part::Key);
            }
            let mut origins = Vec::with_capacity(written.len());
            for (at, text) in written.iter().enumerate() {
                let Some(origin) = self.origin(text, &place.index(at)) else { continue };
                if !is_asked(&origin, around, network) {
                    let cause = GrantCause::OriginNotAsked { name: name.clone(), origin: origin.to_string() };
                    self.report(cause, &place.index(at), Part::Value);
                }
                origins.push(origin);
            }
            granted.push(SecretGrant { name: name.clone(), origins });
        }
        granted
    }
}

/// Whether anything that the plugin has to do with is there: an upstream that it is asked for, or what it may ask itself.
fn is_asked(pattern: &OriginPattern, around: &Around<'_>, network: &[Reach]) -> bool {
    let upstreams = around.groups.iter().flat_map(|group| &group.upstreams);
    let mut origins = upstreams.filter(|upstream| around.when.holds_for(&upstream.id)).filter_map(origin_of);
    let overlaps = |reach: &Reach| reach.origins.covers(pattern) || pattern.covers(&reach.origins);
    origins.any(|origin| pattern.matches(&origin)) || network.iter().any(overlaps)
}

fn origin_of(upstream: &Spec) -> Option<Origin> {
    let (Transport::Http(http) | Transport::Sse(http)) = &upstream.transport else { return None };
    let (scheme, rest) = http.url.split_once("://")?;
    let scheme = if scheme.eq_ignore_ascii_case(Scheme::Https.as_str()) { Scheme::Https } else { Scheme::Http };
    Origin::new(scheme, rest.split(['/', '?', '#']).next()?).ok()
}
