//! Lists that change.

use super::*;

/// A server whose tools change, and the stream on which it says so.
async fn changing(is_modern: bool) -> (Server, mpsc::UnboundedSender<String>) {
    let (sender, response) = events(None);
    let once = Mutex::new(Some(response));
    let capabilities = json!({ "tools": { "listChanged": true } });
    let server = Server::start(move |seen| match (seen.method.clone(), seen.rpc()) {
        (_, "server/discover") if is_modern => {
            seen.result(&json!({ "supportedVersions": ["2026-07-28"], "capabilities": capabilities }))
        }
        (_, "initialize") => seen.result(&json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities })),
        (Method::GET, _) | (_, "subscriptions/listen") => {
            once.lock().expect("once").take().unwrap_or_else(|| plain(405, &[]))
        }
        (_, "notifications/initialized") => plain(202, &[]),
        (_, "server/discover") => plain(400, &[]),
        _ => seen.result(&json!({})),
    })
    .await;
    (server, sender)
}

#[tokio::test]
async fn changed_lists_are_heard_of() {
    for (is_modern, stream) in [(true, "POST subscriptions/listen"), (false, "GET ")] {
        let (server, sender) = changing(is_modern).await;
        let (upstream, _) = server.upstream();
        upstream.server(&client(Revision::V2025_11_25), &[]).await.expect("connected");
        assert_eq!(upstream.list_version(), 1);
        let changed = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
        sender.send(event(&changed)).expect("open");
        soon(async {
            while upstream.list_version() < 2 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(server.methods().iter().filter(|method| *method == stream).count(), 1);
        upstream.close().await;
        soon(sender.closed()).await;
    }
}
