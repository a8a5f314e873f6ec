//! Log levels that modern clients wish for, at legacy servers.

use serde_json::json;
use witgate_gateway::upstream::Transport;
use witgate_gateway::wire::ClientFacts;
use witgate_policy::{Payload, Revision};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_legacy_server_is_told_to_write_what_a_modern_client_wants_and_never_less() {
    let (builtin, mut servers) = scripted();
    let (upstream, _) = upstream(Transport::Builtin(builtin));
    let wishing = |level: Option<&str>| ClientFacts {
        capabilities: Payload::empty(),
        log_level: level.map(str::to_owned),
        ..client(Revision::V2026_07_28)
    };
    // One after the other, on the connection that all of them share: what each of them makes the gate say.
    let wishes = [(None, None), (Some("warning"), Some("info")), (Some("debug"), Some("debug")), (Some("error"), None)];
    let script = async {
        let mut server = soon(servers.recv()).await.expect("connected");
        let (id, _) = server.expect("server/discover").await;
        server.refuse(&id, -32601).await;
        let (id, _) = server.expect("initialize").await;
        let result = json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {}, "logging": {} } });
        server.reply(&id, result).await;
        server.expect("notifications/initialized").await;
        for (_, want) in wishes {
            if let Some(level) = want {
                let (id, params) = server.expect("logging/setLevel").await;
                assert_eq!(params, json!({ "level": level }));
                server.reply(&id, json!({})).await;
            }
            let (id, _) = server.expect("tools/call").await;
            server.reply(&id, json!({ "content": [] })).await;
        }
    };
    let calls = async {
        for (wish, _) in wishes {
            let mut exchange =
                send_of(&wishing(wish), "alice", &upstream, "tools/call", json!({ "name": "t" })).await.expect("sent");
            result(&mut exchange).await.expect("answered");
        }
    };
    tokio::join!(calls, script);
}
