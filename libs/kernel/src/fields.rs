//! Collects every unacceptable field of an input, so that the caller learns of all at once.

use crate::{Problem, Text, codes, messages};

/// Bounds that hold for every service.
pub mod limits {
    /// Items of one bulk request.
    pub const BULK_ITEMS: usize = 1_000;
    /// Rows of one page.
    pub const PAGE: u32 = 200;
    /// Characters of a name or title.
    pub const NAME: usize = 200;
    /// Characters of a free text.
    pub const TEXT: usize = 20_000;
}

/// Field errors found so far.
#[derive(Debug)]
#[must_use = "call finish() to turn what was found into a problem"]
pub struct Fields(Problem);

impl Default for Fields {
    fn default() -> Self {
        Self::new()
    }
}

impl Fields {
    pub fn new() -> Self {
        Self(Problem::of(&codes::INVALID))
    }

    /// Records an error unless `ok`.
    pub fn check(
        &mut self,
        ok: bool,
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<Text>,
    ) {
        if !ok {
            self.0.errors.push(crate::FieldError {
                pointer: pointer.into(),
                code,
                detail: detail.into(),
            });
        }
    }

    /// Text with `min..=max` characters that is not blank (when `min > 0`) and has no NUL, which
    /// PostgreSQL cannot store.
    pub fn text(&mut self, pointer: &str, value: &str, min: usize, max: usize) {
        let n = value.trim().chars().count();
        if n < min {
            let detail = if min == 1 { messages::empty() } else { messages::too_short(min) };
            self.check(false, pointer, "too-short", detail);
        }
        if value.chars().count() > max {
            self.check(false, pointer, "too-long", messages::too_long(max));
        }
        if value.contains('\0') {
            self.check(false, pointer, "nul-character", messages::nul_character());
        }
    }

    pub fn finish(self) -> Result<(), Problem> {
        if self.0.errors.is_empty() { Ok(()) } else { Err(self.0) }
    }
}
