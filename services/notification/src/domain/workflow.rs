//! Which event makes whom hear of it, by which channel.

use std::collections::BTreeSet;

use contracts::{Event, quality as q, survey as s, ticketing as t};
use kernel::Role;
use uuid::Uuid;

use super::facts::Facts;

/// By what way a notice reaches its recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    Email,
    Inbox,
    Webhook,
}

impl Channel {
    pub const ALL: [Channel; 3] = [Channel::Email, Channel::Inbox, Channel::Webhook];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Inbox => "inbox",
            Channel::Webhook => "webhook",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text)
    }
}

/// What must hold besides the event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    NotImported,
    NotFromSurvey,
    Outbound,
    NotByHand,
    /// The suite's notices by webhook are not told by webhook: that would never end.
    NoEcho,
}

impl Filter {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Filter::NotImported => "not_imported",
            Filter::NotFromSurvey => "not_from_survey",
            Filter::Outbound => "outbound",
            Filter::NotByHand => "not_by_hand",
            Filter::NoEcho => "no_echo",
        }
    }

    fn holds(self, facts: &Facts) -> bool {
        match self {
            Filter::NotImported => !facts.imported,
            Filter::NotFromSurvey => !facts.from_survey,
            Filter::Outbound => facts.outbound,
            Filter::NotByHand => !facts.by_hand,
            Filter::NoEcho => facts.notice_channel.as_deref() != Some(Channel::Webhook.as_str()),
        }
    }
}

/// Who is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Customer,
    /// The supervisors where there is no handler.
    Handler,
    FirstResponder,
    AccountManager,
    Agent,
    Owner,
    Supervisors,
    Directors,
    Inspectors,
    EscalationTarget,
    Endpoints,
}

impl Audience {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Audience::Customer => "customer",
            Audience::Handler => "handler",
            Audience::FirstResponder => "first_responder",
            Audience::AccountManager => "account_manager",
            Audience::Agent => "agent",
            Audience::Owner => "owner",
            Audience::Supervisors => "supervisors",
            Audience::Directors => "directors",
            Audience::Inspectors => "inspectors",
            Audience::EscalationTarget => "escalation_target",
            Audience::Endpoints => "endpoints",
        }
    }
}

/// One built-in workflow; its template has the same key.
#[derive(Debug)]
pub struct Workflow {
    pub key: &'static str,
    /// Grows when the definition changes.
    pub version: i32,
    /// Event type, `*` for every one.
    pub event: &'static str,
    pub filters: &'static [Filter],
    pub to: &'static [Audience],
    pub channels: &'static [Channel],
}

/// Key of the workflow that feeds partners' endpoints.
pub const PARTNER_WEBHOOK: &str = "partner_webhook";
/// Workflow word of test events, which no event causes.
pub const WEBHOOK_TEST: &str = "webhook_test";

macro_rules! workflows {
    ($($key:literal on $event:expr, [$($filter:ident)*] => [$($to:ident)+] by [$($channel:ident)+];)+) => {
        pub static WORKFLOWS: &[Workflow] = &[$(Workflow {
            key: $key,
            version: 1,
            event: $event,
            filters: &[$(Filter::$filter),*],
            to: &[$(Audience::$to),+],
            channels: &[$(Channel::$channel),+],
        }),+];
    };
}

workflows! {
    "ticket_acknowledged" on t::TicketOpened::TYPE, [NotImported NotFromSurvey] => [Customer] by [Email];
    "ticket_opened_staff" on t::TicketOpened::TYPE, [NotImported] => [AccountManager] by [Inbox];
    "ticket_assigned" on t::TicketAssigned::TYPE, [NotImported] => [Handler] by [Inbox];
    "ticket_replied" on t::TicketReplied::TYPE, [NotImported Outbound] => [Customer] by [Email];
    "ticket_urged" on t::TicketUrged::TYPE, [NotImported] => [Handler FirstResponder] by [Inbox];
    "timer_warned" on t::TimerWarned::TYPE, [NotImported] => [Handler FirstResponder] by [Inbox];
    "timer_breached" on t::TimerBreached::TYPE, [NotImported] => [Handler FirstResponder] by [Inbox];
    "ticket_escalated" on t::TicketEscalated::TYPE, [NotImported] => [EscalationTarget] by [Inbox Email];
    "task_opened" on t::TaskOpened::TYPE, [NotImported] => [Supervisors] by [Inbox];
    "ticket_resolved" on t::TicketResolved::TYPE, [NotImported] => [Customer] by [Email];
    "ticket_reopened" on t::TicketReopened::TYPE, [NotImported] => [Handler] by [Inbox];
    "survey_invited" on s::SurveyInvited::TYPE, [NotByHand] => [Customer] by [Email];
    "evaluation_published" on q::EvaluationPublished::TYPE, [] => [Agent] by [Inbox];
    "appeal_lodged" on q::AppealLodged::TYPE, [] => [Directors Inspectors] by [Inbox];
    "appeal_decided" on q::AppealDecided::TYPE, [] => [Agent] by [Inbox];
    "rectification_opened" on q::RectificationOpened::TYPE, [] => [Owner] by [Inbox];
    "rectification_verified" on q::RectificationVerified::TYPE, [] => [Owner] by [Inbox];
    "report_published" on q::ReportPublished::TYPE, [] => [Directors] by [Inbox];
    "partner_webhook" on "*", [NoEcho] => [Endpoints] by [Webhook];
}

/// The workflow with this key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Workflow> {
    WORKFLOWS.iter().find(|w| w.key == key)
}

/// Whom a workflow wants to tell, before the directory is asked. Ordered, so that two transactions
/// that write to the same inboxes take their locks in the same order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Customer(Uuid),
    /// The customer of a matter that has none.
    NoCustomer,
    User(String),
    /// Somebody who is to act; once that person has left, whoever stands above.
    Responsible(String),
    /// Everyone in the directory who has the role and whose org covers the event's; whoever stands
    /// above where there is nobody.
    Role(Role),
    Endpoints,
}

/// Who is told in the place of a role that nobody holds: the next higher rank in the unit and those
/// above it, at last the administrators of the enterprise, who can put the directory right.
#[must_use]
pub fn above(role: Role) -> &'static [Role] {
    match role {
        Role::Admin => &[],
        Role::Director => &[Role::Admin],
        _ => &[Role::Director, Role::Admin],
    }
}

impl Workflow {
    /// Whether the workflow takes up an event of this type with these facts.
    #[must_use]
    pub fn takes(&self, ty: &str, facts: &Facts) -> bool {
        (self.event == "*" || self.event == ty) && self.filters.iter().all(|f| f.holds(facts))
    }

    /// Whom it tells; the same person in two parts is told once.
    #[must_use]
    pub fn targets(&self, facts: &Facts) -> BTreeSet<Target> {
        self.to.iter().filter_map(|audience| target(*audience, facts)).collect()
    }
}

fn target(audience: Audience, facts: &Facts) -> Option<Target> {
    let named = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
    let user = |id: &Option<String>| named(id).map(Target::User);
    let responsible = |id: &Option<String>| named(id).map(Target::Responsible);
    match audience {
        Audience::Customer => Some(facts.customer_id.map_or(Target::NoCustomer, Target::Customer)),
        Audience::Handler => {
            Some(responsible(&facts.handler).unwrap_or(Target::Role(Role::Supervisor)))
        }
        Audience::FirstResponder => user(&facts.first_responder),
        Audience::AccountManager => user(&facts.account_manager),
        Audience::Agent => user(&facts.agent),
        Audience::Owner => responsible(&facts.owner),
        Audience::Supervisors => Some(Target::Role(Role::Supervisor)),
        Audience::Directors => Some(Target::Role(Role::Director)),
        Audience::Inspectors => Some(Target::Role(Role::Inspector)),
        // A department head holds the role of a director; so does whoever a later release names.
        Audience::EscalationTarget => Some(Target::Role(match facts.target.as_deref() {
            Some("supervisor") => Role::Supervisor,
            _ => Role::Director,
        })),
        Audience::Endpoints => Some(Target::Endpoints),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(ty: &str, facts: &Facts) -> Vec<&'static str> {
        WORKFLOWS.iter().filter(|w| w.takes(ty, facts)).map(|w| w.key).collect()
    }

    #[test]
    fn filters_decide() {
        let plain = Facts::default();
        assert_eq!(
            taken(t::TicketOpened::TYPE, &plain),
            ["ticket_acknowledged", "ticket_opened_staff", "partner_webhook"]
        );
        let survey = Facts { from_survey: true, ..Facts::default() };
        assert_eq!(
            taken(t::TicketOpened::TYPE, &survey),
            ["ticket_opened_staff", "partner_webhook"]
        );
        let imported = Facts { imported: true, ..Facts::default() };
        assert_eq!(taken(t::TicketOpened::TYPE, &imported), ["partner_webhook"]);
        assert_eq!(taken(t::TicketReplied::TYPE, &plain), ["partner_webhook"]);
        let outbound = Facts { outbound: true, ..Facts::default() };
        assert_eq!(taken(t::TicketReplied::TYPE, &outbound), ["ticket_replied", "partner_webhook"]);
        let by_hand = Facts { by_hand: true, ..Facts::default() };
        assert_eq!(taken(s::SurveyInvited::TYPE, &by_hand), ["partner_webhook"]);
    }

    #[test]
    fn webhook_notices_do_not_echo() {
        let ty = contracts::notification::NoticeDelivered::TYPE;
        let of = |channel: &str| Facts { notice_channel: Some(channel.into()), ..Facts::default() };
        assert_eq!(taken(ty, &of("email")), ["partner_webhook"]);
        assert!(taken(ty, &of("webhook")).is_empty());
    }

    #[test]
    fn one_person_in_two_parts_is_told_once() {
        let warned = find("timer_warned").unwrap();
        let both = |handler: Option<&str>, first: Option<&str>| {
            let facts = Facts {
                handler: handler.map(Into::into),
                first_responder: first.map(Into::into),
                ..Facts::default()
            };
            warned.targets(&facts).into_iter().collect::<Vec<_>>()
        };
        let user = |id: &str| Target::User(id.into());
        let handler = Target::Responsible("li".into());
        // Two targets, one recipient: see `recipients::of`.
        assert_eq!(both(Some("li"), Some("li")), [user("li"), handler.clone()]);
        assert_eq!(both(Some("li"), Some("wang")), [user("wang"), handler]);
        assert_eq!(both(None, Some("wang")), [user("wang"), Target::Role(Role::Supervisor)]);
        assert_eq!(both(None, None), [Target::Role(Role::Supervisor)]);
    }

    #[test]
    fn every_ladder_ends_with_the_administrators() {
        for role in Role::ALL.iter().filter(|role| **role != Role::Admin) {
            assert_eq!(above(*role).last(), Some(&Role::Admin), "{role:?}");
            assert!(!above(*role).contains(role));
        }
    }

    #[test]
    fn escalations_reach_the_named_role() {
        let escalated = find("ticket_escalated").unwrap();
        for (word, role) in [
            ("supervisor", Role::Supervisor),
            ("department_head", Role::Director),
            ("director", Role::Director),
        ] {
            let facts = Facts { target: Some(word.into()), ..Facts::default() };
            assert_eq!(escalated.targets(&facts), BTreeSet::from([Target::Role(role)]), "{word}");
        }
    }
}
