//! What came back, as text.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// All that answers one request, byte for byte.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The HTTP status; 0 on stdio.
    pub status: u16,
    /// The HTTP headers, with names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The JSON-RPC messages, in order; the answer is the last.
    pub messages: Vec<String>,
    /// The body as it came.
    pub body: String,
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Answer {
    /// The last message.
    pub fn last(&self) -> Value {
        let last = self.messages.last().unwrap_or_else(|| panic!("no message in {self:#?}"));
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {last}"))
    }

    /// The text of the `result`.
    pub fn result_text(&self) -> String {
        self.part(|parts| parts.result)
    }

    /// The text of the `error`.
    pub fn error_text(&self) -> String {
        self.part(|parts| parts.error)
    }

    fn part<'a>(&'a self, select: impl Fn(Parts<'a>) -> Option<&'a RawValue>) -> String {
        let last = self.messages.last().unwrap_or_else(|| panic!("no message in {self:#?}"));
        let parts = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {last}"));
        select(parts).unwrap_or_else(|| panic!("another kind of answer: {self:#?}")).get().to_owned()
    }

    /// The `result`.
    pub fn result(&self) -> Value {
        serde_json::from_str(&self.result_text()).expect("JSON")
    }

    /// The `error`.
    pub fn error(&self) -> Value {
        serde_json::from_str(&self.error_text()).expect("JSON")
    }

    /// The text of the first content block of a tool's result.
    pub fn text(&self) -> String {
        let text = self.result()["content"][0]["text"].as_str().map(str::to_owned);
        text.unwrap_or_else(|| panic!("no text in {self:#?}"))
    }

    /// The notifications of one method that came before the answer.
    pub fn notifications(&self, method: &str) -> Vec<Value> {
        let parsed = self.messages.iter().filter_map(|message| serde_json::from_str::<Value>(message).ok());
        parsed.filter(|message| message["method"] == method).collect()
    }

    /// The names of a list's members.
    pub fn names(&self, list: &str) -> Vec<String> {
        let members = self.result()[list].as_array().cloned().unwrap_or_default();
        members.iter().filter_map(|member| member["name"].as_str()).map(str::to_owned).collect()
    }
}

/// The numbers of a JSON text as they are written, in order. `serde_json` holds `1e2` and `100.0` for the same.
pub fn numbers(text: &str) -> Vec<String> {
    let mut numbers = Vec::new();
    let mut current = String::new();
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars().chain([' ']) {
        if in_string {
            (in_string, escaped) = (escaped || c != '"', c == '\\' && !escaped);
        } else if c.is_ascii_digit() || "+-.eE".contains(c) && (!current.is_empty() || c == '-') {
            current.push(c);
        } else {
            in_string = c == '"';
            if !current.is_empty() {
                numbers.push(std::mem::take(&mut current));
            }
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_spelling() {
        let text = r#"{"a":1.0,"1":"2\"3\\","b":[1e2,-0.5E-7,true,false,null,"\\"],"c":12}"#;
        assert_eq!(numbers(text), ["1.0", "1e2", "-0.5E-7", "12"]);
    }
}
