//! What wasmtime makes of `wit/`.
//!
//! One small world for each kind, which exports that kind's interface and nothing else, and one for each capability of
//! our own to implement; they share the types. The worlds of `wit/`, which list all that a plugin *may* ask for, would
//! bind half of WASI again; those parts come from `wasmtime-wasi`, and only where they were granted.

#![allow(missing_docs, unreachable_pub, unused_qualifications, clippy::pedantic)]

/// Generates one module of bindings: `generate!(module, "what the world says", { imports }, { with })`.
macro_rules! generate {
    ($module:ident, $world:literal, { $($imports:tt)* }, { $($with:tt)* }) => {
        pub mod $module {
            wasmtime::component::bindgen!({
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
                imports: { $($imports)* },
                exports: { default: async },
                with: { $($with)* },
                require_store_data_send: true,
            });
        }
    };
}

/// `generate!` for a kind: it exports its interface and shares the types.
macro_rules! kind {
    ($module:ident, $world:literal) => {
        generate!($module, $world, { default: trappable }, {
            "witgate:types/types@0.1.0": crate::bindings::types::witgate::types::types,
        });
    };
}

generate!(
    types,
    "package witgate:host; world types { import witgate:types/types@0.1.0; }",
    { default: trappable },
    { "witgate:types/types.document": crate::document::Document }
);
generate!(
    counter,
    "package witgate:host; world counter { import witgate:counter/counter@0.1.0; }",
    { default: async | trappable },
    {}
);
generate!(
    keyvalue,
    "package witgate:host; world keyvalue { import wasi:keyvalue/store@0.2.0-draft; import wasi:keyvalue/atomics@0.2.0-draft; }",
    { default: async | trappable },
    { "wasi:keyvalue/store.bucket": crate::grant::keyvalue::Bucket }
);
generate!(
    logging,
    "package witgate:host; world logging { import wasi:logging/logging@0.1.0-draft; }",
    { default: trappable },
    {}
);
generate!(
    config,
    "package witgate:host; world config { import wasi:config/store@0.2.0-rc.1; }",
    { default: trappable },
    {}
);
generate!(
    files,
    "package witgate:host; world files { import wasi:filesystem/types@0.2.12; import wasi:filesystem/preopens@0.2.12; }",
    { default: async | trappable },
    {
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
        "wasi:filesystem/types.descriptor": crate::grant::files::Descriptor,
        "wasi:filesystem/types.directory-entry-stream": crate::grant::files::Listing,
    }
);
kind!(auth, "package witgate:host; world auth { export witgate:auth/authenticator@0.1.0; }");
kind!(credential, "package witgate:host; world credential { export witgate:credential/provider@0.1.0; }");
kind!(validate, "package witgate:host; world validate { export witgate:validate/validator@0.1.0; }");
kind!(route, "package witgate:host; world route { export witgate:route/router@0.1.0; }");
kind!(retry, "package witgate:host; world retry { export witgate:retry/strategy@0.1.0; }");
kind!(sanitize, "package witgate:host; world sanitize { export witgate:sanitize/sanitizer@0.1.0; }");

pub use types::witgate::types::types as wit;
