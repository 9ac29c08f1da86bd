//! The address that a request comes from: the peer's, or, behind proxies, the one that the
//! outermost of our own proxies saw.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::{HttpMessage, HttpRequest};

/// Left on the request by [`crate::edge`].
#[derive(Debug, Clone)]
struct ClientAddress(String);

/// Finds the address and leaves it on the request. `hops`: how many proxies of our own stand
/// before this process; 0: none, and what headers say is not believed.
pub(crate) fn note(req: &HttpRequest, hops: usize) -> String {
    let peer = || req.peer_addr().map(|peer| peer.ip());
    let address = forwarded(req, hops).or_else(peer).map_or_else(|| "unknown".to_owned(), named);
    req.extensions_mut().insert(ClientAddress(address.clone()));
    address
}

/// What [`note`] found.
pub(crate) fn of(req: &HttpRequest) -> String {
    let noted = req.extensions().get::<ClientAddress>().cloned();
    noted.map_or_else(|| note(req, 0), |noted| noted.0)
}

/// Every proxy appends the address that it saw to `X-Forwarded-For`, so counted from the right as
/// many entries are true as there are proxies of our own; what stands left of them the caller may
/// have written. Entries that are no address are not believed, nor is `Forwarded` (RFC 7239), which
/// a proxy that does not know it hands through.
fn forwarded(req: &HttpRequest, hops: usize) -> Option<IpAddr> {
    let lines = req.headers().get_all("x-forwarded-for").map(|line| line.to_str().unwrap_or("?"));
    let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let fewest = hops.min(entries.len());
    if fewest == 0 { None } else { parsed(entries[entries.len() - fewest]) }
}

/// `10.0.0.1`, `10.0.0.1:80`, `::1`, `[::1]`, `[::1]:80`.
fn parsed(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|a| a.ip()))
}

/// One name for what one caller can have: of IPv6 the network, for everybody has 2^64 addresses.
fn named(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(headers: &[&str], hops: usize) -> String {
        let request = TestRequest::default().peer_addr("10.0.0.9:5000".parse().unwrap());
        let request =
            headers.iter().fold(request, |r, text| r.append_header(("x-forwarded-for", *text)));
        note(&request.to_http_request(), hops)
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        assert_eq!(seen(&["1.1.1.1"], 0), "10.0.0.9");
        assert_eq!(seen(&[], 1), "10.0.0.9");
        assert_eq!(seen(&["1.1.1.1"], 1), "1.1.1.1");
        assert_eq!(seen(&["6.6.6.6, 1.1.1.1"], 1), "1.1.1.1", "the caller wrote 6.6.6.6");
        assert_eq!(seen(&["6.6.6.6", "1.1.1.1"], 1), "1.1.1.1");
        assert_eq!(seen(&["6.6.6.6, 1.1.1.1, 10.0.0.2"], 2), "1.1.1.1");
        assert_eq!(seen(&["1.1.1.1"], 2), "1.1.1.1", "who comes past the outer proxy");
        assert_eq!(seen(&["1.1.1.1, nonsense"], 1), "10.0.0.9");
    }

    #[test]
    fn addresses_are_read_in_every_form() {
        for text in ["2001:db8:1:2::7", "[2001:db8:1:2::8]", "[2001:db8:1:2::9]:443"] {
            assert_eq!(seen(&[text], 1), "2001:db8:1:2::/64");
        }
        assert_eq!(seen(&["1.1.1.1:443"], 1), "1.1.1.1");
        assert_eq!(seen(&["::ffff:1.1.1.1"], 1), "1.1.1.1");
    }
}
