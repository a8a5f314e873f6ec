//! HTTP responses, made in one place.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::Either;
use witgate_policy::{Kind, Revision, Sanitized};

use super::events::Events;
use crate::wire::encode::Line;
use crate::wire::{Denial, Reject, RequestId, code, encode};

/// What is known already, or a stream of events, which is boxed since most answers are none and each is handed on a few
/// times.
pub(super) type Body = Either<Pieces, Box<Events>>;

/// A body in pieces, none of which is copied.
#[derive(Default)]
pub(super) struct Pieces(VecDeque<Bytes>);

impl FromIterator<Line> for Pieces {
    fn from_iter<I: IntoIterator<Item = Line>>(lines: I) -> Self {
        Self(lines.into_iter().flat_map(Line::pieces).filter(|piece| !piece.is_empty()).collect())
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// No body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    with(status, Either::Left(Pieces::default()))
}

/// One JSON object.
pub(super) fn json(status: StatusCode, message: impl Into<Line>) -> Response<Body> {
    let mut response = with(status, Either::Left(Pieces::from_iter([message.into()])));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// Events that are known already.
pub(super) fn events(messages: Vec<Line>) -> Response<Body> {
    streamed(Either::Left(messages.into_iter().map(|message| encode::event(message, None)).collect()))
}

/// Events as they come.
pub(super) fn stream(events: Events) -> Response<Body> {
    streamed(Either::Right(Box::new(events)))
}

/// What the front turns away.
pub(super) fn reject(id: Option<&RequestId>, reject: &Reject) -> Response<Body> {
    let mut response = json(reject.status(), encode::error(id, &reject.error()));
    if reject.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST, DELETE"));
    }
    response
}

/// What a plugin or the tenant turns away.
pub(super) fn denial(id: Option<&RequestId>, denial: &Denial) -> Response<Body> {
    let mut response = json(denial.status(), denial.encode(id));
    response.headers_mut().extend(denial.headers().clone());
    response
}

/// The status of a server's answer: a modern client learns from it what happened, a legacy one only from the message
/// (2026-07-28, streamable HTTP, protocol version header and server validation).
pub(super) fn status(answer: &Sanitized, revision: Revision) -> StatusCode {
    if answer.kind() != Kind::Error || !revision.is_modern() {
        return StatusCode::OK;
    }
    match answer.payload().read("/code") {
        Some(code::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Some(-32022..=-32020) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

fn streamed(body: Body) -> Response<Body> {
    let mut response = with(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Reverse proxies would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn with(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
