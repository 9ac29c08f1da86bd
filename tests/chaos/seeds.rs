//! Seeds that are always run, with what each of them once found.

/// Seeds of `make chaos`.
pub const SEEDS: &[(u64, &str)] =
    &[(1, "a first walk through every fault"), (2, "the same in another order")];
