//! Calls with the same ids and the same progress tokens, at once, in several tenants, of both eras, to servers of both
//! eras and transports, which answer out of order: each answer and each notification finds its caller.

use std::io;
use std::path::Path;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use witgate_tests::echo::http::Server;
use witgate_tests::gate::Gate;
use witgate_tests::settings;
use witgate_tests::wire::Era;

use crate::caller::Caller;
use crate::{number, say};

const TENANTS: [&str; 3] = ["a", "b", "c"];
/// What serves each tenant, by the prefix of its tools.
const SERVERS: [(&str, Era); 4] =
    [("child", Era::Legacy), ("kid", Era::Modern), ("far", Era::Legacy), ("new", Era::Modern)];
/// Clients of each era in each tenant, and connections of each that call at once.
const CLIENTS: usize = 4;
const LANES: usize = 3;
/// Every so many calls ask for progress.
const PROGRESS: usize = 4;

/// What came back.
#[derive(Debug, Default)]
struct Seen {
    answers: usize,
    notes: usize,
    wrong: Vec<String>,
}

/// One connection's calls, one after the other.
struct Lane {
    caller: Caller,
    tenant: &'static str,
    /// Unlike any other's.
    mark: String,
    number: usize,
    calls: usize,
}

impl Lane {
    async fn run(self) -> io::Result<Seen> {
        let mut seen = Seen::default();
        let mut connection = self.caller.connect().await?;
        for call in 0..self.calls {
            // Every session has the same ids, and within a session each is used once.
            let id = (call * LANES + self.number).to_string();
            // Two kinds of token that a careless table takes for one.
            let token = if call % 8 < 4 { id.clone() } else { format!("\"{id}\"") };
            let token = call.is_multiple_of(PROGRESS).then_some(token);
            let (server, _) = SERVERS[(call / PROGRESS) % SERVERS.len()];
            let nonce = format!("{}-{call}", self.mark);
            let arguments = json!({ "nonce": nonce });
            let tool = format!("{server}__echo");
            self.caller.call(&mut connection, &id, (&tool, &arguments), token.as_deref()).await?;
            let (_, messages) = connection.messages().await?;
            let want = format!("{server}-{} {nonce}", self.tenant);
            seen.judge(&messages, (&id, token.as_deref()), (&want, &nonce));
        }
        Ok(seen)
    }
}

impl Seen {
    fn judge(&mut self, messages: &[Value], (id, token): (&str, Option<&str>), (text, nonce): (&str, &str)) {
        for message in messages {
            let params = &message["params"];
            if message["method"] == "notifications/progress" {
                let is_own = Some(&*params["progressToken"].to_string()) == token && params["message"] == nonce;
                self.notes += usize::from(is_own);
                self.note_wrong(is_own, message, nonce);
            } else {
                let is_own = serde_json::from_str::<Value>(id).is_ok_and(|id| message["id"] == id)
                    && message["result"]["content"][0]["text"] == text;
                self.answers += usize::from(is_own);
                self.note_wrong(is_own, message, nonce);
            }
        }
    }

    fn note_wrong(&mut self, is_own: bool, message: &Value, nonce: &str) {
        // The first few tell the story.
        if !is_own && self.wrong.len() < 5 {
            self.wrong.push(format!("to {nonce}: {message}"));
        }
    }
}

async fn configuration() -> (Vec<Server>, String) {
    let echo = env!("CARGO_BIN_EXE_echo");
    let (mut servers, mut all) = (Vec::new(), String::new());
    for tenant in TENANTS {
        let mut pieces = "anonymous = true\n".to_owned();
        for (name, era) in SERVERS {
            let own = format!("{name}-{tenant}");
            if matches!(name, "child" | "kid") {
                let era = if era == Era::Modern { "modern" } else { "legacy" };
                pieces += &settings::child(name, Path::new(echo), &[&own, era]);
            } else {
                let server = Server::start(&own, era).await;
                pieces += &settings::remote(name, server.url());
                servers.push(server);
            }
        }
        all += &settings::tenant(tenant, &pieces);
    }
    (servers, all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_find_their_callers() {
    let (_servers, configuration) = configuration().await;
    let gate = Gate::start(&configuration).await;
    let lanes = TENANTS.len() * 2 * CLIENTS * LANES;
    let calls = number("STREAMS_CALLS", 10_000).div_ceil(lanes);
    let mut running = JoinSet::new();
    for tenant in TENANTS {
        for client in 0..2 * CLIENTS {
            let era = if client % 2 == 0 { Era::Modern } else { Era::Legacy };
            let caller = Caller::new(&gate.at(&format!("/{tenant}/mcp")), era).await;
            for number in 0..LANES {
                let mark = format!("{tenant}-{client}-{number}");
                running.spawn(Lane { caller: caller.clone(), tenant, mark, number, calls }.run());
            }
        }
    }
    let mut all = Seen::default();
    while let Some(lane) = running.join_next().await {
        let seen = lane.expect("no panic").expect("a connection that holds");
        (all.answers, all.notes) = (all.answers + seen.answers, all.notes + seen.notes);
        all.wrong.extend(seen.wrong);
    }
    say("calls with colliding ids, answered", &all.answers.to_string());
    say("notifications of progress with colliding tokens", &all.notes.to_string());
    say("to the wrong caller", &all.wrong.len().to_string());
    assert!(all.wrong.is_empty(), "{:#?}", all.wrong);
    assert_eq!(all.answers, calls * lanes);
    assert_eq!(all.notes, calls.div_ceil(PROGRESS) * lanes);
}
