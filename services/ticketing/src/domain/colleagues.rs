//! Who may work on a ticket that somebody has claimed, and what counts as lowering it. Everybody
//! else may leave an internal note, file what the customer says and urge.

use kernel::ActorKind;

use super::{priority::Priority, words::COMPLAINT_LEVELS};

/// First responder (首问责任人): answers for the matter to its end.
pub const FIRST_RESPONDER: &str = "first_responder";
/// Account manager (客户经理) of the ticket's customer.
pub const ACCOUNT_MANAGER: &str = "account_manager";
/// Whoever may assign tickets, leads the ticket's queue or heads its department.
pub const SUPERVISOR: &str = "supervisor";
/// Members of the ticket's unit, or of the one that its queue or department belongs to.
pub const TEAM: &str = "team";
/// A partner system that opened the ticket.
pub const OPENER: &str = "opener";
/// Whoever may write tickets.
pub const EVERYONE: &str = "everyone";

/// Words of a kind's `act_on_claimed`; the handler needs none.
pub const ALL: [&str; 6] = [FIRST_RESPONDER, ACCOUNT_MANAGER, SUPERVISOR, TEAM, OPENER, EVERYONE];

/// What holds where a kind says nothing.
pub const USUAL: [&str; 3] = [FIRST_RESPONDER, SUPERVISOR, OPENER];

/// Who wants to work on the ticket.
#[derive(Debug, Clone, Copy)]
pub struct Worker<'a> {
    pub kind: ActorKind,
    pub id: &'a str,
    pub org: &'a str,
    /// Holds `ticket:assign`.
    pub assigns: bool,
}

/// Whose the ticket is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Claim<'a> {
    pub handler: Option<&'a str>,
    pub first_responder: Option<&'a str>,
    pub account_manager: Option<&'a str>,
    pub opened_by: &'a str,
    /// Unit of the ticket, of its queue and of its department.
    pub orgs: [Option<&'a str>; 3],
    /// Who leads the queue and who heads the department.
    pub leaders: [Option<&'a str>; 2],
}

/// Whether the worker may answer, change, pass on or end the ticket. One that nobody has claimed is
/// open to everybody who may write tickets; the suite itself and the customer are never kept away.
#[must_use]
pub fn may_work<S: AsRef<str>>(rules: Option<&[S]>, claim: &Claim<'_>, worker: Worker<'_>) -> bool {
    let person = worker.kind == ActorKind::User;
    let is = |who: Option<&str>| person && who == Some(worker.id);
    if matches!(worker.kind, ActorKind::System | ActorKind::Customer)
        || claim.handler.is_none()
        || is(claim.handler)
    {
        return true;
    }
    let allows = |word: &str| match rules {
        Some(rules) => rules.iter().any(|rule| rule.as_ref() == word),
        None => USUAL.contains(&word),
    };
    let leads = worker.assigns || claim.leaders.into_iter().any(is);
    let in_team = person && claim.orgs.contains(&Some(worker.org));
    let opened = worker.kind == ActorKind::Client && claim.opened_by == worker.id;
    allows(EVERYONE)
        || (allows(FIRST_RESPONDER) && is(claim.first_responder))
        || (allows(ACCOUNT_MANAGER) && is(claim.account_manager))
        || (allows(SUPERVISOR) && leads)
        || (allows(TEAM) && in_team)
        || (allows(OPENER) && opened)
}

/// How urgent and how grave a matter is said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    pub priority: String,
    pub complaint_level: Option<String>,
}

impl Weight {
    fn rank(&self) -> (Priority, usize) {
        let level = self.complaint_level.as_deref();
        let grade = COMPLAINT_LEVELS.iter().position(|known| Some(*known) == level);
        (self.priority.parse().unwrap_or(Priority::Normal), grade.map_or(0, |index| index + 1))
    }

    /// Whether `after` has a lower priority or complaint level, whatever happens to the other.
    #[must_use]
    pub fn lowered_to(&self, after: &Self) -> bool {
        let ((priority, level), (new_priority, new_level)) = (self.rank(), after.rank());
        new_priority < priority || new_level < level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIM: Claim<'static> = Claim {
        handler: Some("amy"),
        first_responder: Some("bob"),
        account_manager: Some("max"),
        opened_by: "shop",
        orgs: [Some("/acme/north"), Some("/acme"), None],
        leaders: [Some("lea"), None],
    };

    fn person(id: &str) -> Worker<'_> {
        Worker { kind: ActorKind::User, id, org: "/acme/north", assigns: false }
    }

    fn usual(worker: Worker<'_>) -> bool {
        may_work::<&str>(None, &CLAIM, worker)
    }

    #[test]
    fn without_a_rule_handler_first_responder_and_supervisors_act() {
        assert!(["amy", "bob", "lea"].map(person).into_iter().all(usual));
        assert!(usual(Worker { assigns: true, ..person("sue") }));
        assert!(!["cem", "max", "shop", "system"].map(person).into_iter().any(usual));
    }

    #[test]
    fn what_nobody_has_claimed_is_open() {
        let free = Claim { handler: None, ..CLAIM };
        assert!(may_work::<&str>(Some(&[]), &free, person("cem")));
    }

    #[test]
    fn a_partner_acts_on_what_it_opened_only() {
        let client = |id| Worker { kind: ActorKind::Client, ..person(id) };
        assert!(usual(client("shop")));
        // A client that is named like a person is not that person.
        assert!(!["crm", "amy", "bob", "lea"].map(client).into_iter().any(usual));
    }

    #[test]
    fn a_kind_names_who_else_may() {
        let may = |rules: &[&str], worker| may_work(Some(rules), &CLAIM, worker);
        assert!(may(&[], person("amy")), "the handler always may");
        assert!(!may(&[], person("bob")) && !may(&[], Worker { assigns: true, ..person("lea") }));
        assert!(may(&[ACCOUNT_MANAGER], person("max")));
        assert!(may(&[TEAM], person("cem")));
        assert!(may(&[TEAM], Worker { org: "/acme", ..person("cem") }), "the queue's unit");
        assert!(!may(&[TEAM], Worker { org: "/acme/south", ..person("cem") }));
        assert!(may(&[EVERYONE], Worker { org: "/acme/south", ..person("cem") }));
    }

    #[test]
    fn the_suite_and_the_customer_are_not_kept_away() {
        for kind in [ActorKind::System, ActorKind::Customer] {
            assert!(may_work::<&str>(Some(&[]), &CLAIM, Worker { kind, ..person("x") }));
        }
    }

    #[test]
    fn lowering_is_either_of_the_two() {
        let weight = |priority: &str, level: Option<&str>| Weight {
            priority: priority.into(),
            complaint_level: level.map(str::to_owned),
        };
        let high = weight("high", Some("major"));
        assert!(high.lowered_to(&weight("normal", Some("critical"))));
        assert!(high.lowered_to(&weight("urgent", Some("general"))));
        assert!(high.lowered_to(&weight("high", None)));
        assert!(!high.lowered_to(&high));
        assert!(!high.lowered_to(&weight("urgent", Some("critical"))));
        assert!(!weight("low", None).lowered_to(&weight("low", Some("general"))));
    }
}
