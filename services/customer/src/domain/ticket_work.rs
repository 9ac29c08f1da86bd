//! Who works on a ticket, read from ticketing's events, and who may therefore see how its customer
//! is reached.

use contracts::{
    Event,
    ticketing::{TaskEnded, TaskOpened, TicketChanged, TicketSnapshot},
};
use serde_json::Value;
use uuid::Uuid;

/// What an event says about the work on a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub work: Work,
    pub version: i64,
    pub task: Option<Task>,
    /// The ticket has become somebody else's: whose it was.
    pub moved_from: Option<Uuid>,
}

/// Who works on a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    pub ticket_id: Uuid,
    pub customer_id: Option<Uuid>,
    pub handler: Option<String>,
    pub first_responder: Option<String>,
    /// Not resolved, closed or cancelled.
    pub unfinished: bool,
}

/// A department task that began, with who answers for it, or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    Opened(Uuid, Option<String>),
    Ended(Uuid),
}

/// Nothing, where an event is none of a ticket.
///
/// # Errors
/// An event of ticketing that does not parse.
pub fn heard(ty: &str, data: &Value) -> Result<Option<Heard>, serde_json::Error> {
    if !ty.starts_with("kefu.ticket.") {
        return Ok(None);
    }
    let ticket: TicketSnapshot = read(&data["ticket"])?;
    let task = match ty {
        TaskOpened::TYPE => {
            let event: TaskOpened = read(data)?;
            Some(Task::Opened(event.task_id, event.head))
        }
        TaskEnded::TYPE => Some(Task::Ended(read::<TaskEnded>(data)?.task_id)),
        _ => None,
    };
    let moved_from = match ty {
        TicketChanged::TYPE => read::<TicketChanged>(data)?.customer_before,
        _ => None,
    };
    let unfinished = !["resolved", "closed", "cancelled"].contains(&ticket.status.as_str());
    let work = Work {
        ticket_id: ticket.ticket_id,
        customer_id: ticket.customer_id,
        handler: ticket.handler,
        first_responder: ticket.first_responder,
        unfinished,
    };
    Ok(Some(Heard { work, version: ticket.version, task, moved_from }))
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    T::deserialize(value)
}

/// Whether a member of staff may see how the customer of the ticket is reached: they work on it, as
/// handler, first responder or holder of an open department task, it is not finished, and it is this
/// customer's.
#[must_use]
pub fn may_contact(work: &Work, holders: &[String], customer_ids: &[Uuid], person: &str) -> bool {
    let works = |who: Option<&str>| who == Some(person);
    work.unfinished
        && work.customer_id.is_some_and(|id| customer_ids.contains(&id))
        && (works(work.handler.as_deref())
            || works(work.first_responder.as_deref())
            || holders.iter().any(|holder| holder == person))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ME: Uuid = Uuid::from_u128(1);

    fn work() -> Work {
        Work {
            ticket_id: Uuid::from_u128(9),
            customer_id: Some(ME),
            handler: Some("amy".into()),
            first_responder: Some("bob".into()),
            unfinished: true,
        }
    }

    #[test]
    fn those_who_work_on_an_unfinished_ticket_of_the_customer() {
        let holders = ["hal".to_owned()];
        let may = |work: &Work, person| may_contact(work, &holders, &[ME], person);
        assert!(["amy", "bob", "hal"].into_iter().all(|person| may(&work(), person)));
        assert!(!may(&work(), "cem"));
        assert!(!may(&Work { unfinished: false, ..work() }, "amy"));
        for other in [None, Some(Uuid::from_u128(2))] {
            assert!(!may(&Work { customer_id: other, ..work() }, "amy"));
        }
        let nobody = Work { handler: None, first_responder: None, ..work() };
        assert!(!may_contact(&nobody, &[], &[ME], ""));
        assert!(may_contact(&work(), &[], &[Uuid::from_u128(5), ME], "amy"), "a former id");
    }

    #[test]
    fn every_event_of_ticketing_is_read() {
        for event in contracts::all().into_iter().filter(|e| e.topic == contracts::ticketing::TOPIC)
        {
            let path = format!(
                "{}/../../libs/contracts/fixtures/{}.json",
                env!("CARGO_MANIFEST_DIR"),
                event.ty
            );
            let text = std::fs::read_to_string(path).unwrap();
            let mut data: Value = serde_json::from_str(&text).unwrap();
            let heard_now = heard(event.ty, &data).unwrap().unwrap();
            assert_eq!(heard_now.task.is_some(), event.ty.contains(".task_"), "{}", event.ty);
            for (status, unfinished) in [("new", true), ("on_hold", true), ("resolved", false)] {
                data["ticket"]["status"] = json!(status);
                let work = heard(event.ty, &data).unwrap().unwrap().work;
                assert_eq!(work.unfinished, unfinished, "{} {status}", event.ty);
            }
        }
        assert_eq!(heard("kefu.survey.answered.v1", &json!({})).unwrap(), None);
        assert!(heard("kefu.ticket.opened.v1", &json!({})).is_err());
    }
}
