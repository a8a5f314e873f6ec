//! A legacy server's stream that broke off, taken up again behind the last event that came (`Last-Event-ID`): at once, or
//! after the pause that the server asked for, in the same session.
//!
//! A server may end a stream as often as it likes and be asked again, until the call's deadline; one that cannot be
//! reached, or says that it cannot go on, is given up soon.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use super::answer::{Body, Cancel, UNANSWERED};
use super::client::media_type;
use super::socket::Reading;
use super::sse::{Parser, Place};
use super::{Link, Session};
use crate::upstream::Failed;

/// Where the stream is to go on.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// When the server asked for no pause; it doubles with each attempt that fails.
const PAUSE: Duration = Duration::from_secs(1);
/// The least, so that a server that asks for none and ends each stream at once keeps nobody busy.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Attempts in a row that fail.
const ATTEMPTS: u32 = 5;

/// A stream that is being taken up again.
pub(super) type Resuming = BoxFuture<'static, Result<(Reading, Parser), Failed>>;

impl Place {
    /// Asks for what came behind this place.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        if let Some(id) = &self.id {
            headers.insert(LAST_EVENT_ID, id.clone());
        }
    }

    /// Before the stream is asked for again.
    pub(super) fn pause(&self, unasked: Duration) -> Duration {
        self.retry.unwrap_or(unasked).max(PAUSE_MIN)
    }
}

impl Body {
    /// The stream is over without the answer: it goes on where it can, else this is why the request failed.
    pub(super) fn resume(&mut self, link: &Arc<Link>, cancel: Option<&Cancel>, why: String) -> Result<(), Failed> {
        let Self::Events(_, parser) = std::mem::replace(self, Self::Done) else {
            return Err(Failed::no_reply(why));
        };
        let Some(cancel) = cancel.filter(|_| parser.place().id.is_some()) else {
            return Err(Failed::no_reply(why));
        };
        let (link, session, place) = (link.clone(), cancel.session.clone(), parser.place().clone());
        *self = Self::Resuming(async move { again(&link, &session, place).await }.boxed());
        Ok(())
    }
}

/// Asks until the stream is there.
async fn again(link: &Arc<Link>, session: &Session, place: Place) -> Result<(Reading, Parser), Failed> {
    let mut headers = session.headers();
    place.mark(&mut headers);
    let mut pause = place.pause(PAUSE);
    let mut failed = Failed::no_reply(UNANSWERED);
    for _ in 0..ATTEMPTS {
        tokio::time::sleep(pause).await;
        match link.client.send(Method::GET, headers.clone(), String::new()).await {
            Ok(response) if response.status().is_success() => {
                if media_type(response.headers()) != "text/event-stream" {
                    return Err(Failed::no_reply("the server did not go on with a stream that broke off"));
                }
                return Ok((response.into_body(), Parser::at(place, link.spec.limits.message.bytes)));
            }
            Ok(response) if response.status().is_client_error() => {
                if response.status() == StatusCode::NOT_FOUND && session.has_id() {
                    session.outlive();
                }
                let code = response.status().as_u16();
                return Err(Failed::no_reply(format!(
                    "the server answered with HTTP {code} when asked to go on with a stream that broke off"
                )));
            }
            Ok(response) => failed = Failed::no_reply(format!("the server answered with {}", response.status())),
            Err(error) => failed = error,
        }
        pause = pause.saturating_mul(2);
    }
    Err(unanswered(failed))
}

/// The request itself had been sent.
fn unanswered(failed: Failed) -> Failed {
    match failed.failure {
        witgate_policy::Failure::NotSent(why) => Failed::no_reply(format!("a stream that broke off: {why}")),
        _ => failed,
    }
}
