//! Reloads, ends and lost connections while streams are open and questions wait for answers.

use serde_json::{Value, json};
use witgate_tests::echo::http::Server;
use witgate_tests::gate::Gate;
use witgate_tests::http::Connection;
use witgate_tests::wire::Era;
use witgate_tests::{patiently, settings};

use crate::caller::Caller;

fn asked() -> Value {
    json!({ "elicitation": { "form": {} } })
}

fn accepted() -> Value {
    json!({ "action": "accept", "content": { "name": "Ada" } })
}

fn configuration(server: &Server) -> String {
    format!("anonymous = true\n{}", settings::remote("echo", server.url()))
}

/// The next message of a stream.
async fn next(connection: &mut Connection, what: &str) -> Value {
    let event = patiently(what, connection.event()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    serde_json::from_str(&event.unwrap_or_else(|| panic!("{what}: the stream ended"))).expect("JSON")
}

/// The answer to a call that may ask; a modern client answers in rounds.
async fn in_rounds(caller: &Caller, arguments: &Value, between: impl AsyncFn()) -> Value {
    let mut connection = caller.connect().await.expect("a connection");
    let mut params = json!({ "name": "ask", "arguments": arguments });
    for round in 1.. {
        caller
            .request(&mut connection, &round.to_string(), "tools/call", &params.to_string())
            .await
            .expect("a request");
        let (_, messages) = patiently("a round", connection.messages()).await.expect("an answer");
        let result = messages.last().expect("an answer")["result"].clone();
        if result["resultType"] != "input_required" {
            return messages.last().expect("an answer").clone();
        }
        between().await;
        let requests = result["inputRequests"].as_object().expect("requests").keys();
        params["inputResponses"] = requests.map(|key| (key.clone(), accepted())).collect();
        params["requestState"] = result["requestState"].clone();
    }
    unreachable!("rounds without end")
}

#[tokio::test]
async fn a_thousand_questions_are_bounded() {
    let server = Server::start("echo", Era::Legacy).await;
    let gate = Gate::start(&configuration(&server)).await;
    let arguments = json!({ "count": 1000 });
    let check = |answer: &Value| {
        let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let words: Vec<_> = text.split(' ').collect();
        let number = |at: usize| words[at].parse::<usize>().expect("a number");
        assert!(number(0) > 0 && number(0) + number(2) == 1000, "{text}");
    };
    let modern = Caller::able(gate.url(), Era::Modern, asked()).await;
    // So many rounds a call does not have; questions that come faster than they are passed on are answered by the gate.
    let answer = in_rounds(&modern, &arguments, async || ()).await;
    match answer["error"]["message"].as_str() {
        Some(text) => assert!(text.contains("as often as"), "{answer}"),
        None => check(&answer),
    }

    let legacy = Caller::able(gate.url(), Era::Legacy, asked()).await;
    let mut connection = legacy.connect().await.expect("a connection");
    legacy.call(&mut connection, "1", ("ask", &arguments), None).await.expect("a request");
    let head = patiently("a head", connection.head()).await.expect("a head");
    assert!(head.is_stream(), "{head:?}");
    let answer = loop {
        let message = next(&mut connection, "a question or the answer").await;
        if message.get("method").is_none() {
            break message;
        }
        assert_eq!(legacy.answer(&message["id"], &accepted()).await.expect("a status"), 202);
    };
    check(&answer);
}

/// A held call, a listener and a standing stream live on under a new configuration.
#[tokio::test]
async fn a_reload_loses_no_question_and_no_stream() {
    for era in [Era::Legacy, Era::Modern] {
        let server = Server::start("echo", era).await;
        let gate = Gate::start(&configuration(&server)).await;
        let mut streams = Vec::new();
        for client in [Era::Legacy, Era::Modern] {
            let caller = Caller::new(gate.url(), client).await;
            let mut connection = caller.connect().await.expect("a connection");
            match client {
                Era::Legacy => caller.stand(&mut connection, None).await.expect("a request"),
                Era::Modern => caller.listen(&mut connection).await.expect("a request"),
            }
            let head = patiently("a head", connection.head()).await.expect("a head");
            assert!(head.is_stream(), "{client:?} {era:?}: {head:?}");
            streams.push((client, connection));
        }
        let reload = async || {
            let from = gate.process().lines();
            gate.reconfigure(&format!("deadline-ms = 50000\n{}", configuration(&server)));
            let swapped = |_, line: &str| line.contains("the new configuration serves").then_some(());
            gate.process().line("another configuration", from, swapped).await;
        };
        if era == Era::Legacy {
            let caller = Caller::able(gate.url(), Era::Modern, asked()).await;
            let answer = in_rounds(&caller, &json!({ "count": 1 }), reload).await;
            assert_eq!(answer["result"]["content"][0]["text"], "1 results, 0 errors", "{answer}");
        } else {
            reload().await;
        }
        let mut standing = server.stage().standing.subscribe();
        patiently("a stream of the gate's own", standing.wait_for(|count| *count > 0)).await.expect("a stage");
        for (client, mut connection) in streams {
            let what = format!("a change for a {client:?} client of a {era:?} server");
            server.stage().changes.send_modify(|changes| *changes += 1);
            while next(&mut connection, &what).await["method"] != "notifications/tools/list_changed" {}
        }
    }
}

/// A legacy client's disconnect is no cancel: it answers over another connection and comes back for the rest.
#[tokio::test]
async fn a_client_that_loses_its_connection_while_it_is_asked_comes_back() {
    let server = Server::start("echo", Era::Legacy).await;
    let gate = Gate::start(&configuration(&server)).await;
    let caller = Caller::able(gate.url(), Era::Legacy, asked()).await;
    let mut connection = caller.connect().await.expect("a connection");
    caller.call(&mut connection, "1", ("ask", &json!({ "count": 1 })), None).await.expect("a request");
    patiently("a head", connection.head()).await.expect("a head");
    let question = next(&mut connection, "a question").await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    let last = connection.last_id.clone().expect("an event's id");
    drop(connection);

    assert_eq!(caller.answer(&question["id"], &accepted()).await.expect("a status"), 202);
    let mut connection = caller.connect().await.expect("a connection");
    caller.stand(&mut connection, Some(&last)).await.expect("a request");
    patiently("a head", connection.head()).await.expect("a head");
    let answer = next(&mut connection, "the answer").await;
    assert_eq!(answer["id"], 1, "{answer}");
    assert_eq!(answer["result"]["content"][0]["text"], "1 results, 0 errors", "{answer}");
}

/// Nobody who has a stream open keeps the gate from ending.
#[tokio::test]
async fn the_gate_ends_with_streams_open() {
    let server = Server::start("echo", Era::Legacy).await;
    let gate = Gate::start(&format!("{}[server]\ndrain-s = 1\n", configuration(&server))).await;
    let mut open = Vec::new();
    for era in [Era::Legacy, Era::Modern] {
        let caller = Caller::able(gate.url(), era, asked()).await;
        let (mut stream, mut call) = (caller.connect().await.expect("one"), caller.connect().await.expect("another"));
        match era {
            Era::Legacy => caller.stand(&mut stream, None).await.expect("a request"),
            Era::Modern => caller.listen(&mut stream).await.expect("a request"),
        }
        patiently("a head", stream.head()).await.expect("a head");
        caller.call(&mut call, "2", ("parts", &json!({})), Some("2")).await.expect("a request");
        patiently("a head", call.head()).await.expect("a head");
        open.push((stream, call));
    }
    let (status, text) = gate.stop().await;
    assert!(status.success(), "{status}: {text}");
    for (mut stream, _) in open {
        // What is still said to the stream, and then its end.
        while let Ok(Some(_)) = patiently("the end of a stream", stream.event()).await {}
    }
}
