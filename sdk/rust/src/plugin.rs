//! From settings to a plugin that can be asked.

use std::cell::OnceCell;
use std::thread::LocalKey;

use serde::de::DeserializeOwned;

/// What every kind of plugin is: something made from settings, once, before the first decision.
pub trait Plugin: Sized + 'static {
    /// The shape of the plugin's settings, which the operator writes. Derive `Deserialize` with
    /// `#[serde(deny_unknown_fields)]`, so that a misspelt setting is an error and not a policy that is not applied.
    type Settings: DeserializeOwned;

    /// Makes the plugin. An error says which setting is wrong and what would be right; the host then does not load it.
    fn configure(settings: Self::Settings) -> Result<Self, String>;
}

/// Makes a plugin from settings as the host gives them: the text of a JSON object, `{}` when there are none.
///
/// The error names the setting, as ``setting `limits[1].calls`: invalid type: string "3", expected u32``.
pub fn configure<P: Plugin>(settings: &str) -> Result<P, String> {
    match serde_json::from_str(settings) {
        Ok(parsed) => P::configure(parsed),
        Err(error) => Err(named::<P>(settings, &error)),
    }
}

/// Reads once more, for the place of an error: to keep it in mind would cost every instance of what has none.
#[cold]
fn named<P: Plugin>(settings: &str, error: &serde_json::Error) -> String {
    let json = &mut serde_json::Deserializer::from_str(settings);
    let Err(named) = serde_path_to_error::deserialize::<_, P::Settings>(json) else {
        return format!("settings: {}", without_position(&error.to_string()));
    };
    let cause = without_position(&named.inner().to_string()).to_owned();
    match named.path().to_string().as_str() {
        "." => format!("settings: {cause}"),
        path => format!("setting `{path}`: {cause}"),
    }
}

/// The host writes settings from TOML, so a position in the JSON would say nothing to whoever wrote them.
fn without_position(message: &str) -> &str {
    message.split_once(" at line ").map_or(message, |(cause, _)| cause)
}

/// Where an instance keeps its plugin between `configure` and the decisions.
#[doc(hidden)]
pub struct Slot<P: 'static>(&'static LocalKey<OnceCell<P>>);

impl<P: Plugin> Slot<P> {
    #[doc(hidden)]
    pub const fn new(key: &'static LocalKey<OnceCell<P>>) -> Self {
        Self(key)
    }

    #[doc(hidden)]
    pub fn fill(&self, settings: &str) -> Result<(), String> {
        let plugin = configure(settings)?;
        self.0.with(|cell| cell.set(plugin)).map_err(|_| "configured twice".to_owned())
    }

    /// # Panics
    /// When the host asks for a decision before it configured: a trap, so the call is denied.
    #[doc(hidden)]
    pub fn ask<T>(&self, question: impl FnOnce(&P) -> T) -> T {
        self.0.with(|cell| question(cell.get().expect("the host configures a plugin before it asks")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Limits {
        limits: Vec<u32>,
    }

    impl Plugin for Limits {
        type Settings = Self;
        fn configure(settings: Self) -> Result<Self, String> {
            if settings.limits.is_empty() { Err("setting `limits`: at least one".to_owned()) } else { Ok(settings) }
        }
    }

    #[track_caller]
    fn check(settings: &str, error: &str) {
        assert_eq!(configure::<Limits>(settings).expect_err("an error"), error);
    }

    #[test]
    fn errors_name_the_setting() {
        check("{}", "settings: missing field `limits`");
        check(r#"{"limits":[1,"3"]}"#, r#"setting `limits[1]`: invalid type: string "3", expected u32"#);
        check(r#"{"limits":[1],"limit":2}"#, "setting `limit`: unknown field `limit`, expected `limits`");
        check(r#"{"limits":[]}"#, "setting `limits`: at least one");
    }

    #[test]
    fn a_slot_is_filled_once() {
        thread_local!(static CELL: OnceCell<Limits> = const { OnceCell::new() });
        let slot = Slot::new(&CELL);
        assert!(slot.fill("{}").is_err());
        assert_eq!(slot.fill(r#"{"limits":[7]}"#), Ok(()));
        assert_eq!(slot.fill(r#"{"limits":[8]}"#), Err("configured twice".to_owned()));
        assert_eq!(slot.ask(|plugin| plugin.limits[0]), 7);
    }
}
