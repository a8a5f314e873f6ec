//! What the network would answer, as a case writes it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use witgate_sandbox::Script;
use witgate_sandbox::http::{HeaderValue, Request, Response};

/// A request, and what answers it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    pub(super) request: Wanted,
    /// `null` breaks the connection off.
    response: Option<Answer>,
}

/// A request that is expected. What it does not say is not compared.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(default = "ok")]
    status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    body: String,
}

fn get() -> String {
    "GET".to_owned()
}

fn ok() -> u16 {
    200
}

/// The answers that are left, and the requests that had none.
pub(super) struct Answers {
    pub(super) left: Mutex<Vec<Exchange>>,
    /// Whether each is given as often as it is asked for, not once.
    pub(super) again: bool,
    pub(super) unanswered: Mutex<Vec<String>>,
}

impl Wanted {
    /// Scheme, host and port.
    pub(super) fn origin(&self) -> Result<String, String> {
        let parts = self.url.split_once("://").map(|(scheme, rest)| (scheme, rest.split(['/', '?']).next()));
        match parts {
            Some((scheme, Some(authority))) => Ok(format!("{scheme}://{authority}")),
            _ => Err(format!("`host.network`: `{}` is no URL", self.url)),
        }
    }

    fn is(&self, url: &str, request: &Request<Bytes>) -> bool {
        let header = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
        self.method == request.method().as_str()
            && self.url == url
            && self.headers.iter().all(|(name, value)| header(name) == Some(value.as_bytes()))
            && self.body.as_ref().is_none_or(|body| body.as_bytes() == request.body())
    }
}

impl Answers {
    /// The requests that the case has no answer for.
    pub(super) fn unanswered(&self) -> Vec<String> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Script for Answers {
    fn answer(&self, origin: &str, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let url = format!("{origin}{}", request.uri());
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = left.iter().position(|exchange| exchange.request.is(&url, request)) else {
            let mut unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
            unanswered.push(format!("{} {url}", request.method()));
            return None;
        };
        let answer = if self.again { left[at].response.clone()? } else { left.remove(at).response? };
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        response.body(answer.body.into()).ok()
    }
}
