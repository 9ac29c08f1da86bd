//! `/api/v1/inbox/stream`: server-sent events. The id of an event is the item's number, so a
//! client that comes back with `Last-Event-ID` misses nothing and gets nothing twice.

use std::time::{Duration, Instant};

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header,
    web::{Bytes, Data},
};
use futures::stream::{self, Stream};
use http::{Allowed, may};
use kernel::{Problem, codes};
use tokio::sync::watch;

use crate::{
    App,
    app::inbox::{InboxItem, owner},
    messages,
    store::inbox::{self, Owner},
};

/// Items of one look.
const BATCH: u64 = 100;
/// After a signal the item's transaction may still be about to commit: looks in quick succession.
const QUICK: u32 = 4;
const QUICK_PAUSE: Duration = Duration::from_millis(15);

/// New items of the caller's inbox as they come.
///
/// `event: item`, `id` its number, `data` the item as JSON. Begins after `Last-Event-ID`, without
/// one with what is new from now on. A caller who does not accept `text/event-stream` gets what is
/// there and the end of the stream instead of waiting for more.
#[utoipa::path(tag = "inbox", security(("bearer" = ["inbox:read"])),
    params(("Last-Event-ID" = Option<i64>, Header, description = "Number of the last item seen.", minimum = 0, nullable = false)),
    responses((status = 200, description = "The stream.", body = String, content_type = "text/event-stream")))]
#[get("/api/v1/inbox/stream")]
pub async fn stream_inbox(
    app: Data<App>,
    caller: Allowed<may::InboxRead>,
    request: HttpRequest,
) -> http::Result {
    let owner = owner(&caller.context());
    let last = match last_event_id(&request)? {
        Some(seq) => seq,
        None => inbox::last_seq(&app.db, &owner).await?,
    };
    let waits = accepts_events(&request);
    let drain = request.app_data::<Data<http::Edge>>().map(|edge| edge.drain.clone());
    let reader = Reader { drain, ..Reader::new(&app, owner, last, waits) };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Proxies must not collect what is meant to arrive now.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(chunks(reader)))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else { return Ok(None) };
    let seq = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok());
    seq.filter(|seq| *seq >= 0)
        .map(Some)
        .ok_or_else(|| Problem::of(&codes::INVALID_HEADER).detail(messages::last_event_id_form()))
}

fn accepts_events(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

struct Reader {
    app: App,
    owner: Owner,
    last: i64,
    waits: bool,
    began: Instant,
    heard: Instant,
    signal: watch::Receiver<u64>,
    greeted: bool,
    /// Streams end when the process is about to, so that clients move on and nothing is waited for.
    drain: Option<http::Drain>,
}

impl Reader {
    fn new(app: &App, owner: Owner, last: i64, waits: bool) -> Self {
        let signal = app.inbox_signal.subscribe();
        let now = Instant::now();
        let app = app.clone();
        Self {
            app,
            owner,
            last,
            waits,
            began: now,
            heard: now,
            signal,
            greeted: false,
            drain: None,
        }
    }

    /// The next bytes for the client; `None`: the end.
    async fn next(&mut self) -> Option<Bytes> {
        let settings = self.app.settings.inbox.clone();
        if !self.greeted {
            self.greeted = true;
            // Milliseconds after which a client that lost the connection comes back.
            return Some(Bytes::from_static(b"retry: 2000\n\n"));
        }
        let mut quick = 0;
        loop {
            if let Some(items) = self.look().await? {
                self.heard = Instant::now();
                return Some(items);
            }
            let leaving = self.drain.as_ref().is_some_and(|drain| !drain.is_ready());
            let over = self.began.elapsed() > Duration::from_secs(settings.stream_secs);
            if !self.waits || leaving || over {
                return None;
            }
            if self.heard.elapsed() > Duration::from_secs(settings.heartbeat_secs) {
                self.heard = Instant::now();
                return Some(Bytes::from_static(b": still here\n\n"));
            }
            if quick > 0 {
                quick -= 1;
                tokio::time::sleep(QUICK_PAUSE).await;
                continue;
            }
            let rest =
                Duration::from_secs(settings.stream_secs).saturating_sub(self.began.elapsed());
            let pause = Duration::from_millis(settings.poll_ms).min(rest + QUICK_PAUSE);
            tokio::select! {
                changed = self.signal.changed() => {
                    // The sender lives as long as the application.
                    if changed.is_err() {
                        return None;
                    }
                    quick = QUICK;
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Items that came since the last look. `None` ends the stream: the client comes back.
    async fn look(&mut self) -> Option<Option<Bytes>> {
        let rows = match inbox::after(&self.app.db, &self.owner, self.last, BATCH).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "an inbox stream ends early");
                return None;
            }
        };
        let mut text = String::new();
        for row in rows {
            self.last = row.seq;
            match serde_json::to_string(&InboxItem::from(row)) {
                Ok(json) => {
                    text.push_str(&format!("event: item\nid: {}\ndata: {json}\n\n", self.last));
                }
                Err(error) => tracing::error!(%error, "an inbox item is no JSON"),
            }
        }
        Some((!text.is_empty()).then(|| Bytes::from(text)))
    }
}

fn chunks(reader: Reader) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    stream::unfold(reader, async |mut reader| {
        let bytes = reader.next().await?;
        Some((Ok(bytes), reader))
    })
}
