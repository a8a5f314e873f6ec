//! What wit-bindgen makes of `wit/`.
//!
//! One small world for each kind, which exports that kind's interface and nothing else: a component ends up with the
//! imports that it uses in either case, and the worlds of `wit/`, which list all that a plugin *may* ask for, would
//! have every build go through the bindings of half of WASI.

#![allow(missing_docs, unsafe_code, unused_qualifications, unreachable_pub, clippy::pedantic)]

/// Generates one module of bindings: `generate!(module, "what the world says")`.
macro_rules! generate {
    ($module:ident, $world:literal, { $($with:tt)* }) => {
        pub mod $module {
            wit_bindgen::generate!({
                inline: $world,
                path: [
                    "../../wit/deps/wasi-io@0.2.12",
                    "../../wit/deps/wasi-clocks@0.2.12",
                    "../../wit/deps/wasi-random@0.2.12",
                    "../../wit/deps/wasi-filesystem@0.2.12",
                    "../../wit/deps/wasi-sockets@0.2.12",
                    "../../wit/deps/wasi-cli@0.2.12",
                    "../../wit/deps/wasi-http@0.2.12",
                    "../../wit/deps/wasi-keyvalue@0.2.0-draft",
                    "../../wit/deps/wasi-config@0.2.0-rc.1",
                    "../../wit/deps/wasi-logging@0.1.0-draft",
                    "../../wit/types@0.1.0",
                    "../../wit/counter@0.1.0",
                    "../../wit/capability@0.1.0",
                    "../../wit/auth@0.1.0",
                    "../../wit/credential@0.1.0",
                    "../../wit/validate@0.1.0",
                    "../../wit/route@0.1.0",
                    "../../wit/retry@0.1.0",
                    "../../wit/sanitize@0.1.0",
                ],
                additional_derives: [PartialEq, Eq],
                with: { $($with)* },
                pub_export_macro: true,
                runtime_path: "::witgate_sdk::wit_bindgen::rt",
                generate_unused_types: true,
            });
        }
    };
}

/// `generate!` for a kind: it exports `$interface` and shares the types.
macro_rules! kind {
    ($module:ident, $world:literal) => {
        generate!($module, $world, {
            "witgate:types/types@0.1.0": ::witgate_sdk::bindings::types::witgate::types::types,
        });
    };
}

generate!(types, "package witgate:sdk; world types { import witgate:types/types@0.1.0; }", {
    "witgate:types/types@0.1.0": generate,
});
generate!(counter, "package witgate:sdk; world counter { import witgate:counter/counter@0.1.0; }", {
    "witgate:counter/counter@0.1.0": generate,
});
kind!(auth, "package witgate:sdk; world auth { export witgate:auth/authenticator@0.1.0; }");
kind!(credential, "package witgate:sdk; world credential { export witgate:credential/provider@0.1.0; }");
kind!(validate, "package witgate:sdk; world validate { export witgate:validate/validator@0.1.0; }");
kind!(route, "package witgate:sdk; world route { export witgate:route/router@0.1.0; }");
kind!(retry, "package witgate:sdk; world retry { export witgate:retry/strategy@0.1.0; }");
kind!(sanitize, "package witgate:sdk; world sanitize { export witgate:sanitize/sanitizer@0.1.0; }");

/// The host's side of a [`Document`](crate::Document).
pub type Handle = types::witgate::types::types::Document;
