//! Tables as sea-orm entities: see `migrations/m0100_quality.sql`.

pub mod appeal;
pub mod draw;
pub mod evaluation;
pub mod inspection;
pub mod rectification;
pub mod rectification_step;
pub mod sampling_plan;
pub mod scorecard;
pub mod scorecard_version;
pub mod service_report;
pub mod serviced_ticket;
pub mod survey_answer;
