//! What the API shows of rows. Who inspects blind learns from none of them who of the staff worked on
//! a matter ([`Actor::may_know`]).

use chrono::{DateTime, Utc};
use kernel::{Actor, Problem};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::timers,
    store::{
        configs::PolicyVersion,
        entities::{article, history, task, ticket, timer, timer_pause},
    },
};

/// What outside ticketing made a ticket open.
#[derive(Debug, Serialize, ToSchema)]
pub struct OriginView {
    /// `survey_response`, …
    pub kind: String,
    pub id: Uuid,
}

/// Where an imported ticket comes from.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportView {
    pub source: String,
    /// Its number there.
    pub number: String,
}

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketView {
    pub id: Uuid,
    /// Human number, e.g. `T2026-000123`.
    pub number: String,
    pub org: String,
    pub kind: String,
    pub category: Option<String>,
    /// `low`, `normal`, `high` or `urgent`.
    pub priority: String,
    /// `new`, `open`, `pending`, `on_hold`, `resolved`, `closed` or `cancelled`.
    pub status: String,
    /// For whom a pending ticket waits: `customer`, `vendor` or `other`.
    pub status_reason: Option<String>,
    pub complaint_level: Option<String>,
    pub subject: String,
    pub channel: String,
    pub locale: String,
    pub customer_id: Option<Uuid>,
    pub tier: Option<String>,
    pub account_manager: Option<String>,
    pub queue: Option<String>,
    pub department: Option<String>,
    /// 首问责任人: who took the matter first; never changes.
    pub first_responder: Option<String>,
    /// 办理人: who works on it now. This name, like those of `first_responder`, `account_manager` and
    /// `opened_by`, is withheld from whoever inspects blind.
    pub handler: Option<String>,
    /// Ticket that this one follows up.
    pub parent_id: Option<Uuid>,
    /// Earlier complaint that this one repeats.
    pub repeat_of: Option<Uuid>,
    pub origin: Option<OriginView>,
    pub external_ref: Option<String>,
    /// Named source of `external_ref`.
    pub external_source: Option<String>,
    pub import: Option<ImportView>,
    /// User or client; withheld like `handler`.
    pub opened_by: Option<String>,
    pub opened_at: DateTime<Utc>,
    pub first_responded_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    /// When it closes itself unless the customer objects.
    pub auto_close_at: Option<DateTime<Utc>>,
    pub resolution: Option<String>,
    pub reopen_count: i32,
    pub transfer_count: i32,
    pub urge_count: i32,
    /// 0, or the highest level that was told: 1 supervisor, 2 department head, 3 director.
    pub escalation_level: i32,
    /// Whether a timer has ever been breached.
    pub breached: bool,
    pub response_attained: Option<bool>,
    pub resolution_attained: Option<bool>,
    pub updated_at: DateTime<Utc>,
    /// Also the ETag.
    pub version: i64,
}

impl TicketView {
    /// The ticket as `actor` may see it.
    pub fn of(t: ticket::Model, actor: &Actor) -> Self {
        Self {
            id: t.id,
            number: t.number,
            org: t.org,
            kind: t.kind,
            category: t.category,
            priority: t.priority,
            status: t.status,
            status_reason: t.status_reason,
            complaint_level: t.complaint_level,
            subject: t.subject,
            channel: t.channel,
            locale: t.locale,
            customer_id: t.customer_id,
            tier: t.tier,
            account_manager: actor.may_know(t.account_manager),
            queue: t.queue,
            department: t.department,
            first_responder: actor.may_know(t.first_responder),
            handler: actor.may_know(t.handler),
            parent_id: t.parent_id,
            repeat_of: t.repeat_of,
            origin: t.origin_kind.zip(t.origin_id).map(|(kind, id)| OriginView { kind, id }),
            external_ref: t.external_ref,
            external_source: t.external_source,
            import: t
                .import_source
                .zip(t.import_number)
                .map(|(source, number)| ImportView { source, number }),
            opened_by: actor.may_know(Some(t.opened_by)),
            opened_at: t.opened_at,
            first_responded_at: t.first_responded_at,
            resolved_at: t.resolved_at,
            closed_at: t.closed_at,
            auto_close_at: t.auto_close_at,
            resolution: t.resolution,
            reopen_count: t.reopen_count,
            transfer_count: t.transfer_count,
            urge_count: t.urge_count,
            escalation_level: t.escalation_level,
            breached: t.breached,
            response_attained: t.response_attained,
            resolution_attained: t.resolution_attained,
            updated_at: t.updated_at,
            version: t.version,
        }
    }
}

/// Something that was said.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArticleView {
    pub id: Uuid,
    /// Ticket it stands in: a follow-up where the customer wrote too late.
    pub ticket_id: Uuid,
    /// `inbound`, `outbound` or `internal`.
    pub direction: String,
    /// Whether the customer sees it.
    pub public: bool,
    /// `user`, `client`, `customer` or `system`.
    pub author_kind: String,
    /// A member of staff is withheld from whoever inspects blind.
    pub author: Option<String>,
    pub channel: String,
    pub body: String,
    pub written_at: DateTime<Utc>,
}

impl ArticleView {
    /// The article as `actor` may see it.
    pub fn of(a: article::Model, actor: &Actor) -> Self {
        Self {
            id: a.id,
            ticket_id: a.ticket_id,
            direction: a.direction,
            public: a.public,
            author: acting(&a.author_kind, a.author, actor),
            author_kind: a.author_kind,
            channel: a.channel,
            body: a.body,
            written_at: a.written_at,
        }
    }
}

/// The article with what it did.
#[derive(Debug, Serialize, ToSchema)]
pub struct WrittenView {
    pub article: ArticleView,
    /// The ticket it stands in, as it is now.
    pub ticket: TicketView,
    /// Whether the customer wrote too late and `ticket` is a follow-up that was opened.
    pub follow_up: bool,
}

/// What another department was asked to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskView {
    pub id: Uuid,
    pub ticket_id: Uuid,
    pub department: String,
    pub title: String,
    pub body: Option<String>,
    pub mandatory: bool,
    /// `open`, `done`, `refused` or `cancelled`.
    pub state: String,
    pub due_at: Option<DateTime<Utc>>,
    pub opened_at: DateTime<Utc>,
    /// Withheld, like `ended_by`, from whoever inspects blind.
    pub opened_by: Option<String>,
    pub ended_at: Option<DateTime<Utc>>,
    pub ended_by: Option<String>,
    pub note: Option<String>,
}

impl TaskView {
    /// The task as `actor` may see it.
    pub fn of(t: task::Model, actor: &Actor) -> Self {
        Self {
            id: t.id,
            ticket_id: t.ticket_id,
            department: t.department,
            title: t.title,
            body: t.body,
            mandatory: t.mandatory,
            state: t.state,
            due_at: t.due_at,
            opened_at: t.opened_at,
            opened_by: actor.may_know(Some(t.opened_by)),
            ended_at: t.ended_at,
            ended_by: actor.may_know(t.ended_by),
            note: t.note,
        }
    }
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryView {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// `user`, `client`, `customer` or `system`.
    pub actor_kind: String,
    /// A member of staff is withheld from whoever inspects blind; so are the values of `handler`,
    /// `first_responder` and `account_manager`, and why they changed.
    pub actor: Option<String>,
    /// `api`, `system` or `import`.
    pub channel: String,
    /// A field of the ticket, or `opened`, `article.*`, `task.*`, `timer.*`, `repeat_of`.
    pub field: String,
    pub old: Option<String>,
    pub new: Option<String>,
    pub reason: Option<String>,
}

/// Fields of a ticket whose values are members of staff.
const STAFF: [&str; 3] = ["handler", "first_responder", "account_manager"];

/// Who acted; of the staff only whom `actor` may know.
fn acting(kind: &str, who: String, actor: &Actor) -> Option<String> {
    if kind == "user" { actor.may_know(Some(who)) } else { Some(who) }
}

impl HistoryView {
    /// The change as `actor` may see it.
    pub fn of(mut h: history::Model, actor: &Actor) -> Self {
        if STAFF.contains(&h.field.as_str()) {
            (h.old_value, h.new_value) = (actor.may_know(h.old_value), actor.may_know(h.new_value));
            h.reason = h.reason.filter(|_| !actor.inspects_blind());
        }
        Self {
            id: h.id,
            at: h.happened_at,
            actor: acting(&h.actor_kind, h.actor, actor),
            actor_kind: h.actor_kind,
            channel: h.channel,
            field: h.field,
            old: h.old_value,
            new: h.new_value,
            reason: h.reason,
        }
    }
}

/// A stretch in which a timer stood still.
#[derive(Debug, Serialize, ToSchema)]
pub struct PauseView {
    pub from: DateTime<Utc>,
    pub to: Option<DateTime<Utc>>,
    pub reason: Option<String>,
}

/// A timer.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimerView {
    pub id: Uuid,
    /// `first_response`, `resolution` or `task`.
    pub metric: String,
    /// Grows with each reopening.
    pub cycle: i32,
    pub task_id: Option<Uuid>,
    /// `running`, `paused`, `met`, `breached` or `cancelled`.
    pub state: String,
    /// The policy that gave target and calendar.
    pub policy: Option<String>,
    pub policy_version: Option<i64>,
    /// Every policy that has a part in target, warnings or levels, in the version that counts here.
    pub policies: Vec<PolicyVersion>,
    pub calendar: String,
    pub calendar_version: i64,
    /// Target in business seconds.
    pub target_seconds: f64,
    pub started_at: DateTime<Utc>,
    /// Null while a pause keeps the deadline open.
    pub due_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Steps that have fired, e.g. `warn:50`, `breach`, `escalate:1`.
    #[schema(value_type = Vec<String>)]
    pub fired: Value,
    pub next_fire_at: Option<DateTime<Utc>>,
    pub pauses: Vec<PauseView>,
}

impl TimerView {
    #[allow(clippy::cast_precision_loss, reason = "five years in microseconds fit")]
    pub(super) fn of(t: timer::Model, pauses: &[timer_pause::Model]) -> Result<Self, Problem> {
        let policies = timers::policies_of(&t)?;
        let pause = |p: &timer_pause::Model| PauseView {
            from: p.from_at,
            to: p.to_at,
            reason: p.reason.clone(),
        };
        Ok(Self {
            id: t.id,
            metric: t.metric,
            cycle: t.cycle,
            task_id: t.task_id,
            state: t.state,
            policy: t.policy,
            policy_version: t.policy_version,
            policies,
            calendar: t.calendar,
            calendar_version: t.calendar_version,
            target_seconds: t.target_us as f64 / 1_000_000.0,
            started_at: t.started_at,
            due_at: t.due_at,
            ended_at: t.ended_at,
            fired: t.fired,
            next_fire_at: t.next_fire_at,
            pauses: pauses.iter().filter(|p| p.timer_id == t.id).map(pause).collect(),
        })
    }
}

/// Pages and lists, named for the API document.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketPage {
    pub items: Vec<TicketView>,
    /// Give it back as `cursor` to read on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Only on request (`total=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryPage {
    pub items: Vec<HistoryView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ArticlePage {
    pub items: Vec<ArticleView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TimerList {
    pub items: Vec<TimerView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TaskList {
    pub items: Vec<TaskView>,
}
