//! Tables as sea-orm sees them.

pub mod answer;
pub mod contact;
pub mod invitation;
pub mod response;
pub mod survey;
pub mod survey_trigger;
pub mod survey_version;
