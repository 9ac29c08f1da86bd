//! Who sees what of an inspection. While it is blind, its inspector sees the service and not the
//! person; the person sees it when it is published; nobody sees a draft but its author.

use kernel::{Actor, ActorKind, Permission, Role};

/// How much of the inspections of his organisation a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// Everything: leads, administrators, partner systems with the right.
    All,
    /// An inspector: what is his or nobody's, and what is published; blind until published.
    Inspector(String),
    /// An agent: what was published about himself.
    Own(String),
}

impl View {
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        let leads = actor.kind == ActorKind::Client
            || actor.has_role(Role::Supervisor)
            || actor.can(Permission::QualityDecide)
            || actor.can(Permission::QualityAdmin);
        if leads {
            Self::All
        } else if actor.inspects_blind() {
            Self::Inspector(actor.id.clone())
        } else {
            Self::Own(actor.id.clone())
        }
    }
}

/// Whether the agent's name is kept from `actor`: until publication from everybody who scores it
/// or could come to score it.
#[must_use]
pub fn is_blind(actor: &Actor, inspector: Option<&str>, published: bool) -> bool {
    if published {
        return false;
    }
    inspector == Some(actor.id.as_str()) || matches!(View::of(actor), View::Inspector(_))
}
