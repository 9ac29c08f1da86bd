//! E-mail addresses in what people see, and text that goes into headers.

/// `li.lei@example.com` → `l***@example.com`; anything that is no address → `***`.
#[must_use]
pub fn masked(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() => {
            format!("{}***@{domain}", local.chars().next().unwrap_or('*'))
        }
        _ => "***".into(),
    }
}

/// Text fit for one header line: every control character (so CR, LF and NUL too) and line or
/// paragraph separator becomes a space, runs of white space one space, at most `max` characters.
#[must_use]
pub fn one_line(text: &str, max: usize) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_keeps_only_its_domain() {
        assert_eq!(masked("li.lei@example.com"), "l***@example.com");
        assert_eq!(masked("李@example.com"), "李***@example.com");
        assert_eq!(masked("@example.com"), "***");
        assert_eq!(masked("nobody"), "***");
    }

    #[test]
    fn a_header_stays_one_line() {
        let evil = "Hello\r\nBcc: victim@example.com\u{2028}\0 x";
        assert_eq!(one_line(evil, 200), "Hello Bcc: victim@example.com x");
        assert_eq!(one_line("客服通知", 2), "客服");
    }
}
