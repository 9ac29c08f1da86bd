//! Which customers a caller may refer to, and which of those that are unknown here may still come.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::OrgPath;
use uuid::Uuid;

/// For how long after a customer was made its event may be on its way to this service. Usually it
/// takes a moment; a broker that was away takes its time.
pub const ON_THE_WAY: TimeDelta = TimeDelta::minutes(10);

/// How far the clock of the process that made the id may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(1);

/// Whether somebody of `caller` may refer to a customer whom `units` have brought in: the rule by
/// which customer master data shows customers. Whoever belongs to a unit above, like a hotline, sees
/// the customers of all units below it; nobody sees those of the unit above or beside.
#[must_use]
pub fn sees<'a>(caller: &OrgPath, units: impl IntoIterator<Item = &'a str>) -> bool {
    units.into_iter().any(|unit| caller.covers(unit))
}

/// Whether a customer of this id may exist though this service has not heard of it: the id, a UUID
/// of version 7, says that it was made just now.
#[must_use]
pub fn may_come(id: Uuid, now: DateTime<Utc>) -> bool {
    if id.get_version_num() != 7 {
        return false;
    }
    let Some((secs, nanos)) = id.get_timestamp().map(|made| made.to_unix()) else { return false };
    let made = i64::try_from(secs).ok().and_then(|secs| DateTime::from_timestamp(secs, nanos));
    made.is_some_and(|made| made <= now + AHEAD && now - made <= ON_THE_WAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(at: &str) -> Uuid {
        let at: DateTime<Utc> = at.parse().unwrap();
        let millis = u64::try_from(at.timestamp_millis()).unwrap();
        uuid::Builder::from_unix_timestamp_millis(millis, &[7; 10]).into_uuid()
    }

    #[test]
    fn customers_of_the_own_unit_and_those_below_are_seen() {
        let north = OrgPath::parse("/acme/north").unwrap();
        assert!(sees(&north, ["/acme/north"]));
        assert!(sees(&north, ["/acme/south", "/acme/north/s1"]), "one of several units is enough");
        for others in
            [&["/acme"][..], &["/acme/south"], &["/acme/northeast"], &["/other/north"], &[]]
        {
            assert!(!sees(&north, others.iter().copied()), "{others:?}");
        }
        assert!(sees(&north.root(), ["/acme/south"]), "the enterprise sees all of its units'");
    }

    #[test]
    fn only_an_id_made_just_now_may_come() {
        let now: DateTime<Utc> = "2026-03-02T09:00:00Z".parse().unwrap();
        for fresh in ["2026-03-02T08:59:59Z", "2026-03-02T08:50:00Z", "2026-03-02T09:00:59Z"] {
            assert!(may_come(made(fresh), now), "{fresh}");
        }
        for other in [
            "2026-03-02T08:49:59Z",
            "2026-03-02T09:01:01Z",
            "1970-01-01T00:00:00Z",
            "9999-12-31T00:00:00Z",
        ] {
            assert!(!may_come(made(other), now), "{other}");
        }
        let random = Uuid::from_u128(0xc4ca_4238_a0b9_4382_8dcc_509a_6f75_849b);
        assert!(!may_come(random, now));
        assert!(!may_come(Uuid::nil(), now) && !may_come(Uuid::max(), now));
    }
}
