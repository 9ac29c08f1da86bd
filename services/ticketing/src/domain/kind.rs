//! Kinds of tickets (类型).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    category::{self, Category},
    config::{Text, yes},
};

/// What a kind of ticket means for its course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    pub name: Text,
    /// `low`, `normal`, `high` or `urgent`, unless the ticket names its own.
    #[schema(pattern = "^(low|normal|high|urgent)$")]
    pub default_priority: String,
    /// Business days after resolution in which the customer's reply reopens the ticket.
    #[schema(minimum = 0, maximum = 365)]
    pub reopen_days: u32,
    /// Business days after resolution at whose end the ticket closes itself; null: never.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 365)]
    pub auto_close_days: Option<u32>,
    /// Whether the customer is asked how he liked it.
    #[serde(default = "yes")]
    pub survey: bool,
    /// Calendar that counts the business days above.
    #[serde(default = "weekdays")]
    #[schema(min_length = 1, max_length = 64)]
    pub calendar: String,
    /// Category tree, at most five levels. Empty: any category is accepted.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub categories: Vec<Category>,
    /// Who, besides its handler, may work on a ticket that is claimed: `first_responder`,
    /// `account_manager`, `supervisor` (whoever may assign, leads the queue or heads the
    /// department), `team` (the ticket's unit, its queue's or its department's), `opener` (the
    /// partner system that opened it), `everyone`. Without it: first responder, supervisor and
    /// opener. Everybody else may leave an internal note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 6)]
    pub act_on_claimed: Option<Vec<String>>,
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn weekdays() -> String {
    "weekdays".into()
}

impl Kind {
    /// Whether a ticket of this kind may have the category.
    #[must_use]
    pub fn has_category(&self, key: &str) -> bool {
        self.categories.is_empty() || category::keys(&self.categories).contains(&key)
    }
}
