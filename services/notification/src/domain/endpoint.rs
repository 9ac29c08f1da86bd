//! Webhook endpoints: what they may ask for, where they may live, when they are given up.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Arg, Fields, OrgPath, messages as shared};
use url::{Host, Url};

use super::ssrf::{self, Cidr};
use crate::messages;

/// Longest address of an endpoint, in characters.
pub const MAX_URL: usize = 2_000;
/// Patterns of one endpoint.
pub const MAX_PATTERNS: usize = 50;
/// The type of test events; every endpoint gets it.
pub const TEST_TYPE: &str = "kefu.webhook.test.v1";

/// Types of all events of the suite.
#[must_use]
pub fn types() -> &'static [&'static str] {
    static TYPES: LazyLock<Vec<&str>> =
        LazyLock::new(|| contracts::all().into_iter().map(|event| event.ty).collect());
    &TYPES
}

/// Whether an endpoint with these patterns wants an event: no pattern means all, `kefu.ticket.*`
/// means every type that starts so.
#[must_use]
pub fn wants(patterns: &[String], ty: &str) -> bool {
    patterns.is_empty()
        || patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => ty.starts_with(prefix),
            None => pattern == ty,
        })
}

/// Checks patterns: each must fit at least one event of the suite, so that a misspelt one is told
/// now instead of being waited for.
pub fn check_patterns(fields: &mut Fields, patterns: &[String]) {
    fields.check(
        patterns.len() <= MAX_PATTERNS,
        "/event_types",
        "too-many",
        shared::too_many_items(MAX_PATTERNS),
    );
    for (i, pattern) in patterns.iter().enumerate() {
        if !types().iter().any(|ty| wants(std::slice::from_ref(pattern), ty)) {
            let known = Arg::list(types().iter().copied());
            let detail = messages::unknown_event_type(pattern, known);
            fields.check(false, format!("/event_types/{i}"), "unknown-event-type", detail);
        }
    }
}

/// Refuses patterns of which the caller may read nothing. A wider one counts for what the caller may
/// read, as does having none.
pub fn check_rights(fields: &mut Fields, patterns: &[String], may_hear: impl Fn(&str) -> bool) {
    let fits = |pattern: &[String]| types().iter().any(|ty| wants(pattern, ty));
    let readable = |pattern: &[String]| types().iter().any(|ty| wants(pattern, ty) && may_hear(ty));
    if patterns.is_empty() {
        fields.check(readable(patterns), "/event_types", "right-missing", messages::may_not_read());
    }
    for (i, pattern) in patterns.iter().map(std::slice::from_ref).enumerate() {
        // One that fits nothing is refused for that.
        let ok = readable(pattern) || !fits(pattern);
        fields.check(ok, format!("/event_types/{i}"), "right-missing", messages::may_not_read());
    }
}

/// Checks an endpoint's address as far as that is possible without asking the DNS.
pub fn check_url(fields: &mut Fields, text: &str, allow_http: bool, allow: &[Cidr]) {
    fields.text("/url", text, 1, MAX_URL);
    // The parser drops tabs and line ends and trims the rest: judge what was written.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return fields.check(false, "/url", "malformed", messages::address_in_one_piece());
    }
    let Ok(url) = Url::parse(text) else {
        return fields.check(false, "/url", "malformed", messages::absolute_address());
    };
    let scheme = url.scheme() == "https" || (allow_http && url.scheme() == "http");
    fields.check(scheme, "/url", "scheme", messages::https_address());
    let clean = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    fields.check(clean, "/url", "malformed", messages::bare_address());
    let open = match url.host() {
        Some(Host::Ipv4(ip)) => ssrf::may_dial(ip.into(), allow),
        Some(Host::Ipv6(ip)) => ssrf::may_dial(ip.into(), allow),
        Some(Host::Domain(name)) => !name.is_empty(),
        None => false,
    };
    fields.check(open, "/url", "address-not-allowed", messages::no_public_address());
}

/// Whether an endpoint that has failed since `since` without a success is given up now.
#[must_use]
pub fn give_up(since: DateTime<Utc>, now: DateTime<Utc>, after: TimeDelta) -> bool {
    now - since >= after
}

/// Whether an endpoint of `endpoint_org` may hear of what happened in `event_org`.
#[must_use]
pub fn in_scope(endpoint_org: &str, event_org: &str) -> bool {
    OrgPath::parse(endpoint_org).is_ok_and(|org| org.covers(event_org))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_ok(text: &str, allow_http: bool, allow: &[&str]) -> bool {
        let allow: Vec<Cidr> = allow.iter().map(|c| c.parse().unwrap()).collect();
        let mut fields = Fields::new();
        check_url(&mut fields, text, allow_http, &allow);
        fields.finish().is_ok()
    }

    #[test]
    fn patterns() {
        let p = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(wants(&[], "kefu.ticket.opened.v1"));
        assert!(wants(&p(&["kefu.ticket.*"]), "kefu.ticket.opened.v1"));
        assert!(!wants(&p(&["kefu.ticket.*"]), "kefu.customer.changed.v1"));
        assert!(wants(&p(&["x", "kefu.ticket.opened.v1"]), "kefu.ticket.opened.v1"));
        for (list, ok) in [
            (p(&["*"]), true),
            (p(&["kefu.survey.*", "kefu.ticket.opened.v1"]), true),
            (p(&["kefu.ticket.opend.v1"]), false),
            (p(&[""]), false),
            (vec!["*".to_owned(); 51], false),
        ] {
            let mut fields = Fields::new();
            check_patterns(&mut fields, &list);
            assert_eq!(fields.finish().is_ok(), ok, "{list:?}");
        }
    }

    #[test]
    fn what_the_caller_may_not_read_is_refused() {
        let refused = |list: &[&str]| {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            let mut fields = Fields::new();
            check_rights(&mut fields, &list, |ty| ty.starts_with("kefu.ticket."));
            fields
                .finish()
                .map_or_else(|p| p.errors.into_iter().map(|e| e.pointer).collect(), |()| vec![])
        };
        assert!(refused(&[]).is_empty() && refused(&["*", "kefu.ticket.opened.v1"]).is_empty());
        let mixed = ["kefu.ticket.*", "kefu.quality.*", "kefu.survey.answered.v1"];
        assert_eq!(refused(&mixed), ["/event_types/1", "/event_types/2"]);
        let mut fields = Fields::new();
        check_rights(&mut fields, &[], |_| false);
        assert!(fields.finish().is_err(), "all of nothing");
    }

    #[test]
    fn addresses() {
        assert!(url_ok("https://hooks.example.com/kefu?x=1", false, &[]));
        assert!(url_ok("http://127.0.0.1:9/x", true, &["127.0.0.0/8"]));
        for bad in [
            "http://hooks.example.com/",
            "ftp://example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://u:p@example.com/",
            "https://example.com/#x",
            "example.com",
            "",
            "https://",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://example.org/\r\nX: y",
            "https://example.org/\tx",
            "https://example.org/a b",
            " https://example.org/",
            "https://example.org/\n",
            "https://example.org/\u{7f}",
        ] {
            assert!(!url_ok(bad, false, &[]), "{bad:?}");
        }
    }

    #[test]
    fn an_endpoint_is_given_up_after_days_of_failure() {
        let t = DateTime::from_timestamp(0, 0).unwrap();
        let after = TimeDelta::days(5);
        assert!(!give_up(t, t + TimeDelta::hours(119), after));
        assert!(give_up(t, t + TimeDelta::days(5), after));
    }

    #[test]
    fn scope_is_the_subtree() {
        assert!(in_scope("/acme", "/acme/north"));
        assert!(!in_scope("/acme/north", "/acme"));
        assert!(!in_scope("/acme/north", "/acme/northeast"));
    }
}
