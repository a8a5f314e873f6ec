//! Servers that say they speak both eras.

use witgate_gateway::wire::ClientFacts;

use super::*;

const BOTH: [&str; 2] = ["2025-11-25", "2026-07-28"];

/// The server answers calls with the revision of their era; it may refuse `initialize` whatever it says of itself.
async fn dual(serves_legacy: bool) -> Server {
    Server::start(move |seen| match seen.rpc() {
        "server/discover" => {
            seen.result(&json!({ "resultType": "complete", "supportedVersions": BOTH, "capabilities": {} }))
        }
        "initialize" if serves_legacy => seen.initialized("s"),
        "initialize" => seen.error(400, -32601),
        "tools/call" => seen.result(&json!({ "spoken": seen.header("mcp-protocol-version") })),
        _ => plain(202, &[]),
    })
    .await
}

async fn spoken(client: &ClientFacts, upstream: &Upstream) -> Value {
    let mut exchange = send_of(client, "alice", upstream, "tools/call", call()).await.expect("sent");
    result(&mut exchange).await.expect("answered").0["spoken"].clone()
}

#[tokio::test]
async fn a_legacy_client_that_can_be_asked_is_served_in_its_own_era_and_all_others_share() {
    let server = dual(true).await;
    let (upstream, _) = server.upstream();
    let one = asked(Revision::V2025_11_25, "one");
    let other = asked(Revision::V2025_11_25, "other");
    let nobody = ClientFacts { capabilities: Payload::empty(), ..client(Revision::V2025_11_25) };
    for _ in 0..2 {
        assert_eq!(spoken(&one, &upstream).await, "2025-11-25");
        assert_eq!(spoken(&asked(Revision::V2026_07_28, ""), &upstream).await, "2026-07-28");
        assert_eq!(spoken(&nobody, &upstream).await, "2026-07-28");
        assert_eq!(spoken(&other, &upstream).await, "2025-11-25");
    }
    let count = |rpc: &str| server.seen().iter().filter(|seen| seen.rpc() == rpc).count();
    assert_eq!((count("server/discover"), count("initialize")), (1, 2));
}

#[tokio::test]
async fn a_server_that_refuses_the_older_era_in_spite_of_what_it_says_is_spoken_to_in_the_newer() {
    let server = dual(false).await;
    let (upstream, _) = server.upstream();
    for session in ["one", "other", "one"] {
        assert_eq!(spoken(&asked(Revision::V2025_11_25, session), &upstream).await, "2026-07-28");
    }
    // It is not asked again and again.
    let count = |rpc: &str| server.seen().iter().filter(|seen| seen.rpc() == rpc).count();
    assert_eq!((count("server/discover"), count("initialize")), (1, 1));
}
