//! What a modern client says of itself is judged with the rest of its message, and counts as the validators left it.

use std::sync::Arc;

use serde_json::{Value, json};
use witgate_policy::json::Edit;
use witgate_policy::{Answer, Call, Identity, InputValidator, Payload, Pipeline, ValidateVerdict};

use super::peer;
use super::rounds::{ELICIT, able, result, send};
use super::support::{group, inbound, tenant, text};
use super::{MODERN, hook};

const META: &str = "/_meta/io.modelcontextprotocol~1";

/// Lets nobody be asked, and nobody listen to logs.
struct Mute;

impl InputValidator for Mute {
    fn validate<'a>(&'a self, call: &'a Call, _: &'a Identity, _: Option<&'a Payload>) -> Answer<'a, ValidateVerdict> {
        let places = ["clientCapabilities/elicitation", "logLevel"].map(|place| format!("{META}{place}"));
        let there = places.iter().filter(|place| call.params().get(place).is_some());
        let edits: Vec<Edit> = there.map(|place| Edit::remove(place.as_str())).collect();
        Box::pin(
            async move { Ok(if edits.is_empty() { ValidateVerdict::Accept } else { ValidateVerdict::Edits(edits) }) },
        )
    }
}

#[tokio::test]
async fn a_server_knows_of_a_client_what_the_validators_left() {
    let can = json!({"elicitation": {}, "roots": {}});
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": can,
        "io.modelcontextprotocol/logLevel": "debug",
    });
    let (legacy, mut asks) = peer::legacy(&json!({"tools": {}}));
    let (modern, mut hears) = peer::modern(&json!({"tools": {}}));
    let pipeline = Pipeline { validate: vec![hook(Arc::new(Mute))], ..Pipeline::default() };
    let groups = vec![group("a", "a", vec![legacy]), group("b", "b", vec![modern])];
    let tenant = Arc::new(tenant(pipeline, groups));
    let call = |name: &str| {
        let mut call = able(inbound(MODERN, "tools/call", &json!({"name": name, "_meta": meta})), &can);
        call.client.log_level = Some("debug".into());
        call
    };
    let request = send(&tenant, call("b__x"));
    let heard = hears.heard("tools/call").await;
    let told = &heard.params()["_meta"];
    assert_eq!(told["io.modelcontextprotocol/clientCapabilities"], json!({"roots": {}}));
    assert_eq!(told.get("io.modelcontextprotocol/logLevel"), None::<&Value>);
    heard.answer(&text("done"));
    result(request.await.expect("no panic"));
    let request = send(&tenant, call("a__x"));
    let heard = asks.heard("tools/call").await;
    heard.ask("q", ELICIT, &json!({"message": "who?", "requestedSchema": {}}));
    assert_eq!(asks.answered("q").await["error"]["code"], -32601);
    heard.answer(&text("done"));
    result(request.await.expect("no panic"));
}
