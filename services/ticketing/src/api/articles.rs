//! `/api/v1/tickets/{id}/articles`.

use actix_web::{get, post, web::Data};
use http::{Allowed, Created, IdempotencyHeader, Idempotent, Path, Query, may, ok};
use store::Tx;
use uuid::Uuid;

use super::{
    tickets::PartQuery,
    views::{ArticlePage, ArticleView, TicketView, WrittenView},
};
use crate::app::{
    App, read_ticket,
    write_article::{self, NewArticle},
};

/// Says something. The first public answer by a member of staff fulfils the first-response timer;
/// an answer of a partner system or the suite never does. `then_status: pending` pauses the ticket
/// after the answer has counted. What the customer says on a resolved ticket reopens it within the
/// kind's business days, later it opens a linked follow-up.
#[utoipa::path(tag = "articles", security(("bearer" = ["ticket:write"])),
    params(("id" = Uuid, Path), IdempotencyHeader), request_body = NewArticle,
    responses((status = 201, description = "The article and its ticket; the ETag is the ticket's.", body = WrittenView)))]
#[post("/api/v1/tickets/{id}/articles")]
pub async fn add_article(
    app: Data<App>,
    caller: Allowed<may::TicketWrite>,
    id: Path<Uuid>,
    input: Idempotent<NewArticle>,
) -> http::Result {
    let ctx = caller.context();
    let work = async |tx: &Tx, body| {
        let written = write_article::run(&app, tx, &ctx, id.0, body).await?;
        let location = format!("/api/v1/tickets/{}/articles", written.ticket.id);
        let version = Some(written.ticket.version);
        let article = ArticleView::of(written.article, &ctx.actor);
        let ticket = TicketView::of(written.ticket, &ctx.actor);
        Ok(Created {
            location,
            version,
            body: WrittenView { article, ticket, follow_up: written.follow_up },
        })
    };
    input.create(&app.db, &ctx, work).await
}

/// Everything that was said, oldest first.
///
/// A partner system does not see internal notes, except those that it wrote itself.
#[utoipa::path(tag = "articles", security(("bearer" = ["ticket:read"])),
    params(("id" = Uuid, Path), PartQuery),
    responses((status = 200, description = "One page.", body = ArticlePage)))]
#[get("/api/v1/tickets/{id}/articles")]
pub async fn list_articles(
    app: Data<App>,
    caller: Allowed<may::TicketRead>,
    id: Path<Uuid>,
    query: Query<PartQuery>,
) -> http::Result {
    let PartQuery { cursor, limit } = query.0;
    let page = read_ticket::articles(&app, &caller.context(), id.0, cursor, limit).await?;
    let items = page.items.into_iter().map(|a| ArticleView::of(a, caller.actor())).collect();
    Ok(ok(&ArticlePage { items, next_cursor: page.next_cursor }))
}
