//! A gate is measured once it was seen to do what its configuration is named after.

use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::configuration::{KEY, Plugin};
use crate::load::exchange;
use crate::setting::Setting;
use crate::wire::{Era, Request, Sender};

/// Sees each plugin do what it is there for.
pub(crate) fn prove(setting: &Setting, address: SocketAddr) -> Result<()> {
    // Sessions differ in the handshake, and have no plugins here.
    if setting.client == Era::Legacy || setting.tools != ["echo"] {
        return Ok(());
    }
    let name = &setting.name;
    let path = setting.paths.first().context("an endpoint")?;
    let key = setting.has(Plugin::Auth).then_some(KEY);
    let sender = Sender { era: setting.client, path, key, session: None };
    if setting.has(Plugin::Auth) {
        let (head, _) = ask(address, Request::call(Sender { key: None, ..sender }, "echo"))?;
        ensure!(head.contains(" 401 "), "{name}: a stranger was let in: {head}");
    }
    if setting.has(Plugin::Schema) {
        let wrong = json!({ "name": "echo", "arguments": { "text": 7 } });
        let (_, body) = ask(address, Request::new(sender, "tools/call", wrong))?;
        ensure!(body.contains(r#""isError":true"#), "{name}: wrong arguments went in: {body}");
    }
    let (_, body) = ask(address, Request::call(sender, "echo_secret"))?;
    ensure!(body.contains("password"), "{name}: no result: {body}");
    ensure!(body.contains("hunter2") != setting.has(Plugin::Redact), "{name}: redaction: {body}");
    Ok(())
}

/// One request on a connection of its own: head and body of the answer.
pub(crate) fn ask(address: SocketAddr, mut request: Request) -> Result<(String, String)> {
    let stream = TcpStream::connect(address)?;
    let (head, body) = exchange(&stream, &mut Vec::new(), request.numbered(0).0)?;
    Ok((String::from_utf8(head)?, String::from_utf8(body)?))
}
