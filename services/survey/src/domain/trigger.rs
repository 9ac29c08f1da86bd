//! Whether an event about a ticket leads to an invitation, and if not, why not.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::ticketing::TicketSnapshot;
use kernel::OrgPath;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// When a survey is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerEvent {
    TicketResolved,
    TicketClosed,
}

impl TriggerEvent {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            TriggerEvent::TicketResolved => "ticket_resolved",
            TriggerEvent::TicketClosed => "ticket_closed",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [TriggerEvent::TicketResolved, TriggerEvent::TicketClosed]
            .into_iter()
            .find(|e| e.as_str() == text)
    }
}

/// Which tickets a trigger is about; an empty list lets every ticket pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// Kinds of ticket, e.g. `complaint`.
    #[schema(max_items = 50)]
    pub kinds: Vec<String>,
    /// Channels the matter came in by, e.g. `phone`.
    #[schema(max_items = 50)]
    pub channels: Vec<String>,
    /// Tiers of the customer, e.g. `vip`.
    #[schema(max_items = 50)]
    pub tiers: Vec<String>,
}

/// Which answer is bad enough to be followed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LowScore {
    /// `csat`, `nps`, or the name of a rating question.
    #[schema(min_length = 1, max_length = 100)]
    pub question: String,
    /// This score and every lower one is bad.
    #[schema(minimum = -1000, maximum = 1000)]
    pub max: i32,
}

/// A trigger as the rule needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub trigger_id: Uuid,
    pub survey_id: Uuid,
    /// Tickets of this unit and those below it.
    pub org: String,
    pub event: TriggerEvent,
    pub filters: Filters,
    /// Days in which a customer is not asked by the same survey again.
    pub cool_down_days: i32,
    /// Days in which a customer is not asked by any survey again.
    pub cool_down_across_days: i32,
}

/// An earlier invitation of the same customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    pub survey_id: Uuid,
    pub at: DateTime<Utc>,
}

/// An earlier decision about the same ticket in the same cycle (opened or reopened → resolved).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    pub trigger_id: Uuid,
    pub survey_id: Uuid,
    pub invited: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    NoCustomer,
    Internal,
    Duplicate,
    OptedOut,
    CoolDown,
    /// The ticket was reopened before the delayed invitation went out.
    Reopened,
}

impl Skip {
    /// Word in [`contracts::survey::SurveySkipped`].
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Skip::NoCustomer => "no_customer",
            Skip::Internal => "internal",
            Skip::Duplicate => "duplicate",
            Skip::OptedOut => "opted_out",
            Skip::CoolDown => "cool_down",
            Skip::Reopened => "reopened",
        }
    }
}

/// Whether the trigger is about this ticket at all. Imported history never is.
#[must_use]
pub fn concerns(rule: &Rule, event: TriggerEvent, ticket: &TicketSnapshot) -> bool {
    let passes = |list: &[String], value: Option<&str>| {
        list.is_empty() || value.is_some_and(|v| list.iter().any(|l| l == v))
    };
    rule.event == event
        && ticket.channel != "import"
        && OrgPath::parse(&rule.org).is_ok_and(|org| org.covers(&ticket.org))
        && passes(&rule.filters.kinds, Some(&ticket.kind))
        && passes(&rule.filters.channels, Some(&ticket.channel))
        && passes(&rule.filters.tiers, ticket.tier.as_deref())
}

/// Decides about a ticket that the trigger [`concerns`]: `None` invites.
///
/// A follow-up ticket that a bad answer opened is a ticket like any other: it falls under the
/// customer's cool-down.
#[must_use]
pub fn decide(
    rule: &Rule,
    ticket: &TicketSnapshot,
    earlier: &[Earlier],
    contacts: &[Contact],
    opted_out: bool,
    now: DateTime<Utc>,
) -> Option<Skip> {
    let again = |e: &Earlier| {
        e.trigger_id == rule.trigger_id || (e.invited && e.survey_id == rule.survey_id)
    };
    if earlier.iter().any(again) {
        return Some(Skip::Duplicate);
    }
    if ticket.kind == "internal" || ticket.channel == "internal" {
        return Some(Skip::Internal);
    }
    if ticket.customer_id.is_none() {
        return Some(Skip::NoCustomer);
    }
    if opted_out {
        return Some(Skip::OptedOut);
    }
    let within = |contact: &Contact, days: i32| now - contact.at < TimeDelta::days(days.into());
    let cooling = |contact: &Contact| {
        within(contact, rule.cool_down_across_days)
            || (contact.survey_id == rule.survey_id && within(contact, rule.cool_down_days))
    };
    contacts.iter().any(cooling).then_some(Skip::CoolDown)
}
