//! What wit-bindgen makes of the WASI that a plugin may ask for. All of it in one world: the component ends up with the
//! imports that the code uses.

#![allow(missing_docs, unsafe_code, unused_qualifications, unreachable_pub, dead_code, clippy::pedantic, clippy::all)]

wit_bindgen::generate!({
    inline: "package witgate:probe;
        world probe {
            import wasi:cli/environment@0.2.12;
            import wasi:cli/stdin@0.2.12;
            import wasi:cli/stdout@0.2.12;
            import wasi:cli/stderr@0.2.12;
            import wasi:clocks/monotonic-clock@0.2.12;
            import wasi:clocks/wall-clock@0.2.12;
            import wasi:config/store@0.2.0-rc.1;
            import wasi:filesystem/types@0.2.12;
            import wasi:filesystem/preopens@0.2.12;
            import wasi:http/types@0.2.12;
            import wasi:http/outgoing-handler@0.2.12;
            import wasi:keyvalue/store@0.2.0-draft;
            import wasi:keyvalue/atomics@0.2.0-draft;
            import wasi:logging/logging@0.1.0-draft;
            import wasi:random/random@0.2.12;
        }",
    path: [
        "../../../wit/deps/wasi-io@0.2.12",
        "../../../wit/deps/wasi-clocks@0.2.12",
        "../../../wit/deps/wasi-random@0.2.12",
        "../../../wit/deps/wasi-filesystem@0.2.12",
        "../../../wit/deps/wasi-sockets@0.2.12",
        "../../../wit/deps/wasi-cli@0.2.12",
        "../../../wit/deps/wasi-http@0.2.12",
        "../../../wit/deps/wasi-keyvalue@0.2.0-draft",
        "../../../wit/deps/wasi-config@0.2.0-rc.1",
        "../../../wit/deps/wasi-logging@0.1.0-draft",
    ],
    generate_all,
});
