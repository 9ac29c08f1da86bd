//! Routes and what goes over the wire.

mod actions;
mod articles;
mod configuration;
mod imports;
mod reports;
mod tasks;
mod tickets;
mod views;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(tickets::create_ticket)
        .service(tickets::find_tickets)
        .service(tickets::get_ticket)
        .service(tickets::patch_ticket)
        .service(tickets::ticket_history)
        .service(tickets::ticket_timers)
        .service(actions::claim_ticket)
        .service(actions::assign_ticket)
        .service(actions::transfer_ticket)
        .service(actions::pend_ticket)
        .service(actions::hold_ticket)
        .service(actions::resume_ticket)
        .service(actions::urge)
        .service(actions::resolve_ticket)
        .service(actions::close_ticket)
        .service(actions::reopen_ticket)
        .service(actions::cancel_ticket)
        .service(articles::add_article)
        .service(articles::list_articles)
        .service(tasks::open_task)
        .service(tasks::list_tasks)
        .service(tasks::task_done)
        .service(tasks::task_refused)
        .service(imports::import_incidents)
        .service(reports::report_sla);
    configuration::routes(config);
}
