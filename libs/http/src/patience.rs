//! How long a request's body may take. A caller that sends a byte now and then would hold a
//! connection, and what a handler has ready for it, for ever.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpMessage,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    web::Bytes,
};
use futures::{FutureExt, Stream};
use kernel::{Problem, codes};
use tokio::time::{Instant, Sleep};

use crate::messages;

/// A body must come within `limit`, and a second more for each `bytes_per_sec` that have come:
/// large files have their time, and whoever dawdles has not. Registered as app data; 30 s and
/// 32 KiB/s where it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyPatience {
    pub limit: Duration,
    pub bytes_per_sec: u64,
}

impl Default for BodyPatience {
    fn default() -> Self {
        Self { limit: Duration::from_secs(30), bytes_per_sec: 32 << 10 }
    }
}

impl BodyPatience {
    fn for_bytes(&self, received: u64) -> Duration {
        self.limit + Duration::from_millis(received * 1_000 / self.bytes_per_sec.max(1))
    }
}

/// The body that actix reads, shared by who handles the request and by its answer.
type Source = Rc<RefCell<Option<Payload>>>;

/// The body with its patience.
struct Timed {
    source: Source,
    patience: BodyPatience,
    started: Instant,
    received: u64,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    fn end(&self) -> Instant {
        self.started + self.patience.for_bytes(self.received)
    }
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = match self.source.borrow_mut().as_mut() {
            Some(payload) => Pin::new(payload).poll_next(cx),
            None => return Poll::Ready(None),
        };
        match polled {
            Poll::Ready(Some(Ok(chunk))) => {
                self.received += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                let late = Instant::now() >= self.end();
                Poll::Ready(Some(if late { Err(timed_out()) } else { Ok(chunk) }))
            }
            Poll::Ready(end) => {
                self.source.borrow_mut().take();
                Poll::Ready(end)
            }
            Poll::Pending => {
                let end = self.end();
                let alarm =
                    self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
                if alarm.deadline() != end {
                    alarm.as_mut().reset(end);
                }
                alarm.poll_unpin(cx).map(|()| Some(Err(timed_out())))
            }
        }
    }
}

fn timed_out() -> PayloadError {
    PayloadError::Io(io::Error::new(io::ErrorKind::TimedOut, "the body took too long"))
}

/// What became of a body that could not be read.
pub(crate) fn unreadable(e: PayloadError) -> Problem {
    match &e {
        PayloadError::Io(cause) if cause.kind() == io::ErrorKind::TimedOut => {
            Problem::of(&codes::REQUEST_TIMEOUT)
        }
        _ => Problem::of(&codes::MALFORMED_BODY).detail(messages::body_broken_off()).cause(e),
    }
}

/// Puts patience into the request; the answer is to be given what this gives.
pub(crate) fn limit(req: &mut ServiceRequest) -> Unread {
    let payload = req.take_payload();
    if matches!(payload, Payload::None) {
        return Unread(Rc::default());
    }
    let patience = req.app_data::<BodyPatience>().copied().unwrap_or_default();
    let source: Source = Rc::new(RefCell::new(Some(payload)));
    let timed = Timed {
        source: source.clone(),
        patience,
        started: Instant::now(),
        received: 0,
        alarm: None,
    };
    req.set_payload(Payload::Stream { payload: Box::pin(timed) });
    Unread(source)
}

/// What is left of a request's body. actix closes a connection after the answer while somebody
/// holds an unfinished body; of one that nobody holds it would wait for the end, without any limit.
pub(crate) struct Unread(Source);

impl Unread {
    pub(crate) fn kept_by(self, body: BoxBody) -> BoxBody {
        if self.0.borrow().is_none() { body } else { BoxBody::new(Holding { body, _unread: self }) }
    }
}

/// An answer's body that holds the request's.
struct Holding {
    body: BoxBody,
    _unread: Unread,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
