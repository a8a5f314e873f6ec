//! What the raw server says about itself while a test looks at it from the other side of the gate.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::PATIENCE;

/// Where raw servers report to. An event is `{"event", "name", "pid", …}`, see `servers/raw.py`; the end of a server's
/// process, however it comes, is the event `gone`.
#[derive(Debug)]
pub struct Reports {
    address: String,
    state: watch::Receiver<State>,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Value>,
    servers: Vec<std::sync::Arc<tokio::sync::Mutex<OwnedWriteHalf>>>,
}

impl Reports {
    /// Begins to listen.
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let (sender, state) = watch::channel(State::default());
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(follow(connection, sender.clone()));
            }
        });
        Self { address, state }
    }

    /// For the server's `--report`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The `count`th event of a kind, counted from 1.
    pub async fn nth(&self, event: &str, count: usize) -> Value {
        let mut state = self.state.clone();
        let wait = state.wait_for(|state| state.of(event).count() >= count);
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(Ok(state)) => state.of(event).nth(count - 1).cloned().expect("the event"),
            _ => panic!("no {count}. `{event}`; there were {:#?}", self.events()),
        }
    }

    /// How many events of a kind there were.
    pub fn count(&self, event: &str) -> usize {
        self.state.borrow().of(event).count()
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Value> {
        self.state.borrow().events.clone()
    }

    /// Lets all waiting calls of all servers go on, now and from now on.
    pub async fn release(&self) {
        let servers = self.state.borrow().servers.clone();
        for server in servers {
            // One that is gone has nothing to release.
            let _ = server.lock().await.write_all(b"release\n").await;
        }
    }
}

impl State {
    fn of<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |found| found["event"] == event)
    }
}

async fn follow(connection: TcpStream, sender: watch::Sender<State>) {
    let (reader, writer) = connection.into_split();
    sender.send_modify(|state| state.servers.push(std::sync::Arc::new(tokio::sync::Mutex::new(writer))));
    let mut lines = BufReader::new(reader).lines();
    let mut last = Value::Null;
    while let Ok(Some(line)) = lines.next_line().await {
        last = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "event": "malformed", "line": line }));
        let event = last.clone();
        sender.send_modify(|state| state.events.push(event));
    }
    let gone = json!({ "event": "gone", "name": last["name"], "pid": last["pid"] });
    sender.send_modify(|state| state.events.push(gone));
}
