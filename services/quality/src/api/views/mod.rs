//! What callers see of the records.

mod inspections;
mod outcomes;
mod sampling;
mod scorecards;

pub use inspections::{AppealView, EvaluationView, InspectionView};
pub use outcomes::{Names, RectificationView, ReportView, StepView};
pub use sampling::{DrawView, PlanView};
pub use scorecards::{ScorecardSummary, ScorecardView, VersionView};

type Result<T> = std::result::Result<T, kernel::Problem>;
