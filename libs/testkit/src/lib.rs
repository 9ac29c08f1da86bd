//! Test bench: one module on a real loopback port, a clock that stands still, both databases,
//! tokens of any role, events handed in and looked at.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_ticket_is_opened() {
//!     for db in testkit::databases().await {
//!         let app = TestApp::start(ticketing::module(), db).await;
//!         let agent = app.as_role(Role::Agent, "/acme");
//!         let ticket = agent.post("/api/v1/tickets").json(&json!({ … })).send().await.expect(201);
//!         assert!(app.emitted().await[0].is::<TicketOpened>());
//!     }
//! }
//! ```

mod app;
mod client;
mod database;
mod documented;
mod tokens;
mod walk;

pub use app::TestApp;
pub use client::{Call, Client, Reply};
pub use database::{TestDb, databases, postgres, sqlite};
pub use tokens::{AUDIENCE, ISSUER, Mint};
pub use walk::{bad_input_walk, permission_walk};
