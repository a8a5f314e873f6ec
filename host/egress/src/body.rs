use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};

use crate::client::Trip;
use crate::error::EgressError;
use crate::exchange::{Driver, told};

/// A response's body as it comes. Dropping it closes the connection.
#[derive(Debug)]
pub struct ResponseBody {
    incoming: Incoming,
    trip: Trip,
    /// From when it was asked for a piece that was not there.
    waiting: Option<Pin<Box<Sleep>>>,
    driver: Option<Driver>,
}

impl ResponseBody {
    pub(crate) fn new(incoming: Incoming, driver: Driver, trip: Trip) -> Self {
        Self { incoming, trip, waiting: None, driver: Some(driver) }
    }

    fn end(&mut self, error: EgressError) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        self.driver = None;
        self.trip.tell(&error);
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = EgressError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        if self.driver.is_none() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.waiting = None;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(e))) => {
                let error = told(&e, &self.trip);
                self.end(error)
            }
            Poll::Ready(None) => {
                self.driver = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let patience = self.trip.timeouts.between_bytes;
                let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
                match waiting.as_mut().poll(cx) {
                    Poll::Ready(()) => self.end(EgressError::BodyTimeout(patience.as_millis())),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.driver.is_none() || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
