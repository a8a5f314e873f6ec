//! What a right answer is: the first one is read as JSON, and all others are the same but for their id.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};
use memchr::memmem;
use serde_json::Value;

use super::Head;

/// What the answers to one request look like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    body: Vec<u8>,
    id: Range<usize>,
}

impl Answer {
    /// Holds an answer against the first one, or is given it.
    pub(crate) fn check(&mut self, head: &Head<'_>, body: &[u8], id: u32) -> Result<()> {
        self.differs(head, body, id).with_context(|| {
            let start = &body[..body.len().min(300)];
            format!("to request {id}: {}\n{}", head.first, String::from_utf8_lossy(start))
        })
    }

    fn differs(&mut self, head: &Head<'_>, body: &[u8], id: u32) -> Result<()> {
        ensure!(head.status() == 200, "an answer with another status");
        if self.body.is_empty() {
            self.learn(head, body, id)?;
        }
        ensure!(body.len() == self.body.len(), "an answer of {} bytes, the first had {}", body.len(), self.body.len());
        ensure!(body[self.id.clone()] == *id.to_string().as_bytes(), "an answer with another id");
        let is_same =
            body[..self.id.start] == self.body[..self.id.start] && body[self.id.end..] == self.body[self.id.end..];
        ensure!(is_same, "an answer that is not the first one");
        Ok(())
    }

    fn learn(&mut self, head: &Head<'_>, body: &[u8], id: u32) -> Result<()> {
        let kind = head.get("content-type").unwrap_or_default();
        ensure!(kind.starts_with("application/json"), "an answer of the type {kind:?}");
        let value: Value = serde_json::from_slice(body)?;
        ensure!(value["id"] == id, "an answer with another id");
        ensure!(value["result"].is_object(), "an answer without a result");
        ensure!(value["result"]["isError"] != true, "a tool's error");
        let key = memmem::find(body, format!(r#""id":{id}"#).as_bytes()).context("an answer with another spelling")?;
        let start = key + 5;
        self.id = start..start + id.to_string().len();
        self.body = body.to_vec();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Head};

    #[test]
    fn answers_are_the_first_one_with_another_id() {
        #[track_caller]
        fn check(answer: &mut Answer, status: u16, body: &str, id: u32) -> bool {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n\r\n");
            let head = Head::parse(head.as_bytes()).unwrap().unwrap();
            answer.check(&head, body.as_bytes(), id).is_ok()
        }
        let mut answer = Answer::default();
        assert!(!check(&mut answer, 200, r#"{"id":11,"error":{}}"#, 11));
        assert!(!check(&mut answer, 200, r#"{"id":11,"result":{"isError":true}}"#, 11));
        assert!(check(&mut answer, 200, r#"{"id":11,"result":{"a":1}}"#, 11));
        assert!(check(&mut answer, 200, r#"{"id":12,"result":{"a":1}}"#, 12));
        assert!(!check(&mut answer, 200, r#"{"id":12,"result":{"a":1}}"#, 13));
        assert!(!check(&mut answer, 200, r#"{"id":13,"result":{"a":2}}"#, 13));
        assert!(!check(&mut answer, 502, r#"{"id":13,"result":{"a":1}}"#, 13));
    }
}
