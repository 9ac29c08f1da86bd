//! Collects every unacceptable field of an input, so that the caller learns of all at once.

use crate::{Problem, codes};

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
        detail: impl Into<String>,
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
        self.check(n >= min, pointer, "too-short", format!("needs at least {min} characters"));
        self.check(
            value.chars().count() <= max,
            pointer,
            "too-long",
            format!("may have at most {max} characters"),
        );
        self.check(
            !value.contains('\0'),
            pointer,
            "nul-character",
            "may not contain the NUL character",
        );
    }

    pub fn finish(self) -> Result<(), Problem> {
        if self.0.errors.is_empty() { Ok(()) } else { Err(self.0) }
    }
}
