use std::collections::BTreeMap;

use wasmtime::component::{HasSelf, Linker};
use witgate_policy::Grants;

use super::Capability;
use crate::bindings::config::wasi::config::store;
use crate::host::Host;

/// `wasi:config`: the plugin's own settings, whose top-level members that are strings are its keys. Never another
/// plugin's, never the environment.
pub(super) struct Config;

impl Capability for Config {
    fn word(&self) -> &'static str {
        "config"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:config/store"]
    }

    fn allows(&self, grants: &Grants) -> bool {
        grants.config
    }

    fn link(&self, linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        store::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
    }
}

impl store::Host for Host {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, store::Error>> {
        self.host_call()?;
        let value = self.shared.config.get(&key).cloned();
        self.account.hand_over(value.as_ref().map_or(0, String::len))?;
        Ok(Ok(value))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, store::Error>> {
        self.host_call()?;
        let shared = self.shared.clone();
        self.account.hand_over(shared.config.iter().map(|(key, value)| key.len() + value.len()).sum())?;
        Ok(Ok(shared.config.iter().map(|(key, value)| (key.clone(), value.clone())).collect()))
    }
}

/// The keys that settings have.
pub(crate) fn keys(settings: &str) -> BTreeMap<String, String> {
    let members: BTreeMap<String, serde_json::Value> = serde_json::from_str(settings).unwrap_or_default();
    let string = |(key, value)| match value {
        serde_json::Value::String(value) => Some((key, value)),
        _ => None,
    };
    members.into_iter().filter_map(string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strings_at_the_top_are_keys() {
        let got = keys(r#"{"a":"x","b":1,"c":{"d":"y"},"e":"\u0041"}"#);
        assert_eq!(got.into_iter().collect::<Vec<_>>(), [("a".into(), "x".into()), ("e".into(), "A".into())]);
        assert!(keys("[]").is_empty());
    }
}
