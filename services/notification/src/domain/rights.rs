//! What an endpoint may hear: no more than its owner may read.
//!
//! The owner is whoever made the endpoint or saved it last. An event goes there while the owner
//! holds `webhook:manage` and the right to read such things by the API ([`needed`]). Rights come
//! with tokens and this service keeps no accounts, so it learns of a change from what it sees:
//!
//! * With every request of an owner, whatever it asks for, the rights in the token are compared with
//!   those on record ([`seen`]). A **person's** token carries all that their roles give: what is not
//!   in it is lost at once. A **machine's** token may have been asked for with fewer scopes than the
//!   client has, so a missing right is not lost yet, it is only not confirmed.
//! * Whoever is set inactive in the directory has lost everything at once.
//! * Whoever moved to a unit that does not cover the endpoint's has lost everything.
//! * A right that no token has shown for `webhooks.confirm_days` days counts no more ([`holds`]):
//!   an account that was closed, or narrowed and never used here again, goes quiet by itself.
//!   `GET` of the endpoint with a full token confirms.
//!
//! Lost rights come back only when somebody who holds them saves the endpoint. Endpoints from before
//! this rule have no owner; they count as confirmed when it came, and lapse unless saved once.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Actor, ActorKind, Permission};

use super::endpoint::TEST_TYPE;

/// Rights of an owner: when each was last seen in a token.
pub type Rights = BTreeMap<String, DateTime<Utc>>;

/// Right without which nothing is heard.
pub const MANAGE: Permission = Permission::WebhookManage;

/// Begin of an event type, and the right to read such things. The longest begin that fits counts.
const NEEDED: &[(&str, Permission)] = &[
    ("kefu.customer.", Permission::CustomerRead),
    ("kefu.ticket.", Permission::TicketRead),
    ("kefu.quality.", Permission::QualityRead),
    ("kefu.quality.report_published.", Permission::ReportRead),
    ("kefu.survey.", Permission::SurveyRead),
    ("kefu.notification.", Permission::NotificationRead),
];

/// The right to read what events of this type tell. `None`: nobody has said which, so nobody hears
/// of it.
#[must_use]
pub fn needed(ty: &str) -> Option<Permission> {
    let fitting = NEEDED.iter().filter(|(begin, _)| ty.starts_with(begin));
    fitting.max_by_key(|(begin, _)| begin.len()).map(|(_, right)| *right)
}

/// Whether a caller with these rights may have an endpoint for events of this type.
#[must_use]
pub fn may_hear(actor: &Actor, ty: &str) -> bool {
    needed(ty).is_some_and(|right| actor.can(right))
}

/// How an endpoint stands to a type of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Granted,
    /// The right has not been shown for too long.
    Lapsed,
    /// The owner may not read it.
    Denied,
}

/// Whether events of type `ty` go to an endpoint with these rights on record.
#[must_use]
pub fn holds(rights: &Rights, ty: &str, now: DateTime<Utc>, confirm: TimeDelta) -> Standing {
    let right = if ty == TEST_TYPE { Some(MANAGE) } else { needed(ty) };
    let seen = |right: Permission| rights.get(right.as_str());
    match (seen(MANAGE), right.and_then(seen)) {
        (Some(manage), Some(read)) if now - *manage.min(read) <= confirm => Standing::Granted,
        (Some(_), Some(_)) => Standing::Lapsed,
        _ => Standing::Denied,
    }
}

/// Rights of a caller who makes or saves an endpoint now.
#[must_use]
pub fn of(actor: &Actor, now: DateTime<Utc>) -> Rights {
    worth_knowing()
        .filter(|right| actor.can(*right))
        .map(|right| (right.as_str().into(), now))
        .collect()
}

/// Every right that counts here, confirmed now: of endpoints that have no owner.
#[must_use]
pub fn unknown_owner(now: DateTime<Utc>) -> Rights {
    worth_knowing().map(|right| (right.as_str().to_owned(), now)).collect()
}

fn worth_knowing() -> impl Iterator<Item = Permission> {
    NEEDED.iter().map(|(_, right)| *right).chain([MANAGE])
}

/// The rights on record after their owner was seen; never more than before.
#[must_use]
pub fn seen(rights: &Rights, actor: &Actor, endpoint_org: &str, now: DateTime<Utc>) -> Rights {
    if !actor.org.covers(endpoint_org) {
        return Rights::new();
    }
    let all_is_shown = actor.kind != ActorKind::Client;
    let mut after = Rights::new();
    for (right, at) in rights {
        let shown = right.parse::<Permission>().is_ok_and(|right| actor.can(right));
        if shown {
            after.insert(right.clone(), now.max(*at));
        } else if !all_is_shown {
            after.insert(right.clone(), *at);
        }
    }
    // Without it the others are of no use, and must not come back with it.
    if !after.contains_key(MANAGE.as_str()) {
        after.clear();
    }
    after
}

/// How the table of endpoints names a caller: a person and a machine may have the same id.
#[must_use]
pub fn owner(actor: &Actor) -> String {
    match actor.kind {
        ActorKind::Client => format!("client:{}", actor.id),
        _ => user(&actor.id),
    }
}

/// Whose endpoints alone the caller may see and manage; `None`: all of their unit and below it.
/// People look after those of their unit together, a machine has no business with another one's.
#[must_use]
pub fn bound_to(actor: &Actor) -> Option<String> {
    (actor.kind != ActorKind::User).then(|| owner(actor))
}

/// How the table names a person of whom the id is known.
#[must_use]
pub fn user(id: &str) -> String {
    format!("user:{id}")
}

#[cfg(test)]
mod tests {
    use kernel::OrgPath;

    use super::*;

    const T: fn(i64) -> DateTime<Utc> = |days| DateTime::from_timestamp(days * 86_400, 0).unwrap();

    fn actor(kind: ActorKind, org: &str, rights: &[Permission]) -> Actor {
        Actor {
            kind,
            id: "x".into(),
            name: "x".into(),
            org: OrgPath::parse(org).unwrap(),
            roles: Default::default(),
            permissions: rights.iter().copied().collect(),
        }
    }

    #[test]
    fn every_event_of_the_suite_needs_a_right() {
        for event in contracts::all() {
            let right = needed(event.ty).unwrap_or_else(|| panic!("{} needs no right", event.ty));
            let service = event.topic.split('.').nth(1).unwrap();
            let of_its_service = match service {
                "customer" => right == Permission::CustomerRead,
                "ticketing" => right == Permission::TicketRead,
                "quality" => [Permission::QualityRead, Permission::ReportRead].contains(&right),
                "survey" => right == Permission::SurveyRead,
                "notification" => right == Permission::NotificationRead,
                _ => false,
            };
            assert!(of_its_service, "{} asks for {right}", event.ty);
        }
        assert_eq!(needed("kefu.quality.report_published.v1"), Some(Permission::ReportRead));
        assert_eq!(needed("kefu.future.v1"), None, "what nobody has judged is heard by nobody");
    }

    #[test]
    fn an_endpoint_hears_what_its_owner_may_read() {
        let erp = actor(ActorKind::Client, "/acme", &[MANAGE, Permission::TicketRead]);
        let rights = of(&erp, T(0));
        let holds = |ty, day| holds(&rights, ty, T(day), TimeDelta::days(90));
        assert_eq!(holds("kefu.ticket.opened.v1", 90), Standing::Granted);
        assert_eq!(holds("kefu.ticket.opened.v1", 91), Standing::Lapsed);
        assert_eq!(holds("kefu.quality.rectification_opened.v1", 0), Standing::Denied);
        assert_eq!(holds("kefu.future.v1", 0), Standing::Denied);
        assert_eq!(holds(TEST_TYPE, 0), Standing::Granted);
        let nothing = of(&actor(ActorKind::Client, "/acme", &[Permission::TicketRead]), T(0));
        assert_eq!(
            super::holds(&nothing, "kefu.ticket.opened.v1", T(0), TimeDelta::days(90)),
            Standing::Denied
        );
    }

    #[test]
    fn a_persons_lost_right_is_lost_at_once_a_machines_must_be_shown_in_time() {
        let all = [MANAGE, Permission::TicketRead, Permission::QualityRead];
        let fewer = [MANAGE, Permission::TicketRead];
        let rights = of(&actor(ActorKind::User, "/acme", &all), T(0));
        let after = seen(&rights, &actor(ActorKind::User, "/acme", &fewer), "/acme/north", T(5));
        assert_eq!(after.keys().collect::<Vec<_>>(), ["ticket:read", "webhook:manage"]);
        assert_eq!(after["ticket:read"], T(5));
        let after = seen(&rights, &actor(ActorKind::Client, "/acme", &fewer), "/acme/north", T(5));
        assert_eq!((after["quality:read"], after["ticket:read"]), (T(0), T(5)));
        // Rights never grow, and a right back in the token brings nothing back.
        let back = seen(&after, &actor(ActorKind::User, "/acme", &fewer), "/acme/north", T(6));
        let back = seen(&back, &actor(ActorKind::User, "/acme", &all), "/acme/north", T(7));
        assert!(!back.contains_key("quality:read"));
    }

    #[test]
    fn whoever_was_moved_or_may_not_manage_any_more_loses_everything() {
        let all = [MANAGE, Permission::TicketRead];
        let rights = of(&actor(ActorKind::User, "/acme", &all), T(0));
        let moved = actor(ActorKind::User, "/acme/south", &all);
        assert!(seen(&rights, &moved, "/acme/north", T(1)).is_empty());
        let demoted = actor(ActorKind::User, "/acme", &[Permission::TicketRead]);
        assert!(seen(&rights, &demoted, "/acme/north", T(1)).is_empty());
    }
}
