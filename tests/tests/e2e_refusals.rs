//! Every no of the gate, from end to end: JSON-RPC code, HTTP status, headers, and what stands in the log. The table is
//! in `host/gateway/src/wire/refusal.rs`; what a front turns away by itself is in `wire/reject.rs` beside it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use witgate_tests::answer::Answer;
use witgate_tests::gate::Gate;
use witgate_tests::reports::Reports;
use witgate_tests::settings;
use witgate_tests::wire::{Era, Wire, initialize, with_meta};

const KEY: (&str, &str) = ("x-api-key", "a-long-random-key");
const METADATA: &str = "https://gate.example.com/.well-known/oauth-protected-resource/mcp";

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: i32, reason: &str) {
    let error = answer.last()["error"].clone();
    assert_eq!((answer.status, &error["code"]), (status, &json!(code)), "{answer:#?}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer:#?}");
    if !reason.is_empty() {
        assert_eq!(error["data"]["reason"], reason, "{answer:#?}");
    }
}

fn hash(key: &str) -> String {
    format!("{:x}", Sha256::digest(key))
}

fn api_key() -> String {
    let settings = format!("keys = [{{ id = \"test\", sha256 = \"{}\" }}]", hash(KEY.1));
    settings::plugin("keys", "builtin:auth-api-key", "", &settings)
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn jwt(settings: &str) -> String {
    let x = BASE64_URL_SAFE_NO_PAD.encode(signer().verifying_key());
    let all = format!(
        "issuer = \"https://idp.example.com/\"\naudience = \"gate\"\njwks = {{ keys = [{{ kty = \"OKP\", crv = \"Ed25519\", x = \"{x}\" }}] }}\n{settings}"
    );
    settings::plugin("tokens", "builtin:auth-jwt", "", &all)
}

/// A token that is good for all of this century.
fn token(algorithm: &str, scope: &str) -> String {
    let claims = json!({
        "iss": "https://idp.example.com/", "aud": "gate", "sub": "ada", "exp": 4_102_444_799_u32, "scope": scope,
    });
    let part = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(json!({ "alg": algorithm, "typ": "JWT" })), part(claims));
    let signature = signer().sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn callers_who_prove_nothing() {
    let reports = Reports::listen().await;
    let upstream = settings::raw("raw", &reports, &["--era", "modern"]);
    let head = format!("resource-metadata = {}\n", settings::text(METADATA));
    let gate = Gate::start(&format!("{head}{upstream}{}", api_key())).await;
    let ask = async |headers: &[(&str, &str)]| Wire::new(gate.url(), Era::Modern, headers).call("plain", "{}").await;

    let stranger = ask(&[]).await;
    assert_refused(&stranger, 401, -31401, "unauthenticated");
    assert!(
        stranger.headers["www-authenticate"].contains(&format!("resource_metadata=\"{METADATA}\"")),
        "{stranger:#?}"
    );
    let wrong = ask(&[("authorization", "Bearer guess")]).await;
    assert_refused(&wrong, 401, -31401, "unauthenticated");
    assert!(wrong.headers["www-authenticate"].contains("error=\"invalid_token\""), "{wrong:#?}");
    assert_refused(&ask(&[KEY, ("authorization", "Bearer guess")]).await, 401, -31401, "unauthenticated");
    assert_eq!(ask(&[KEY]).await.text(), "plain");

    assert_eq!(reports.count("request"), reports.events().iter().filter(|event| is_gates_own_or_good(event)).count());
    let record = gate.record("the stranger", 0, |record| record["outcome"] == "unauthenticated").await;
    assert_eq!(record["refusal"]["stage"], "auth", "{record:#}");
    assert!(!gate.process().text().contains("guess"), "a credential is in the log");
}

/// What may reach the server: what the gate asks for itself, and the one call of a known caller.
fn is_gates_own_or_good(event: &Value) -> bool {
    event["event"] == "request" && (event["method"] != "tools/call" || event["target"] == "plain")
}

#[tokio::test]
async fn tokens_that_are_not_good_enough() {
    let reports = Reports::listen().await;
    let upstream = settings::raw("raw", &reports, &["--era", "modern"]);
    let gate = Gate::start(&format!("{upstream}{}", jwt("required-scopes = [\"leave:read\"]"))).await;
    let ask = async |token: &str| {
        let bearer = format!("Bearer {token}");
        Wire::new(gate.url(), Era::Modern, &[("authorization", &bearer)]).call("plain", "{}").await
    };
    assert_eq!(ask(&token("EdDSA", "leave:read x")).await.text(), "plain");
    let small = ask(&token("EdDSA", "x")).await;
    assert_refused(&small, 403, -31403, "insufficient-scope");
    let challenge = &small.headers["www-authenticate"];
    assert!(challenge.contains("insufficient_scope") && challenge.contains("leave:read"), "{small:#?}");
    for algorithm in ["none", "HS256", "RS256"] {
        assert_refused(&ask(&token(algorithm, "leave:read")).await, 401, -31401, "unauthenticated");
    }
    let mut forged = token("EdDSA", "leave:read");
    forged.replace_range(forged.len() - 4.., "AAAA");
    assert_refused(&ask(&forged).await, 401, -31401, "unauthenticated");
}

#[tokio::test]
async fn arguments_that_do_not_fit() {
    let reports = Reports::listen().await;
    let rules = "rules = [\n\
        { methods = [\"prompts/get\"], pointer = \"/arguments/who\", schema = { maxLength = 3 } },\n\
        { targets = [\"plain\"], pointer = \"/arguments/day\", schema = { type = \"string\", format = \"date\" } },\n\
        ]";
    let schema = settings::plugin("schema", "builtin:validate-schema", "", rules);
    let upstream = settings::raw("raw", &reports, &["--era", "legacy"]);
    let gate = Gate::start(&format!("anonymous = true\n{upstream}{schema}")).await;
    let prompt = r#"{"name":"odd","arguments":{"who":"everybody"}}"#;
    for mut client in [Wire::modern(gate.url()), Wire::legacy(gate.url()).await] {
        for (tool, arguments, pointer) in [
            ("strict", r#"{"id":"X1"}"#, "/arguments/id"),
            ("strict", r#"{"id":"E001","more":1}"#, "/arguments"),
            ("plain", r#"{"day":"2026-02-30"}"#, "/arguments/day"),
        ] {
            let answer = client.call(tool, arguments).await;
            assert_eq!(answer.status, 200, "{answer:#?}");
            assert_eq!(answer.result()["isError"], true, "{answer:#?}");
            assert!(answer.text().contains(pointer), "{tool} {arguments}: {answer:#?}");
        }
        assert_eq!(client.call("strict", r#"{"id":"E001"}"#).await.text(), "plain");
        let answer = client.request("prompts/get", prompt).await;
        assert_refused(&answer, 200, -32602, "invalid");
        assert_eq!(answer.error()["data"]["findings"][0]["pointer"], "/arguments/who", "{answer:#?}");
    }
    // Before 2025-11-25 a tool's bad input was a protocol error.
    let mut old = Wire::new(gate.url(), Era::Legacy, &[("mcp-protocol-version", "2025-06-18")]);
    let hello = initialize().to_string().replace("2025-11-25", "2025-06-18");
    let answer = old.request("initialize", &hello).await;
    assert_eq!(answer.result()["protocolVersion"], "2025-06-18", "{answer:#?}");
    old.set_session(answer.headers.get("mcp-session-id").map(String::as_str));
    assert_refused(&old.call("strict", r#"{"id":"X1"}"#).await, 200, -32602, "invalid");
}

#[tokio::test]
async fn names_that_nobody_has() {
    let reports = Reports::listen().await;
    let upstreams = settings::raw("one", &reports, &["--era", "modern"]) + &settings::raw("two", &reports, &[]);
    let gate = Gate::start(&format!("anonymous = true\n{upstreams}")).await;
    let mut modern = Wire::modern(gate.url());
    let mut legacy = Wire::legacy(gate.url()).await;
    let unknown = r#"{"uri":"nobody://x"}"#;
    assert_refused(&modern.call("three__plain", "{}").await, 200, -32602, "unknown-target");
    assert_refused(&legacy.call("three__plain", "{}").await, 200, -32602, "unknown-target");
    assert_refused(&modern.request("prompts/get", r#"{"name":"three__odd"}"#).await, 200, -32602, "unknown-target");
    assert_refused(&modern.request("resources/read", unknown).await, 200, -32602, "unknown-target");
    assert_refused(&legacy.request("resources/read", unknown).await, 200, -32002, "unknown-target");
    assert_refused(&modern.request("no/such", "{}").await, 404, -32601, "");
    assert_refused(&legacy.request("no/such", "{}").await, 200, -32601, "");
}

#[tokio::test]
async fn too_many_calls() {
    let reports = Reports::listen().await;
    let limit = "limits = [{ calls = 2, window-s = 3600, by = [], targets = [\"plain\"] }]";
    let rate = settings::plugin("rate", "builtin:validate-rate", "grants = { counter = true }", limit);
    let gate = Gate::start(&format!("anonymous = true\n{}{rate}", settings::raw("raw", &reports, &[]))).await;
    for mut client in [Wire::modern(gate.url()), Wire::legacy(gate.url()).await] {
        // Two for all: the modern client uses them up.
        let first = client.call("plain", "{}").await;
        let second = client.call("plain", "{}").await;
        let third = client.call("plain", "{}").await;
        assert_eq!(first.status, second.status);
        assert_refused(&third, 200, -31429, "exhausted");
        let seconds: u32 = third.headers["retry-after"].parse().expect("seconds");
        assert!((3500..=3600).contains(&seconds), "{third:#?}");
        assert_eq!(client.call("seen", "{}").await.status, 200, "others are not limited");
    }
    assert_eq!(reports.events().iter().filter(|event| event["target"] == "plain").count(), 2);
}

#[tokio::test]
async fn upstreams_that_may_not_or_cannot_answer() {
    let reports = Reports::listen().await;
    let route = settings::plugin("route", "builtin:route-weighted", "", "require = { region = \"eu\" }");
    let dead = settings::remote("dead", "http://127.0.0.1:9/mcp");
    let configuration = [
        "anonymous = true\n".to_owned(),
        settings::raw("raw", &reports, &[]),
        route,
        settings::tenant("dead", &format!("anonymous = true\n{dead}")),
    ];
    let gate = Gate::start(&configuration.concat()).await;
    assert_refused(&Wire::modern(gate.url()).call("plain", "{}").await, 200, -31503, "unavailable");
    let record = gate.record("the refusal", 0, |record| record["outcome"] == "unavailable").await;
    assert_eq!(record["refusal"]["plugin"], "route", "{record:#}");
    assert!(record["refusal"]["note"].as_str().is_some_and(|note| note.contains("region=eu")), "{record:#}");
    assert_refused(&Wire::modern(&gate.at("/dead/mcp")).call("plain", "{}").await, 200, -31503, "unavailable");
}

#[tokio::test]
async fn answers_that_may_not_go_out() {
    let reports = Reports::listen().await;
    let redact = settings::plugin("redact", "builtin:sanitize-redact", "", "");
    for era in ["legacy", "modern"] {
        let upstream = settings::raw("raw", &reports, &["--era", era]);
        let gate = Gate::start(&format!("anonymous = true\n{upstream}{redact}")).await;
        for mut client in [Wire::modern(gate.url()), Wire::legacy(gate.url()).await] {
            for form in ["result", "error", "log"] {
                let meta = r#""_meta":{"io.modelcontextprotocol/logLevel":"debug"}"#;
                let params = format!(r#"{{"name":"secret","arguments":{{"as":"{form}"}},{meta}}}"#);
                let answer = client.request("tools/call", &params).await;
                assert!(answer.body.contains("E001"), "{era} {form}: nothing came through: {answer:#?}");
                assert!(!answer.body.contains("hunter2"), "{era} {form}: {answer:#?}");
                if form == "log" {
                    assert_eq!(answer.notifications("notifications/message").len(), 1, "{era}: {answer:#?}");
                }
            }
        }
    }
}

/// What is no message, not for here, or does not say what it has to.
#[tokio::test]
async fn messages_that_no_plugin_sees() {
    let reports = Reports::listen().await;
    let upstream = settings::raw("raw", &reports, &["--era", "modern"]);
    let gate = Gate::start(&format!("anonymous = true\n{upstream}[server]\nbody-bytes = 4096\n")).await;
    let client = Wire::modern(gate.url());
    let list = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}}"#, with_meta("{}"));
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}}"#,
        with_meta(r#"{"name":"plain","arguments":{}}"#)
    );
    let method = ("mcp-method", "tools/list");
    let check = async |what: &str, body: &str, headers: &[(&str, &str)], status: u16, code: i32| {
        let answer = client.post(body, headers).await;
        let got = answer.messages.last().map(|_| answer.last()["error"]["code"].clone()).unwrap_or_default();
        assert_eq!((answer.status, got), (status, json!(code)), "{what}: {answer:#?}");
    };
    assert_eq!(client.post(&list, &[method]).await.status, 200);
    check("no JSON", "{", &[method], 400, -32700).await;
    check("one key twice", &list.replace(r#""id":1"#, r#""id":1,"id":2"#), &[method], 400, -32700).await;
    check("no request", r#"{"jsonrpc":"2.0"}"#, &[method], 400, -32600).await;
    check("another method in the header", &list, &[("mcp-method", "tools/call")], 400, -32020).await;
    check("no method in the header", &list, &[], 400, -32020).await;
    check("another name", &call, &[("mcp-method", "tools/call"), ("mcp-name", "odd")], 400, -32020).await;
    check("another version", &list, &[method, ("mcp-protocol-version", "2025-11-25")], 400, -32020).await;
    check(
        "a version of the future",
        &list.replace("2026-07-28", "2099-01-01"),
        &[method, ("mcp-protocol-version", "2099-01-01")],
        400,
        -32022,
    )
    .await;
    check("no capabilities", &list.replace("clientCapabilities", "clientCapability"), &[method], 400, -32602).await;
    check("too much", &list.replace("tools/list", &"x".repeat(5000)), &[method], 413, -31413).await;
    check("another origin", &list, &[method, ("origin", "https://evil.example")], 403, -31403).await;
    check("another host", &list, &[method, ("host", "evil.example")], 403, -31403).await;
    check("another type", &list, &[method, ("content-type", "text/plain")], 415, -32600).await;
    check(
        "no session",
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        &[("mcp-protocol-version", "2025-11-25")],
        400,
        -32600,
    )
    .await;
    let session = [("mcp-protocol-version", "2025-11-25"), ("mcp-session-id", "no-such-session")];
    check("no such session", r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, &session, 404, -31404).await;

    let before = reports.count("request");
    assert_eq!(client.post(&list, &[method]).await.status, 200);
    assert!(reports.count("request") >= before, "the gate goes on");
    let nowhere = Wire::modern(&gate.at("/nowhere")).request("tools/list", "{}").await;
    assert_eq!(nowhere.status, 404, "{nowhere:#?}");
}

/// A session belongs to who began it, and ends when it is told to.
#[tokio::test]
async fn sessions_of_others_and_of_the_past() {
    let reports = Reports::listen().await;
    let keys = format!(
        "keys = [{{ id = \"one\", sha256 = \"{}\" }}, {{ id = \"two\", sha256 = \"{}\" }}]",
        hash("first-key"),
        hash("second-key")
    );
    let keys = settings::plugin("keys", "builtin:auth-api-key", "", &keys);
    let gate = Gate::start(&format!("{}{keys}", settings::raw("raw", &reports, &[]))).await;
    let mut owner = Wire::new(gate.url(), Era::Legacy, &[("x-api-key", "first-key")]);
    owner.initialize().await;
    let mut other = Wire::new(gate.url(), Era::Legacy, &[("x-api-key", "second-key")]);
    other.set_session(owner.session());
    let answer = other.call("plain", "{}").await;
    assert!(answer.last().get("error").is_some(), "another caller is served in a session: {answer:#?}");
    assert_eq!(owner.call("plain", "{}").await.text(), "plain");
    assert!((200..300).contains(&owner.delete().await));
    assert_refused(&owner.call("plain", "{}").await, 404, -31404, "");
}
