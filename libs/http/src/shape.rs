//! Finds everything about an input that does not fit the type it is to become.
//!
//! serde stops at the first fault. Here the input is read again and again, each time with what was
//! found so far put right by something that fits, until nothing is left to find: a caller is told
//! of all fields at once. Faults come as values and not as the words of a library, and say what
//! would have fitted.

// serde wants the error itself, and a reading that fails is not where time goes.
#![allow(clippy::result_large_err)]

mod faults;
mod reader;
mod tree;

use std::collections::HashMap;

use kernel::Problem;
use serde::de::DeserializeOwned;

use faults::{Fault, What};
use reader::Reader;
pub(crate) use tree::Tree;

/// Faults that are told at once.
pub(crate) const MOST: usize = 50;
/// Values that may be looked at for one input: long inputs are told less at once.
const EFFORT: usize = 400_000;

/// Where a tree comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Json,
    /// Names and values: numbers and booleans are text, and a value given once may be a list.
    Pairs,
}

/// What is put in place of something that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patch {
    /// Whatever the type likes.
    Fitting,
    /// Nothing: it is not asked for.
    Nothing,
    /// Only the first of several.
    First,
}

/// What was put right so far, by pointer.
#[derive(Debug, Default)]
struct Patches {
    at: HashMap<String, Patch>,
    /// Fields that were added to an object.
    added: HashMap<String, Vec<&'static str>>,
}

/// Reads `tree` as a `T`, or adds everything that does not fit to `refusal`.
pub(crate) fn read<T: DeserializeOwned>(
    tree: &Tree,
    source: Source,
    mut refusal: Problem,
) -> Result<T, Problem> {
    let mut patches = Patches::default();
    let mut passes = (EFFORT / tree.size()).clamp(1, 4 * MOST);
    while passes > 0 && refusal.errors.len() < MOST {
        passes -= 1;
        let mut fault = match pass::<T>(tree, source, &patches) {
            Ok(value) if refusal.errors.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(fault) => fault,
        };
        if fault.is_vague() {
            fault = closer::<T>(tree, source, &mut patches, fault, &mut passes);
        }
        let pointer = fault.pointer();
        match patches.at.get(&pointer) {
            // It was told of and taken away, and is missing now.
            Some(Patch::Nothing) if matches!(fault.what, What::Missing(_)) => {}
            // What was put in its place does not fit either: nothing behind it can be seen.
            Some(_) => break,
            None if patches.cover(&pointer) => {}
            // A field of it was told already; nothing is known that would suit the shape a tag chose.
            None if fault.is_vague() && patches.stand_below(&pointer) => {}
            None => {
                refusal = refusal.field(pointer.clone(), fault.code(), fault.text(source));
            }
        }
        patches.put(&fault, pointer);
    }
    Err(refusal)
}

fn pass<T: DeserializeOwned>(tree: &Tree, source: Source, patches: &Patches) -> Result<T, Fault> {
    T::deserialize(Reader::new(tree, source, patches).root())
}

/// The field in which a fault lies that serde only tells of the whole object: the one without which
/// there is another fault or none.
fn closer<T: DeserializeOwned>(
    tree: &Tree,
    source: Source,
    patches: &mut Patches,
    fault: Fault,
    passes: &mut usize,
) -> Fault {
    let place = fault.place().to_owned();
    for key in tree.fields_at(&place) {
        let pointer = format!("{place}/{}", escape(key));
        if *passes == 0 || patches.at.contains_key(&pointer) {
            continue;
        }
        let mut with = |patch| {
            *passes = passes.saturating_sub(1);
            patches.at.insert(pointer.clone(), patch);
            let outcome = pass::<T>(tree, source, patches);
            patches.at.remove(&pointer);
            outcome
        };
        // Whatever else stands in the place of a tag is told as an unknown one: it is not at fault.
        if matches!(with(Patch::Fitting), Err(Fault { what: What::UnknownValue(..), .. })) {
            continue;
        }
        let without = with(Patch::Nothing);
        if !matches!(without, Err(other) if other.is_vague() && other.place() == place) {
            return fault.within(pointer);
        }
    }
    fault
}

impl Patches {
    fn put(&mut self, fault: &Fault, pointer: String) {
        let (at, patch) = match &fault.what {
            What::Missing(field) => {
                self.added.entry(fault.place().to_owned()).or_default().push(field);
                (pointer, Patch::Fitting)
            }
            What::UnknownField(..) => (pointer, Patch::Nothing),
            What::GivenTwice(_) => (pointer, Patch::First),
            _ if fault.is_vague() => (pointer, Patch::Nothing),
            _ => (fault.place().to_owned(), Patch::Fitting),
        };
        self.at.insert(at, patch);
    }

    /// Whether something inside of this was put right.
    fn stand_below(&self, pointer: &str) -> bool {
        self.at.keys().any(|at| at.strip_prefix(pointer).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Whether something fitting was put in the place of what holds this.
    fn cover(&self, pointer: &str) -> bool {
        self.at.iter().any(|(at, patch)| {
            *patch == Patch::Fitting
                && pointer.strip_prefix(at.as_str()).is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

/// One reference token of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
