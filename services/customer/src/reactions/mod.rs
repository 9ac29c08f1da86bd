//! What this service does when another one tells something.

mod on_any_event;

use events::Reactions;

/// All reactions.
#[must_use]
pub fn all() -> Reactions {
    Reactions::none().on_any(&contracts::TOPICS, on_any_event::NoteInTimeline)
}
