//! What a use case wants the other services to hear, before it is known how the ticket ends up.

use chrono::{DateTime, Utc};
use contracts::{Sealed, ticketing as say};
use kernel::Context;
use sea_orm::DbErr;
use store::Tx;
use uuid::Uuid;

use super::snapshot::{self, Surroundings};
use crate::store::entities::ticket;

/// One event to be, without its snapshot.
#[derive(Debug, Clone)]
pub(super) enum Fact {
    Opened,
    Changed {
        fields: Vec<String>,
        customer_before: Option<Uuid>,
    },
    Assigned {
        from: Option<String>,
        to: Option<String>,
        reason: Option<String>,
    },
    Replied {
        article_id: Uuid,
        direction: String,
        author: String,
        first_response: bool,
        body: Option<Sealed>,
    },
    StatusChanged {
        from: String,
        to: String,
        reason: Option<String>,
    },
    Urged {
        note: Option<String>,
    },
    Warned {
        timer_id: Uuid,
        metric: String,
        percent: i32,
        due_at: DateTime<Utc>,
    },
    Breached {
        timer_id: Uuid,
        metric: String,
        due_at: DateTime<Utc>,
    },
    Escalated(Escalation),
    TaskOpened {
        task_id: Uuid,
        department: String,
        title: String,
        due_at: Option<DateTime<Utc>>,
        mandatory: bool,
        head: Option<String>,
    },
    TaskEnded {
        task_id: Uuid,
        department: String,
        outcome: String,
        on_time: Option<bool>,
    },
    Resolved {
        resolution: String,
        sealed_resolution: Option<Sealed>,
    },
    Closed {
        reason: String,
    },
    Reopened {
        reason: String,
    },
    Imported {
        source: String,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Escalation {
    pub timer_id: Option<Uuid>,
    pub metric: Option<String>,
    pub level: i32,
    pub target: String,
    pub due_at: Option<DateTime<Utc>>,
    pub reason: &'static str,
}

/// Writes the event with the ticket as it stands now.
pub(super) async fn emit(
    tx: &Tx,
    ctx: &Context,
    at: DateTime<Utc>,
    (ticket, around): (&ticket::Model, &Surroundings<'_>),
    fact: Fact,
) -> Result<(), DbErr> {
    let ticket = snapshot::of(ticket, around);
    macro_rules! tell {
        ($event:ident { $($field:ident),* }) => {
            events::emit(tx, ctx, at, &say::$event { ticket, $($field),* }).await
        };
    }
    let id = match fact {
        Fact::Opened => tell!(TicketOpened {}),
        Fact::Changed { fields, customer_before } => {
            tell!(TicketChanged { fields, customer_before })
        }
        Fact::Assigned { from, to, reason } => tell!(TicketAssigned { from, to, reason }),
        Fact::Replied { article_id, direction, author, first_response, body } => {
            tell!(TicketReplied { article_id, direction, author, first_response, body })
        }
        Fact::StatusChanged { from, to, reason } => tell!(TicketStatusChanged { from, to, reason }),
        Fact::Urged { note } => tell!(TicketUrged { note }),
        Fact::Warned { timer_id, metric, percent, due_at } => {
            tell!(TimerWarned { timer_id, metric, percent, due_at })
        }
        Fact::Breached { timer_id, metric, due_at } => {
            tell!(TimerBreached { timer_id, metric, due_at })
        }
        Fact::Escalated(Escalation { timer_id, metric, level, target, due_at, reason }) => {
            let reason = reason.to_owned();
            tell!(TicketEscalated { timer_id, metric, level, target, due_at, reason })
        }
        Fact::TaskOpened { task_id, department, title, due_at, mandatory, head } => {
            let department_name = around.department(&department);
            tell!(TaskOpened {
                task_id,
                department,
                title,
                due_at,
                mandatory,
                head,
                department_name
            })
        }
        Fact::TaskEnded { task_id, department, outcome, on_time } => {
            tell!(TaskEnded { task_id, department, outcome, on_time })
        }
        Fact::Resolved { resolution, sealed_resolution } => {
            tell!(TicketResolved { resolution, sealed_resolution })
        }
        Fact::Closed { reason } => tell!(TicketClosed { reason }),
        Fact::Reopened { reason } => tell!(TicketReopened { reason }),
        Fact::Imported { source } => tell!(TicketImported { source }),
    };
    id.map(drop)
}
