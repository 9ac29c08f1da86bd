//! Organisation path: `/group/branch/outlet`. Every record carries one; a caller sees his subtree.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Absolute path of an organisational unit, 1 to 8 segments of `[a-z0-9_-]{1,40}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrgPath(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", crate::messages::malformed_org())]
pub struct InvalidOrg;

impl OrgPath {
    pub fn parse(text: &str) -> Result<Self, InvalidOrg> {
        let segments = text.strip_prefix('/').ok_or(InvalidOrg)?;
        let well_formed = |s: &str| {
            (1..=40).contains(&s.len())
                && s.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
        };
        if segments.split('/').count() > 8 || !segments.split('/').all(well_formed) {
            return Err(InvalidOrg);
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this unit or stands below it.
    #[must_use]
    pub fn covers(&self, other: &str) -> bool {
        other.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Half-open string range of all units *below* this one; `0` is the character after `/`.
    /// Together with equality it lets an ordinary index answer a subtree query.
    #[must_use]
    pub fn below(&self) -> (String, String) {
        (format!("{}/", self.0), format!("{}0", self.0))
    }

    /// First segment: the enterprise that owns numbers, calendars and policies.
    #[must_use]
    pub fn root(&self) -> OrgPath {
        let end = self.0[1..].find('/').map_or(self.0.len(), |i| i + 1);
        Self(self.0[..end].to_owned())
    }
}

impl fmt::Display for OrgPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OrgPath {
    type Err = InvalidOrg;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

impl TryFrom<String> for OrgPath {
    type Error = InvalidOrg;
    fn try_from(s: String) -> Result<Self, Self::Error> {
        Self::parse(&s)
    }
}

impl From<OrgPath> for String {
    fn from(org: OrgPath) -> Self {
        org.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sibling_with_the_same_prefix_is_not_below() {
        let north = OrgPath::parse("/acme/north").unwrap();
        assert!(north.covers("/acme/north"));
        assert!(north.covers("/acme/north/shop1"));
        assert!(!north.covers("/acme/northeast"));
        assert!(!north.covers("/acme"));
        let (from, to) = north.below();
        assert!("/acme/north/shop1" >= from.as_str() && "/acme/north/shop1" < to.as_str());
        assert!(!("/acme/northeast" >= from.as_str() && "/acme/northeast" < to.as_str()));
    }

    #[test]
    fn malformed_paths_are_refused() {
        for bad in
            ["", "/", "acme", "/acme/", "//a", "/Acme", "/a b", "/a/../b", "/1/2/3/4/5/6/7/8/9"]
        {
            assert_eq!(OrgPath::parse(bad), Err(InvalidOrg), "{bad}");
        }
        assert_eq!(OrgPath::parse("/acme/north/s1").unwrap().root().as_str(), "/acme");
    }
}
