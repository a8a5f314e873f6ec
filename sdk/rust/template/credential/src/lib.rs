//! Shows an upstream an access token. The token itself stays with the host: the plugin names it.

use serde::Deserialize;
use witgate_sdk::credential::{Credential, Header, Occasion, Provider, Upstream, Why};
use witgate_sdk::{Identity, Plugin, Refusal};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Settings {
    /// The name of the secret that holds the access token.
    secret: String,
    expires_in_s: Option<u32>,
    /// The name of one that holds a newer token, for when the first is rejected.
    refreshed: Option<String>,
    /// A header that tells the upstream on whose behalf it is called.
    subject_header: Option<String>,
    /// What the caller must be allowed.
    scopes: Option<Vec<String>>,
}

struct AccessToken(Settings);

impl Plugin for AccessToken {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        Ok(Self(settings))
    }
}

impl Provider for AccessToken {
    fn provide(&self, upstream: &Upstream, caller: &Identity, occasion: &Occasion) -> Result<Credential, Refusal> {
        let Settings { secret, expires_in_s, refreshed, subject_header, scopes } = &self.0;
        if let Some(missing) = scopes.iter().flatten().find(|scope| !caller.has_scope(scope)) {
            return Err(Refusal::forbidden(format!("the upstream needs the scope {missing}")));
        }
        let secret = match (occasion.why, refreshed) {
            (Why::Rejected, Some(refreshed)) => refreshed,
            (Why::Rejected, None) => {
                return Err(Refusal::unavailable("the upstream rejected the token, and there is no other")
                    .note(format!("upstream {} at {}", upstream.id, upstream.origin)));
            }
            (Why::First | Why::Expiring, _) => secret,
        };
        let mut headers =
            vec![Header { name: "authorization".to_owned(), value: format!("Bearer ${{secret:{secret}}}") }];
        if let Some(name) = subject_header {
            // A name that looks like a secret stays a name.
            headers.push(Header { name: name.clone(), value: caller.subject.replace("${", "$${") });
        }
        let expires_in_s = expires_in_s.unwrap_or(300);
        let expires_in_s = if occasion.why == Why::Expiring { expires_in_s / 2 } else { expires_in_s };
        Ok(Credential { headers, expires_in_s: Some(expires_in_s) })
    }
}

witgate_sdk::export!(AccessToken as credential);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_named() {
        let plugin: AccessToken = witgate_sdk::configure(r#"{"secret": "hr"}"#).expect("settings");
        let upstream = Upstream { id: "hr".to_owned(), origin: "https://hr.example.com".to_owned(), labels: Vec::new() };
        let occasion =
            Occasion { tenant: "default".to_owned(), why: Why::First, unix_time_s: 0, deadline_ms: 1_000 };
        let shown = plugin.provide(&upstream, &Identity::default(), &occasion).expect("a credential");
        assert_eq!(shown.headers[0].value, "Bearer ${secret:hr}");
    }
}
