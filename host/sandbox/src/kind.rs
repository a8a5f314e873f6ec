//! The six kinds, found by what a component exports.

use std::sync::Arc;

use wasmtime::component::{ComponentNamedList, Lift, Lower};
use witgate_policy::Stage;

use crate::error::LoadError;

/// The interface that makes a plugin of a kind, in the version that this crate has an adapter for.
const fn interface(kind: Stage) -> &'static str {
    match kind {
        Stage::Auth => "witgate:auth/authenticator@0.1.0",
        Stage::Credential => "witgate:credential/provider@0.1.0",
        Stage::Validate => "witgate:validate/validator@0.1.0",
        Stage::Route => "witgate:route/router@0.1.0",
        Stage::Retry => "witgate:retry/strategy@0.1.0",
        Stage::Sanitize => "witgate:sanitize/sanitizer@0.1.0",
    }
}

/// The kinds that exports make. An interface of ours in another version is an error even beside one that fits: its
/// author expects it to be asked.
pub(crate) fn of(plugin: &Arc<str>, exports: &[String]) -> Result<Vec<Stage>, LoadError> {
    let mut kinds = Vec::new();
    for export in exports {
        let Some((kind, supported)) = Stage::ALL
            .map(|kind| (kind, interface(kind)))
            .into_iter()
            .find(|(_, supported)| path(supported) == path(export))
        else {
            continue;
        };
        if version(export) != version(supported) {
            return Err(LoadError::WrongVersion { plugin: plugin.clone(), found: export.clone(), supported });
        }
        kinds.push(kind);
    }
    if kinds.is_empty() {
        return Err(LoadError::NoKind { plugin: plugin.clone(), exports: exports.to_vec() });
    }
    Ok(kinds)
}

fn path(interface: &str) -> &str {
    interface.split_once('@').map_or(interface, |(path, _)| path)
}

/// What two versions have in common when one can stand for the other: below 1.0, major and minor.
fn version(interface: &str) -> Option<(&str, &str)> {
    track(interface.split_once('@')?.1)
}

/// The same of a version.
pub(crate) fn track(version: &str) -> Option<(&str, &str)> {
    let mut parts = version.split('.');
    Some((parts.next()?, parts.next()?))
}

/// What the sandbox knows of a kind to call any plugin of it; the words are each adapter's.
pub(crate) trait Contract: Send + Sync + Sized + 'static {
    /// The kind.
    const KIND: Stage;

    /// Its interface.
    const INTERFACE: &'static str = interface(Self::KIND);

    /// The function that decides.
    const DECIDES: &'static str;

    /// What that function takes.
    type Told<'a>: ComponentNamedList + Lower;

    /// What it gives.
    type Said: ComponentNamedList + Lift + 'static;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_make_the_kind() {
        #[track_caller]
        fn check(exports: &[&str], want: Result<&[Stage], &str>) {
            let exports: Vec<_> = exports.iter().map(ToString::to_string).collect();
            let got = of(&"p".into(), &exports).map_err(|e| e.to_string());
            match want {
                Ok(kinds) => assert_eq!(got.as_deref(), Ok(kinds)),
                Err(part) => assert!(got.as_ref().is_err_and(|e| e.contains(part)), "{got:?}"),
            }
        }
        check(&["witgate:auth/authenticator@0.1.0"], Ok(&[Stage::Auth]));
        check(&["init", "witgate:route/router@0.1.7"], Ok(&[Stage::Route]));
        check(
            &["witgate:validate/validator@0.1.0", "witgate:sanitize/sanitizer@0.1.0"],
            Ok(&[Stage::Validate, Stage::Sanitize]),
        );
        check(&["witgate:validate/validator@0.2.0"], Err("this gate speaks `witgate:validate/validator@0.1.0`"));
        check(&["witgate:validate/validator@1.1.0"], Err("exports `witgate:validate/validator@1.1.0`"));
        check(&["wasi:cli/run@0.2.0"], Err("exports `wasi:cli/run@0.2.0`"));
        check(&[], Err("exports nothing"));
    }
}
