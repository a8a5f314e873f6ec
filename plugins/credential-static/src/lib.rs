#![doc = include_str!("../README.md")]

use std::collections::BTreeMap;

use serde::Deserialize;
use witgate_sdk::credential::{Credential, Header, Occasion, Provider, Upstream};
use witgate_sdk::{Identity, Plugin, Refusal};

/// What the operator writes; see above.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default = "authorization")]
    header: String,
    value: Option<String>,
    #[serde(default)]
    upstreams: BTreeMap<String, String>,
}

fn authorization() -> String {
    "authorization".to_owned()
}

struct Static(Settings);

impl Plugin for Static {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, String> {
        if settings.value.is_none() && settings.upstreams.is_empty() {
            return Err("settings: write `value`, or `upstreams` with a value for each".to_owned());
        }
        if !is_field_name(&settings.header) {
            return Err(format!("setting `header`: `{}` is no header name (RFC 9110)", settings.header.escape_debug()));
        }
        if let Some(value) = &settings.value {
            check_value(value).map_err(|cause| format!("setting `value`: {cause}"))?;
        }
        for (id, value) in &settings.upstreams {
            check_value(value).map_err(|cause| format!("setting `upstreams.{id}`: {cause}"))?;
        }
        Ok(Self(settings))
    }
}

impl Provider for Static {
    fn provide(&self, upstream: &Upstream, _: &Identity, _: &Occasion) -> Result<Credential, Refusal> {
        let value = self.0.upstreams.get(&upstream.id).or(self.0.value.as_ref());
        let headers =
            value.map(|value| Header { name: self.0.header.clone(), value: value.clone() }).into_iter().collect();
        Ok(Credential { headers, expires_in_s: None })
    }
}

/// `token` of RFC 9110 section 5.6.2.
fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A value that a header can carry, in which each `${` is a secret's name or escaped. Never repeats the value.
fn check_value(value: &str) -> Result<(), String> {
    if value.is_empty() || !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err("a header's value is visible ASCII, and not empty".to_owned());
    }
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let escaped = rest[..at].ends_with('$');
        rest = &rest[at + 2..];
        if escaped {
            continue;
        }
        let name = rest.strip_prefix("secret:").and_then(|rest| rest.split_once('}'));
        match name {
            Some((name, after)) if !name.is_empty() => rest = after,
            _ => return Err("`${` begins `${secret:NAME}`; write `$${` for a plain `${`".to_owned()),
        }
    }
    Ok(())
}

witgate_sdk::export!(Static as credential);

#[cfg(test)]
mod tests {
    use super::*;
    use witgate_sdk::configure;
    use witgate_sdk::credential::Why;

    #[track_caller]
    fn check(settings: &str, upstream: &str, expected: &[(&str, &str)]) {
        let plugin: Static = configure(settings).expect("settings");
        let upstream =
            Upstream { id: upstream.to_owned(), origin: "https://api.example.com".to_owned(), labels: Vec::new() };
        let occasion =
            Occasion { tenant: "default".to_owned(), why: Why::First, unix_time_s: 1_800_000_000, deadline_ms: 1_000 };
        let shown = plugin.provide(&upstream, &Identity::default(), &occasion).expect("a credential");
        let headers: Vec<_> =
            shown.headers.iter().map(|header| (header.name.as_str(), header.value.as_str())).collect();
        assert_eq!(headers, expected);
        assert_eq!(shown.expires_in_s, None);
    }

    #[track_caller]
    fn check_error(settings: &str, expected: &str) {
        let error = configure::<Static>(settings).err().expect("an error");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn one_value_for_all() {
        let settings = r#"{"value":"Bearer ${secret:TOKEN}"}"#;
        check(settings, "github", &[("authorization", "Bearer ${secret:TOKEN}")]);
        check(r#"{"value":"a $${b} c"}"#, "github", &[("authorization", "a $${b} c")]);
    }

    #[test]
    fn one_value_for_each() {
        let settings = r#"{"header":"x-api-key","upstreams":{"maps":"${secret:MAPS}"}}"#;
        check(settings, "maps", &[("x-api-key", "${secret:MAPS}")]);
        check(settings, "search", &[]);
        let both = r#"{"value":"a","upstreams":{"maps":"b"}}"#;
        check(both, "maps", &[("authorization", "b")]);
        check(both, "search", &[("authorization", "a")]);
    }

    #[test]
    fn wrong_settings_are_named() {
        check_error("{}", "write `value`");
        check_error(r#"{"valeu":"a"}"#, "unknown field `valeu`");
        check_error(r#"{"value":"a","header":"x y"}"#, "setting `header`");
        check_error(r#"{"value":"a\r\nx: y"}"#, "setting `value`: a header's value is visible ASCII");
        check_error(r#"{"value":""}"#, "setting `value`");
        check_error(r#"{"upstreams":{"maps":"${MAPS}"}}"#, "setting `upstreams.maps`: `${` begins");
        check_error(r#"{"value":"${secret:}"}"#, "setting `value`");
        check_error(r#"{"value":"${secret:A"}"#, "setting `value`");
    }
}
