//! English texts.

use super::{
    Builtin,
    Channel::{Email, Inbox},
};

/// First and last lines of every mail to a customer.
macro_rules! letter {
    ($body:literal) => {
        concat!(
            "Dear {{ recipient.name or 'customer' }},\n\n",
            $body,
            "\n\nKind regards\n{{ sender.company or 'Customer Service' }}{% if sender.telephone %}\nTelephone: {{ sender.telephone }}{% endif %}{% if sender.hours %}\nService hours: {{ sender.hours }}{% endif %}"
        )
    };
}

/// Why a matter was raised.
macro_rules! escalation {
    ($more:literal) => {
        concat!(
            "Reason: {{ reason|label }}{% if metric %} ({{ metric|label }}){% endif %}{% if due_at %}; due {{ due_at|datetime }}{% endif %}",
            $more
        )
    };
}

#[rustfmt::skip]
pub(super) const TEXTS: &[Builtin] = &[
    ("ticket_acknowledged", Email,
     "[{{ ticket.number }}] We have received your request: {{ ticket.subject }}",
     letter!("Thank you for contacting us. We have received your request and will look into it.\n\nReference: {{ ticket.number }}\nSubject: {{ ticket.subject }}\nType: {{ ticket.kind_name }}{% if ticket.category_name %} – {{ ticket.category_name }}{% endif %}\nReceived: {{ ticket.opened_at|datetime }}{% if promised.first_response %}\nYou will hear from us by: {{ promised.first_response|datetime }}{% endif %}{% if promised.resolution %}\nTo be settled by: {{ promised.resolution|datetime }}{% endif %}\n\nPlease quote the reference whenever you contact us about this request.")),
    ("ticket_replied", Email,
     "[{{ ticket.number }}] Our answer to your request: {{ ticket.subject }}",
     letter!("{% if reply %}This is our answer to your request “{{ ticket.subject }}” (reference {{ ticket.number }}):\n\n{{ reply|lines }}{% else %}We have answered your request “{{ ticket.subject }}” (reference {{ ticket.number }}). You will find the answer where you made the request.{% endif %}{% if promised.resolution %}\n\nWe expect to settle the matter by {{ promised.resolution|datetime }}.{% endif %}\n\nIf you have any questions, please contact us and quote the reference.")),
    ("ticket_resolved", Email,
     "[{{ ticket.number }}] Your request has been settled: {{ ticket.subject }}",
     letter!("Your request “{{ ticket.subject }}” (reference {{ ticket.number }}) {% if ticket.resolved_at %}was settled on {{ ticket.resolved_at|datetime }}{% else %}has been settled{% endif %}.{% if resolution %}\n\nThe outcome:\n\n{{ resolution|lines }}{% endif %}\n\nIf you do not consider the matter settled, please contact us and quote the reference. We will take it up again.")),
    ("survey_invited", Email,
     "How did we do?{% if subject.ticket_number %} [{{ subject.ticket_number }}]{% endif %}",
     letter!("{% if subject.ticket_number %}We have recently dealt with your request {{ subject.ticket_number }}. {% endif %}How satisfied were you with our service? Telling us takes about a minute:\n\n{{ link }}\n\nThe link works once and is valid until {{ expires_at|datetime }}.")),
    ("ticket_escalated", Email,
     "[{{ ticket.number }}] Escalated to level {{ level }}: {{ ticket.subject }}",
     concat!("Dear {{ recipient.name or 'colleague' }},\n\nTicket {{ ticket.number }} has been escalated to level {{ level }} ({{ target|label }}).{% if instead_of %}\n\nYou receive this because the directory lists nobody with the role “{{ instead_of|label }}” for {{ ticket.org }}.{% endif %}\n\n",
        escalation!("\nSubject: {{ ticket.subject }}\nType: {{ ticket.kind_name }}\nPriority: {{ ticket.priority|label }}{% if ticket.complaint_level %}\nSeverity: {{ ticket.complaint_level|label }}{% endif %}\nHandler: {{ ticket.handler or 'none' }}"))),
    ("ticket_escalated", Inbox,
     "Escalated to level {{ level }}: {{ ticket.number }} {{ ticket.subject }}",
     escalation!(". Handler: {{ ticket.handler or 'none' }}.{% if instead_of %} Nobody in the directory holds the role “{{ instead_of|label }}” for {{ ticket.org }}; you are told in its place.{% endif %}")),
    ("ticket_opened_staff", Inbox,
     "New request from your customer ({{ ticket.kind_name }}): {{ ticket.number }} {{ ticket.subject }}",
     "Priority: {{ ticket.priority|label }}. Received {{ ticket.opened_at|datetime }}."),
    ("ticket_assigned", Inbox,
     "Assigned: {{ ticket.number }} {{ ticket.subject }}",
     "{{ ticket.kind_name }}, priority {{ ticket.priority|label }}. {% if ticket.handler %}Handler: {{ ticket.handler }}{% else %}It has no handler at the moment{% endif %}{% if reason %} ({{ reason|label }}){% endif %}."),
    ("ticket_urged", Inbox,
     "Urged by the customer: {{ ticket.number }} {{ ticket.subject }}",
     "The customer has urged {% if ticket.urge_count == 1 %}once{% else %}{{ ticket.urge_count }} times{% endif %} so far.{% if note %} “{{ note }}”{% endif %}"),
    ("timer_warned", Inbox,
     "{{ percent }} % of the time for {{ metric|label }} has passed: {{ ticket.number }} {{ ticket.subject }}",
     "Due {{ due_at|datetime }}. Handler: {{ ticket.handler or 'none' }}."),
    ("timer_breached", Inbox,
     "Deadline for {{ metric|label }} missed: {{ ticket.number }} {{ ticket.subject }}",
     "It was due {{ due_at|datetime }}. Handler: {{ ticket.handler or 'none' }}."),
    ("task_opened", Inbox,
     "{{ department_name }} is asked to help with {{ ticket.number }}: {{ title }}",
     "Ticket: {{ ticket.subject }}.{% if due_at %} Due {{ due_at|datetime }}.{% endif %}{% if mandatory %} The ticket cannot be resolved until this is done.{% endif %}"),
    ("ticket_reopened", Inbox,
     "Reopened: {{ ticket.number }} {{ ticket.subject }}",
     "{% if reason %}Reason: {{ reason }}. {% endif %}Reopened {% if ticket.reopen_count == 1 %}once{% else %}{{ ticket.reopen_count }} times{% endif %} so far."),
    ("evaluation_published", Inbox,
     "Your service was scored{% if inspected.ticket_number %}: {{ inspected.ticket_number }}{% endif %}",
     "{% if score is none %}No score, because no item applied.{% else %}Score: {{ score }} of 100.{% endif %}{% if fatal %} A fatal item was failed.{% endif %} You may appeal until {{ appeal_until|datetime }}."),
    ("appeal_lodged", Inbox,
     "Appeal against a score{% if inspected.ticket_number %}: {{ inspected.ticket_number }}{% endif %}",
     "{{ inspected.agent or 'An agent' }} has appealed and awaits a decision."),
    ("appeal_decided", Inbox,
     "Your appeal has been decided: {{ outcome|label }}",
     "{% if inspected.ticket_number %}Ticket {{ inspected.ticket_number }}. {% endif %}Score before: {{ score_before }}; score now: {{ score_after }}."),
    ("rectification_opened", Inbox,
     "Rectification assigned to you: {{ rectification.title }}",
     "Due {{ rectification.due_at|datetime }}."),
    ("rectification_verified", Inbox,
     "{% if passed %}Rectification accepted{% else %}Rectification not accepted, please redo it{% endif %}: {{ rectification.title }}",
     "Checked by {{ verifier }}.{% if not passed %} Due {{ rectification.due_at|datetime }}.{% endif %}"),
    ("report_published", Inbox,
     "The service report for {{ period }} has been published",
     "Unit: {{ org }}. Version {{ version }}."),
];
