//! REST routes. A handler names the right it asks for, calls one use case, and answers.

mod contacts;
mod customers;
mod erasures;
mod imports;
mod page;
mod reach;
mod suspicions;
mod tiers;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every route. Fixed paths come before those with a parameter in the same place.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(customers::create_customer)
        .service(customers::list_customers)
        .service(customers::upsert_customer)
        .service(customers::read_customer)
        .service(customers::change_customer)
        .service(reach::reveal_reach)
        .service(customers::list_customer_sources)
        .service(customers::list_pii_accesses)
        .service(customers::list_assignments)
        .service(customers::assign_tier)
        .service(customers::assign_account_manager)
        .service(customers::read_timeline)
        .service(erasures::erase_customer)
        .service(erasures::read_erasure)
        .service(suspicions::list_suspected_duplicates)
        .service(suspicions::read_suspected_duplicate)
        .service(suspicions::decide_suspected_duplicate)
        .service(contacts::create_contact)
        .service(contacts::list_contacts)
        .service(contacts::read_contact)
        .service(contacts::replace_contact)
        .service(contacts::remove_contact)
        .service(tiers::list_tiers)
        .service(tiers::read_tier)
        .service(tiers::put_tier)
        .service(imports::import_csv)
        .service(imports::import_customers);
}
