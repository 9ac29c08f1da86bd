//! What a workflow needs to know of an event, whichever service it came from.

use contracts::{
    Event,
    customer::{CustomerChanged, CustomerErased, CustomerRegistered},
    notification as n, quality as q, survey as s, ticketing as t,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

/// People and things that an event speaks of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    /// Language of the matter, if the event tells.
    pub locale: Option<String>,
    /// Who works on the ticket after the event. Not where an assignment goes `to`: that may be a
    /// queue or a department.
    pub handler: Option<String>,
    pub first_responder: Option<String>,
    pub account_manager: Option<String>,
    /// Agent whose work is scored.
    pub agent: Option<String>,
    /// Who has to mend something.
    pub owner: Option<String>,
    /// Role word of an escalation.
    pub target: Option<String>,
    /// Taken over from another system: nobody is told.
    pub imported: bool,
    /// A person passes on what there is to pass on.
    pub by_hand: bool,
    /// Opened because of a survey answer.
    pub from_survey: bool,
    /// A public answer to the customer.
    pub outbound: bool,
    /// Of the suite's own notices: the channel.
    pub notice_channel: Option<String>,
}

impl Facts {
    /// Reads the facts out of an event's data. Events of unknown type have none; a known type that
    /// does not parse is an error.
    pub fn of(ty: &str, data: &Value) -> Result<Self, serde_json::Error> {
        let is = |known: &str| ty == known;
        if is(t::TicketReplied::TYPE) {
            let event: t::TicketReplied = parse(data)?;
            return Ok(Self {
                outbound: event.direction == "outbound",
                ..Self::of_ticket(event.ticket)
            });
        }
        if is(t::TicketEscalated::TYPE) {
            let event: t::TicketEscalated = parse(data)?;
            return Ok(Self { target: Some(event.target), ..Self::of_ticket(event.ticket) });
        }
        if is(t::TicketImported::TYPE) {
            let event: t::TicketImported = parse(data)?;
            return Ok(Self { imported: true, ..Self::of_ticket(event.ticket) });
        }
        if ty.starts_with("kefu.ticket.") {
            let ticket = data.get("ticket").cloned().unwrap_or_default();
            return serde_json::from_value(ticket).map(Self::of_ticket);
        }
        if is(s::SurveyInvited::TYPE) {
            let event: s::SurveyInvited = parse(data)?;
            let (locale, by_hand) = (Some(event.locale), event.by_hand);
            return Ok(Self { locale, by_hand, ..Self::of_subject(event.subject) });
        }
        if ty.starts_with("kefu.survey.") {
            let subject = data.get("subject").cloned().unwrap_or_default();
            return serde_json::from_value(subject).map(Self::of_subject);
        }
        if ty.starts_with("kefu.quality.rectification_") {
            let order = data.get("rectification").cloned().unwrap_or_default();
            return serde_json::from_value(order).map(Self::of_rectification);
        }
        if let Some(inspected) = data.get("inspected").filter(|_| ty.starts_with("kefu.quality.")) {
            return serde_json::from_value(inspected.clone()).map(Self::of_inspected);
        }
        if let Some(notice) = data.get("notice").filter(|_| ty.starts_with("kefu.notification.")) {
            return serde_json::from_value(notice.clone()).map(Self::of_notice);
        }
        if is(CustomerRegistered::TYPE) || is(CustomerChanged::TYPE) {
            let event: CustomerRegistered = parse(data)?;
            return Ok(Self { customer_id: Some(event.customer.customer_id), ..Self::default() });
        }
        if is(CustomerErased::TYPE) {
            let event: CustomerErased = parse(data)?;
            return Ok(Self { customer_id: Some(event.customer_id), ..Self::default() });
        }
        Ok(Self::default())
    }

    fn of_ticket(ticket: t::TicketSnapshot) -> Self {
        let survey = |origin: &t::Origin| origin.kind.starts_with("survey");
        Self {
            ticket_id: Some(ticket.ticket_id),
            customer_id: ticket.customer_id,
            imported: ticket.channel == "import",
            from_survey: ticket.channel == "survey" || ticket.origin.as_ref().is_some_and(survey),
            locale: Some(ticket.locale),
            handler: ticket.handler,
            first_responder: ticket.first_responder,
            account_manager: ticket.account_manager,
            ..Self::default()
        }
    }

    fn of_subject(subject: s::SurveySubject) -> Self {
        Self {
            ticket_id: subject.ticket_id,
            customer_id: subject.customer_id,
            handler: subject.handler,
            first_responder: subject.first_responder,
            account_manager: subject.account_manager,
            ..Self::default()
        }
    }

    fn of_rectification(order: q::RectificationSnapshot) -> Self {
        Self {
            ticket_id: order.ticket_id,
            customer_id: order.customer_id,
            owner: Some(order.owner),
            ..Self::default()
        }
    }

    fn of_inspected(inspected: q::Inspected) -> Self {
        Self {
            ticket_id: inspected.ticket_id,
            customer_id: inspected.customer_id,
            agent: inspected.agent,
            ..Self::default()
        }
    }

    fn of_notice(notice: n::Notice) -> Self {
        Self {
            ticket_id: notice.ticket_id,
            customer_id: notice.customer_id,
            notice_channel: Some(notice.channel),
            ..Self::default()
        }
    }
}

fn parse<E: DeserializeOwned>(data: &Value) -> Result<E, serde_json::Error> {
    E::deserialize(data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::samples;

    #[test]
    fn facts_of_a_ticket() {
        let mut data = samples::of("ticket_acknowledged");
        let facts = Facts::of(t::TicketOpened::TYPE, &data).unwrap();
        assert_eq!(facts.first_responder.as_deref(), Some("wang"));
        assert!(!facts.from_survey && !facts.imported && facts.customer_id.is_some());
        data["ticket"]["handler"] = Value::Null;
        data["to"] = json!("claims");
        let passed = Facts::of(t::TicketAssigned::TYPE, &data).unwrap();
        assert_eq!(passed.handler, None, "a department is nobody");
        data["ticket"]["origin"] = json!({ "kind": "survey_response", "id": Uuid::nil() });
        assert!(Facts::of(t::TicketOpened::TYPE, &data).unwrap().from_survey);
        data["ticket"]["channel"] = json!("import");
        assert!(Facts::of(t::TicketOpened::TYPE, &data).unwrap().imported);
    }

    #[test]
    fn a_broken_event_is_an_error_and_an_unknown_one_has_no_facts() {
        assert!(Facts::of(t::TicketOpened::TYPE, &json!({})).is_err());
        assert_eq!(Facts::of("kefu.future.v1", &json!({})).unwrap(), Facts::default());
    }
}
