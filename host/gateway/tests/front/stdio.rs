//! A client over byte streams.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use witgate_gateway::front::stdio::{StdioError, serve};

use crate::support::{World, initialize, soon, test};

pub(crate) struct Pipe {
    world: World,
    write: Option<WriteHalf<DuplexStream>>,
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<(), StdioError>>,
}

impl Pipe {
    pub(crate) fn open(tenant: &'static str, who: &str) -> Self {
        let world = World::new();
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (read, write) = tokio::io::split(ours);
        let (their_read, their_write) = tokio::io::split(theirs);
        let (stop, stopped) = oneshot::channel::<()>();
        let headers = vec![("authorization".into(), who.as_bytes().to_vec()), ("x-other".into(), b"secret".to_vec())];
        let gate = world.gate.clone();
        let serving = tokio::spawn(async move {
            serve(gate, tenant, their_read, their_write, headers, async {
                let _ = stopped.await;
            })
            .await
        });
        Self { world, write: Some(write), lines: BufReader::new(read).lines(), stop: Some(stop), serving }
    }

    async fn line(&mut self, line: &str) {
        self.bytes(line.as_bytes()).await;
    }

    /// A line of whatever bytes.
    pub(crate) async fn bytes(&mut self, line: &[u8]) {
        let write = self.write.as_mut().expect("open");
        soon(write.write_all(&[line, b"\n"].concat())).await.expect("it reads");
    }

    async fn send(&mut self, message: &Value) {
        self.line(&message.to_string()).await;
    }

    pub(crate) async fn next(&mut self) -> Value {
        let line = soon(self.lines.next_line()).await.expect("readable").expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    pub(crate) async fn ask(&mut self, message: &Value) -> Value {
        self.send(message).await;
        self.next().await
    }
}

fn request(id: i64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn modern(id: i64, method: &str, mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    request(id, method, &params)
}

#[tokio::test]
async fn both_eras_are_spoken_on_one_pipe() {
    let mut pipe = Pipe::open("mcp", "alice");
    let discovered = pipe.ask(&modern(1, "server/discover", json!({}))).await;
    assert_eq!(discovered["result"]["resultType"], "complete", "{discovered}");
    assert_eq!(pipe.ask(&request(2, "ping", &json!({}))).await["result"], json!({}));
    assert_eq!(pipe.ask(&modern(3, "initialize", json!({}))).await["error"]["code"], -32601);
    assert_eq!(pipe.ask(&request(3, "tools/list", &json!({}))).await["error"]["code"], -32600);
    assert_eq!(pipe.ask(&initialize("2025-06-18")).await["result"]["protocolVersion"], "2025-06-18");
    let list = pipe.ask(&request(4, "tools/list", &json!({}))).await;
    assert_eq!((&list["result"]["tools"][0]["name"], list["result"].get("resultType")), (&json!("talk"), None));
    assert_eq!(pipe.ask(&modern(5, "tools/list", json!({}))).await["result"]["resultType"], "complete");
}

#[tokio::test]
async fn what_a_client_writes_before_it_reads_is_taken_in_its_order() {
    let mut pipe = Pipe::open("mcp", "alice");
    let all = [
        initialize("2025-11-25").to_string(),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string(),
        request(1, "tools/list", &json!({})).to_string(),
    ];
    let write = pipe.write.as_mut().expect("open");
    // No line break at the end: the end of the input ends the line.
    write.write_all(all.join("\n").as_bytes()).await.expect("it reads");
    write.shutdown().await.expect("it ends");
    assert_eq!(pipe.next().await["id"], 0);
    assert_eq!(pipe.next().await["result"]["tools"][0]["name"], "talk");
    assert_eq!(soon(pipe.lines.next_line()).await.expect("readable"), None);
    soon(pipe.serving).await.expect("no panic").expect("no error");
}

#[tokio::test]
async fn refusals_have_their_codes_here_too() {
    let mut pipe = Pipe::open("mcp", "alice");
    let code = |message: Value| message["error"]["code"].as_i64().expect("a code");
    pipe.line("").await;
    pipe.line("{").await;
    let told = pipe.next().await;
    assert_eq!((told["error"]["code"].as_i64(), told.get("id")), (Some(-32700), None));
    pipe.line(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#).await;
    assert_eq!(code(pipe.next().await), -32600);
    for (what, want) in
        [("forbidden", -31403), ("invalid", -32602), ("exhausted", -31429), ("unavailable", -31503), ("trap", -31500)]
    {
        let told = pipe.ask(&modern(1, "server/discover", test(what))).await;
        assert_eq!((told["id"].as_i64(), code(told)), (Some(1), want));
    }
    assert_eq!(code(pipe.ask(&modern(1, "no/such", json!({}))).await), -32601);
    let mut future = modern(1, "tools/list", json!({}));
    future["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01".into();
    assert_eq!(code(pipe.ask(&future).await), -32022);
    assert_eq!(code(pipe.ask(&request(1, "server/discover", &json!({}))).await), -32602);
    let mut stranger = Pipe::open("mcp", "");
    assert_eq!(code(stranger.ask(&modern(1, "server/discover", json!({}))).await), -31401);
    let nowhere = Pipe::open("nowhere", "");
    let ended = soon(nowhere.serving).await.expect("no panic");
    assert!(matches!(ended, Err(StdioError::Tenant(name)) if name == "nowhere"));
}

#[tokio::test]
async fn requests_run_beside_each_other_and_notifications_come_between() {
    let mut pipe = Pipe::open("mcp", "alice");
    pipe.send(&modern(1, "server/discover", test("hold"))).await;
    pipe.world.held().await;
    assert_eq!(pipe.ask(&modern(1, "server/discover", json!({}))).await["error"]["code"], -32600, "the id is taken");
    let note = pipe.ask(&modern(2, "tools/call", json!({"name": "talk", "_meta": {"progressToken": 9}}))).await;
    assert_eq!((&note["method"], &note["params"]["progressToken"]), (&json!("notifications/progress"), &json!(9)));
    pipe.world.release_tool.notify_one();
    assert_eq!(pipe.next().await["id"], 2);
    pipe.world.strings.release.notify_one();
    assert_eq!(pipe.next().await["id"], 1);
}

#[tokio::test]
async fn both_eras_cancel_by_notification() {
    let mut pipe = Pipe::open("mcp", "alice");
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    pipe.send(&modern(1, "server/discover", test("hold"))).await;
    pipe.world.held().await;
    pipe.send(&cancel).await;
    assert_eq!(pipe.world.end().await, "dropped");
    pipe.ask(&initialize("2025-11-25")).await;
    pipe.send(&request(1, "ping", &test("hold"))).await;
    pipe.world.held().await;
    pipe.send(&cancel).await;
    assert_eq!(pipe.world.end().await, "dropped");
    assert_eq!(pipe.ask(&request(2, "ping", &json!({}))).await["id"], 2, "nothing was said of the others");
}

#[tokio::test]
async fn the_end_of_the_input_lets_what_is_under_way_end() {
    let mut pipe = Pipe::open("mcp", "alice");
    pipe.send(&modern(1, "server/discover", test("hold"))).await;
    pipe.world.held().await;
    pipe.write.take().expect("open").shutdown().await.expect("it ends");
    pipe.world.strings.release.notify_one();
    assert_eq!(pipe.next().await["id"], 1);
    soon(pipe.serving).await.expect("no panic").expect("no error");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_what_does_not_end() {
    let mut pipe = Pipe::open("mcp", "alice");
    pipe.send(&modern(1, "server/discover", test("hold"))).await;
    pipe.world.held().await;
    let begun = Instant::now();
    pipe.stop.take().expect("not stopped").send(()).expect("it serves");
    pipe.serving.await.expect("no panic").expect("no error");
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert_eq!(pipe.world.end().await, "dropped");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_client_that_has_ended() {
    let mut pipe = Pipe::open("mcp", "alice");
    pipe.send(&modern(1, "server/discover", test("hold"))).await;
    pipe.world.held().await;
    pipe.write.take().expect("open").shutdown().await.expect("it ends");
    let begun = Instant::now();
    // The clock moves on when all have seen the end.
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(!pipe.serving.is_finished());
    pipe.stop.take().expect("not stopped").send(()).expect("it serves");
    pipe.serving.await.expect("no panic").expect("no error");
    assert_eq!(begun.elapsed().as_secs(), 7);
    assert_eq!(pipe.world.end().await, "dropped");
}

#[tokio::test]
async fn a_batch_is_taken_where_the_revision_has_them() {
    let mut pipe = Pipe::open("mcp", "alice");
    let ping = |id: i64| request(id, "ping", &json!({}));
    assert_eq!(pipe.ask(&json!([ping(1)])).await["error"]["code"], -32600, "no revision was agreed on");
    pipe.ask(&initialize("2025-03-26")).await;
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let answers = pipe.ask(&json!([ping(1), note, initialize("2025-03-26"), ping(2), 7])).await;
    let answers = answers.as_array().expect("a batch");
    assert_eq!(answers.len(), 4);
    for id in [1, 2] {
        assert!(answers.iter().any(|answer| answer["id"] == id && answer["result"] == json!({})), "{answers:?}");
    }
    assert!(answers.iter().any(|answer| answer["id"] == 0 && answer["error"]["code"] == -32600), "{answers:?}");
    pipe.send(&json!([note])).await;
    assert_eq!(pipe.ask(&json!([])).await["error"]["code"], -32600, "nothing was said of the one before");
    pipe.ask(&initialize("2025-11-25")).await;
    assert_eq!(pipe.ask(&json!([ping(1)])).await["error"]["code"], -32600);
}

#[tokio::test]
async fn names_that_differ_only_in_case_are_turned_away_here_too() {
    let mut pipe = Pipe::open("mcp", "alice");
    let told = pipe.ask(&modern(1, "tools/call", json!({"name": "talk", "NAME": "other"}))).await;
    assert_eq!((&told["id"], &told["error"]["code"]), (&json!(1), &json!(-32602)));
    let record = pipe.world.records.turned_away();
    assert_eq!((record.peer.as_str(), record.tenant.as_deref(), record.status), ("stdio", Some("mcp"), None));
}

#[tokio::test]
async fn a_large_result_is_one_line() {
    let mut pipe = Pipe::open("mcp", "alice");
    let size = 10 << 20;
    let params = json!({"name": "talk", "arguments": {"size": size, "notes": 0}});
    let answer = pipe.ask(&modern(1, "tools/call", params)).await;
    assert_eq!(answer["result"]["content"][0]["text"].as_str().map(str::len), Some(size));
}

#[tokio::test]
async fn a_question_and_its_answer_cross_the_pipe() {
    let mut pipe = Pipe::open("mcp", "alice");
    let mut hello = initialize("2025-11-25");
    hello["params"]["capabilities"] = json!({"elicitation": {}});
    pipe.ask(&hello).await;
    pipe.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    let params = json!({"name": "talk", "arguments": {"ask": true, "notes": 0}});
    let question = pipe.ask(&request(1, "tools/call", &params)).await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}});
    let done = pipe.ask(&answer).await;
    assert_eq!(done["result"]["structuredContent"]["result"]["action"], "decline", "{done}");
}
