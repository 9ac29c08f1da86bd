//! The service's REST interface.

mod endpoints;
mod inbox;
mod notices;
mod page;
mod sender;
mod staff;
mod stream;
mod templates;
mod workflows;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(workflows::list_workflows)
        .service(workflows::get_workflow)
        .service(workflows::switch_workflow)
        .service(templates::list_templates)
        .service(templates::get_template)
        .service(templates::put_template_version)
        .service(templates::preview_template)
        .service(sender::get_sender)
        .service(sender::put_sender)
        .service(sender::delete_sender)
        .service(staff::list_staff)
        .service(staff::get_staff)
        .service(staff::put_staff_member)
        .service(endpoints::list_endpoints)
        .service(endpoints::create_endpoint)
        .service(endpoints::get_endpoint)
        .service(endpoints::put_endpoint)
        .service(endpoints::delete_endpoint)
        .service(endpoints::rotate_secret)
        .service(endpoints::send_test_event)
        .service(endpoints::list_attempts)
        .service(endpoints::replay_messages)
        .service(notices::list_notices)
        .service(notices::get_notice)
        .service(notices::retry_notice)
        .service(inbox::list_inbox)
        .service(inbox::read_item)
        .service(stream::stream_inbox);
}
