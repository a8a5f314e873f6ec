//! The six kinds, found by what a component exports.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::InstancePre;
use witgate_policy::Stage;

use crate::bindings;
use crate::error::LoadError;
use crate::host::Host;

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
        if track(export) != track(supported) {
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
fn track(interface: &str) -> Option<(&str, &str)> {
    let (_, version) = interface.split_once('@')?;
    let mut parts = version.split('.');
    Some((parts.next()?, parts.next()?))
}

/// What the sandbox does with a plugin of any kind; the decision itself is each adapter's.
pub(crate) trait Contract: Send + Sync + Sized + 'static {
    /// An instance that is ready to be made.
    type Pre: Send + Sync + 'static;

    /// The kind.
    const KIND: Stage;

    /// Checks the exports' types.
    fn prepare(pre: InstancePre<Host>) -> wasmtime::Result<Self::Pre>;

    /// Makes an instance.
    fn instantiate(pre: &Self::Pre, store: &mut Store<Host>) -> impl Future<Output = wasmtime::Result<Self>> + Send;

    /// Calls `configure`.
    fn configure(
        &self,
        store: &mut Store<Host>,
        settings: &str,
    ) -> impl Future<Output = wasmtime::Result<Result<(), String>>> + Send;
}

macro_rules! contract {
    ($kind:ident, $module:ident, $pre:ident, $interface:ident) => {
        impl Contract for bindings::$module::$kind {
            type Pre = bindings::$module::$pre<Host>;

            const KIND: Stage = Stage::$kind;

            fn prepare(pre: InstancePre<Host>) -> wasmtime::Result<Self::Pre> {
                bindings::$module::$pre::new(pre)
            }

            async fn instantiate(pre: &Self::Pre, store: &mut Store<Host>) -> wasmtime::Result<Self> {
                pre.instantiate_async(store).await
            }

            async fn configure(&self, store: &mut Store<Host>, settings: &str) -> wasmtime::Result<Result<(), String>> {
                self.$interface().call_configure(store, settings).await
            }
        }
    };
}

contract!(Auth, auth, AuthPre, witgate_auth_authenticator);
contract!(Credential, credential, CredentialPre, witgate_credential_provider);
contract!(Validate, validate, ValidatePre, witgate_validate_validator);
contract!(Route, route, RoutePre, witgate_route_router);
contract!(Retry, retry, RetryPre, witgate_retry_strategy);
contract!(Sanitize, sanitize, SanitizePre, witgate_sanitize_sanitizer);

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
