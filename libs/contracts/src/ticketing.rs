//! Events of ticketing (工单).

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Sealed, events};

pub const TOPIC: &str = "kefu.ticketing.events";

/// The ticket as it stands after the change that an event tells of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TicketSnapshot {
    pub ticket_id: Uuid,
    /// Human number, e.g. `T2026-000123`.
    pub number: String,
    pub org: String,
    /// `complaint`, `consultation`, `repair`, …
    pub kind: String,
    pub category: Option<String>,
    /// `low`, `normal`, `high`, `urgent`.
    pub priority: String,
    /// `new`, `open`, `pending`, `on_hold`, `resolved`, `closed`, `cancelled`.
    pub status: String,
    /// Of a complaint: `general` 一般, `major` 较大, `critical` 重大.
    pub complaint_level: Option<String>,
    pub subject: String,
    /// `api`, `web`, `email`, `phone`, `chat`, `counter`, `survey`, `import`.
    pub channel: String,
    pub locale: String,
    pub customer_id: Option<Uuid>,
    pub tier: Option<String>,
    pub account_manager: Option<String>,
    pub queue: Option<String>,
    /// 首问责任人: who took the matter first; never changes.
    pub first_responder: Option<String>,
    /// 办理人: who works on it now.
    pub handler: Option<String>,
    /// Ticket that this one follows up.
    pub parent_id: Option<Uuid>,
    /// What outside ticketing made it open.
    pub origin: Option<Origin>,
    pub opened_at: DateTime<Utc>,
    pub first_responded_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub reopen_count: i32,
    pub urge_count: i32,
    /// Whether any timer of the ticket has ever been breached.
    pub breached: bool,
    /// Resolution attained within its target; absent until resolved or without a timer.
    pub resolution_attained: Option<bool>,
    /// First response attained within its target; absent until answered or without a timer.
    pub response_attained: Option<bool>,
    pub version: i64,
    /// What the enterprise calls the kind and the category; absent where nothing is configured.
    #[serde(default)]
    pub kind_name: Option<Name>,
    #[serde(default)]
    pub category_name: Option<Name>,
    /// Until when the first answer and the resolution are promised; absent when given already,
    /// when the clock stands still and without a timer.
    #[serde(default)]
    pub first_response_due_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub resolution_due_at: Option<DateTime<Utc>>,
}

/// What an enterprise calls something that it configures, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Name {
    pub zh: String,
    pub en: String,
}

/// Reference to the thing of another service that caused a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// `survey_response`, `rectification`, …
    pub kind: String,
    pub id: Uuid,
}

macro_rules! ticket_event {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {
            pub ticket: TicketSnapshot,
            $($(#[$fdoc])* pub $field: $ty,)*
        }
    };
}

ticket_event! {
    /// A matter was taken.
    TicketOpened {}
}
ticket_event! {
    /// Something other than status or handler changed: subject, kind, category, priority, complaint
    /// level, customer, locale, tier, account manager; queue and department with another kind.
    TicketChanged {
        fields: Vec<String>,
        /// Where `fields` names `customer_id`: whose ticket it was before.
        #[serde(default)]
        customer_before: Option<Uuid>,
    }
}
ticket_event! {
    /// The handler or the queue changed (claim, assign, transfer).
    TicketAssigned { from: Option<String>, to: Option<String>, reason: Option<String> }
}
ticket_event! {
    /// A public article was added.
    TicketReplied {
        article_id: Uuid,
        /// `inbound` (from the customer) or `outbound`.
        direction: String,
        author: String,
        /// Whether this answer fulfilled the first-response timer.
        first_response: bool,
        /// What was said; only of what is `outbound`.
        #[serde(default)]
        body: Option<Sealed>,
    }
}
ticket_event! {
    /// A change of status that is neither resolve, close nor reopen.
    TicketStatusChanged { from: String, to: String, reason: Option<String> }
}
ticket_event! {
    /// The customer asked again before it was done (催办); `ticket.urge_count` tells how often.
    TicketUrged { note: Option<String> }
}
ticket_event! {
    /// Time is running out: `percent` of the target has passed.
    TimerWarned { timer_id: Uuid, metric: String, percent: i32, due_at: DateTime<Utc> }
}
ticket_event! {
    /// A deadline has passed.
    TimerBreached { timer_id: Uuid, metric: String, due_at: DateTime<Utc> }
}
ticket_event! {
    /// The matter was raised to the next level.
    TicketEscalated {
        /// Timer that caused it; absent for urges and repeats.
        timer_id: Option<Uuid>,
        metric: Option<String>,
        /// 1, 2, 3, …
        level: i32,
        /// Role that is told: `supervisor`, `department_head`, `director`.
        target: String,
        due_at: Option<DateTime<Utc>>,
        reason: String,
    }
}
ticket_event! {
    /// Another department was asked (协办单).
    TaskOpened {
        task_id: Uuid,
        department: String,
        title: String,
        due_at: Option<DateTime<Utc>>,
        mandatory: bool,
        /// User id of the department's head, who answers for the task.
        #[serde(default)]
        head: Option<String>,
        /// What the enterprise calls the department.
        #[serde(default)]
        department_name: Option<Name>,
    }
}
ticket_event! {
    /// The other department finished or refused.
    TaskEnded {
        task_id: Uuid,
        department: String,
        /// `done`, `refused`, `cancelled`.
        outcome: String,
        on_time: Option<bool>,
    }
}
ticket_event! {
    /// The matter is done from our side.
    TicketResolved {
        /// The words in the clear, for readers that do not know `sealed_resolution` yet; a later
        /// release leaves them out.
        resolution: String,
        /// What was done, in the words that the customer is told.
        #[serde(default)]
        sealed_resolution: Option<Sealed>,
    }
}
ticket_event! {
    /// `reason`: `confirmed`, `auto`, `manual`.
    TicketClosed { reason: String }
}
ticket_event! {
    TicketReopened { reason: String }
}
ticket_event! {
    /// History taken over from another system: no notice, no survey follows from it.
    TicketImported { source: String }
}

events! { TOPIC, registry:
    TicketOpened = "kefu.ticket.opened.v1", key ticket.ticket_id, org ticket.org;
    TicketChanged = "kefu.ticket.changed.v1", key ticket.ticket_id, org ticket.org;
    TicketAssigned = "kefu.ticket.assigned.v1", key ticket.ticket_id, org ticket.org;
    TicketReplied = "kefu.ticket.replied.v1", key ticket.ticket_id, org ticket.org;
    TicketStatusChanged = "kefu.ticket.status_changed.v1", key ticket.ticket_id, org ticket.org;
    TicketUrged = "kefu.ticket.urged.v1", key ticket.ticket_id, org ticket.org;
    TimerWarned = "kefu.ticket.timer_warned.v1", key ticket.ticket_id, org ticket.org;
    TimerBreached = "kefu.ticket.timer_breached.v1", key ticket.ticket_id, org ticket.org;
    TicketEscalated = "kefu.ticket.escalated.v1", key ticket.ticket_id, org ticket.org;
    TaskOpened = "kefu.ticket.task_opened.v1", key ticket.ticket_id, org ticket.org;
    TaskEnded = "kefu.ticket.task_ended.v1", key ticket.ticket_id, org ticket.org;
    TicketResolved = "kefu.ticket.resolved.v1", key ticket.ticket_id, org ticket.org;
    TicketClosed = "kefu.ticket.closed.v1", key ticket.ticket_id, org ticket.org;
    TicketReopened = "kefu.ticket.reopened.v1", key ticket.ticket_id, org ticket.org;
    TicketImported = "kefu.ticket.imported.v1", key ticket.ticket_id, org ticket.org;
}
