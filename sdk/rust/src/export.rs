//! From a plugin's type to what a component exports.

/// Makes the component's exports of a type that implements a kind's trait: `export!(Guarded as validate);`.
///
/// Once for each kind that the type is; a component may be of several kinds.
#[macro_export]
macro_rules! export {
    ($plugin:ty as auth) => {
        $crate::export!(@ $plugin, auth, exports::witgate::auth::authenticator, {
            fn authenticate(
                call: $crate::Call,
                headers: ::std::vec::Vec<$crate::auth::Header>,
                peer: $crate::auth::Peer,
            ) -> $crate::auth::Verdict {
                SLOT.ask(|plugin| $crate::auth::Authenticator::authenticate(plugin, &call, &headers, &peer))
            }
        });
    };
    ($plugin:ty as credential) => {
        $crate::export!(@ $plugin, credential, exports::witgate::credential::provider, {
            fn provide(
                upstream: $crate::credential::Upstream,
                caller: $crate::Identity,
                occasion: $crate::credential::Occasion,
            ) -> ::std::result::Result<$crate::credential::Credential, $crate::Refusal> {
                SLOT.ask(|plugin| $crate::credential::Provider::provide(plugin, &upstream, &caller, &occasion))
            }
        });
    };
    ($plugin:ty as validate) => {
        $crate::export!(@ $plugin, validate, exports::witgate::validate::validator, {
            fn validate(
                call: $crate::Call,
                caller: $crate::Identity,
                tool: ::std::option::Option<$crate::bindings::Handle>,
                params: $crate::bindings::Handle,
            ) -> $crate::validate::Verdict {
                let tool = tool.map($crate::Document::from);
                let params = $crate::Document::from(params);
                SLOT.ask(|plugin| {
                    $crate::validate::Validator::validate(plugin, &call, &caller, tool.as_ref(), &params)
                })
            }
        });
    };
    ($plugin:ty as route) => {
        $crate::export!(@ $plugin, route, exports::witgate::route::router, {
            fn route(
                call: $crate::Call,
                caller: $crate::Identity,
                candidates: ::std::vec::Vec<$crate::route::Candidate>,
            ) -> $crate::route::Verdict {
                SLOT.ask(|plugin| $crate::route::Router::route(plugin, &call, &caller, &candidates))
            }
        });
    };
    ($plugin:ty as retry) => {
        $crate::export!(@ $plugin, retry, exports::witgate::retry::strategy, {
            fn decide(call: $crate::Call, attempt: $crate::retry::Attempt) -> $crate::retry::Decision {
                SLOT.ask(|plugin| $crate::retry::Strategy::decide(plugin, &call, &attempt))
            }
        });
    };
    ($plugin:ty as sanitize) => {
        $crate::export!(@ $plugin, sanitize, exports::witgate::sanitize::sanitizer, {
            fn sanitize(
                call: $crate::Call,
                caller: $crate::Identity,
                message: $crate::sanitize::Message,
                payload: $crate::bindings::Handle,
            ) -> $crate::sanitize::Verdict {
                let payload = $crate::Document::from(payload);
                SLOT.ask(|plugin| {
                    $crate::sanitize::Sanitizer::sanitize(plugin, &call, &caller, &message, &payload)
                })
            }
        });
    };
    (@ $plugin:ty, $kind:ident, $($interface:ident)::+, { $($decision:tt)* }) => {
        const _: () = {
            ::std::thread_local! {
                static CELL: ::std::cell::OnceCell<$plugin> = const { ::std::cell::OnceCell::new() };
            }
            static SLOT: $crate::Slot<$plugin> = $crate::Slot::new(&CELL);

            struct Exported;

            impl $crate::bindings::$kind::$($interface)::+::Guest for Exported {
                fn configure(settings: $crate::bindings::Handle) -> ::std::result::Result<(), ::std::string::String> {
                    SLOT.fill(&$crate::Document::from(settings).text())
                }

                $($decision)*
            }

            $crate::bindings::$kind::export!(Exported with_types_in $crate::bindings::$kind);
        };
    };
}
