//! Tables of this service and how they are read and written.

pub mod endpoints;
pub mod entities;
pub mod inbox;
pub mod ledger;
pub mod people;
pub mod queue;
pub mod senders;
pub mod templates;
pub mod workflows;

/// `/acme/north/shop` → `/acme`, `/acme/north`, `/acme/north/shop`: the units whose settings,
/// staff and endpoints count for what happens there, the farthest first.
pub fn line_of(org: &str) -> Vec<String> {
    let ends = org.match_indices('/').skip(1).map(|(i, _)| i).chain([org.len()]);
    ends.map(|end| org[..end].to_owned()).collect()
}

/// The enterprise that an org belongs to.
pub fn root_of(org: &str) -> String {
    line_of(org).swap_remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_leads_from_the_enterprise_down() {
        assert_eq!(line_of("/acme/north/s1"), ["/acme", "/acme/north", "/acme/north/s1"]);
        assert_eq!(line_of("/acme"), ["/acme"]);
        assert_eq!(root_of("/acme/north"), "/acme");
    }
}
