//! Clients from the registries, of both eras, over HTTP and over `witgate stdio`: each finds, calls, gives up, is asked,
//! reads, gets, completes, sees progress, and pings where there is a ping.

mod behind;
mod pairs;
mod rust;

use serde_json::json;
use witgate_tests::client::Client;
use witgate_tests::gate::configured;
use witgate_tests::paths;

use crate::behind::{Behind, LEGACY, MODERN};

/// A client walks through a gate that it starts itself, in one of its modes, and ends up with that revision.
async fn over_stdio(client: Client, mode: Option<&str>, revision: &str) {
    for behind in [Behind::Everything, Behind::Notes] {
        let standing = behind.stand().await;
        let (_folder, file) = configured(&standing.configuration);
        let mut plan = behind.plan(&standing, revision);
        plan["command"] = json!([paths::witgate(), "stdio", "--config", file]);
        if let Some(mode) = mode {
            plan["mode"] = mode.into();
        }
        let report = client.walk(&plan).await;
        behind.check(Some(client), revision, &report);
    }
}

#[tokio::test]
async fn python_over_stdio() {
    over_stdio(Client::Python, None, MODERN).await;
}

#[tokio::test]
async fn python_legacy_over_stdio() {
    over_stdio(Client::Python, Some("legacy"), LEGACY).await;
}

#[tokio::test]
async fn typescript_1_over_stdio() {
    over_stdio(Client::TypeScript1, None, LEGACY).await;
}

#[tokio::test]
async fn typescript_2_modern_over_stdio() {
    over_stdio(Client::TypeScript2, Some("auto"), MODERN).await;
}

#[tokio::test]
async fn rust_over_stdio() {
    for (mode, revision) in [(rust::legacy(), LEGACY), (rust::modern(), MODERN)] {
        for behind in [Behind::Everything, Behind::Notes] {
            let standing = behind.stand().await;
            let (_folder, file) = configured(&standing.configuration);
            let report = rust::walk(rust::stdio(&file), mode.clone(), &behind.plan(&standing, revision)).await;
            behind.check(None, revision, &report);
        }
    }
}
