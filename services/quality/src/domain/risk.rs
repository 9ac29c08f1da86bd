//! Rules that make an inspection mandatory (风险必检).

use contracts::ticketing::TicketSnapshot;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Reasons as they stand in inspections and events.
pub const LOW_SCORE: &str = "risk:low_score";
pub const BREACH: &str = "risk:breach";
pub const COMPLAINT_LEVEL: &str = "risk:complaint_level";

/// Which of the rules apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RiskRules {
    /// Satisfaction of `low_score_max` or less.
    pub low_score: bool,
    #[schema(minimum = 1, maximum = 5)]
    pub low_score_max: i32,
    /// A timer of the ticket was breached.
    pub breach: bool,
    /// A major (较大) or critical (重大) complaint.
    pub complaint_level: bool,
}

impl Default for RiskRules {
    fn default() -> Self {
        Self { low_score: true, low_score_max: 2, breach: true, complaint_level: true }
    }
}

impl RiskRules {
    /// Reasons to inspect a ticket that was resolved or closed. History taken over from another
    /// system gives none.
    #[must_use]
    pub fn of_ticket(&self, ticket: &TicketSnapshot, imported: bool) -> Vec<&'static str> {
        if imported || ticket.channel == "import" {
            return vec![];
        }
        let grave = matches!(ticket.complaint_level.as_deref(), Some("major" | "critical"));
        let mut reasons = vec![];
        if self.breach && ticket.breached {
            reasons.push(BREACH);
        }
        if self.complaint_level && grave {
            reasons.push(COMPLAINT_LEVEL);
        }
        reasons
    }

    /// Reason to inspect after a survey's answer.
    #[must_use]
    pub fn of_answer(&self, csat: Option<i32>) -> Option<&'static str> {
        csat.filter(|score| self.low_score && *score <= self.low_score_max).map(|_| LOW_SCORE)
    }
}
