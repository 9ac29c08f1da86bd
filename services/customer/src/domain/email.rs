//! E-mail addresses: lower case, half width; syntax as RFC 5321 allows without quoting, international
//! local parts and domains included (RFC 6531).

/// Normal form of an address. The error is a stable word.
pub fn parse(raw: &str) -> Result<String, &'static str> {
    let text: String = raw
        .trim()
        .chars()
        .map(|c| match c {
            // Full-width forms, as Chinese input methods produce them.
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            '。' => '.',
            _ => c,
        })
        .flat_map(char::to_lowercase)
        .collect();
    let (local, domain) = text.rsplit_once('@').ok_or("no-at-sign")?;
    if text.len() > 254 || local.len() > 64 {
        return Err("too-long");
    }
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    if !local.split('.').all(|part| !part.is_empty() && part.chars().all(atom)) {
        return Err("bad-local-part");
    }
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    if !domain.contains('.')
        || !domain.split('.').all(label)
        || top.chars().all(|c| c.is_ascii_digit())
    {
        return Err("bad-domain");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for (raw, normal) in [
            (" Zhang.San@Example.COM ", "zhang.san@example.com"),
            ("ｚｓ＠ｅｘａｍｐｌｅ．ｃｎ", "zs@example.cn"),
            ("o'neil+kefu@mail.example.co.uk", "o'neil+kefu@mail.example.co.uk"),
            ("张三@例子.中国", "张三@例子.中国"),
        ] {
            assert_eq!(parse(raw).as_deref(), Ok(normal));
        }
        for (raw, problem) in [
            ("zhang.example.com", "no-at-sign"),
            ("a b@example.com", "bad-local-part"),
            (".a@example.com", "bad-local-part"),
            ("a@@example.com", "bad-local-part"),
            ("a@example", "bad-domain"),
            ("a@-x.com", "bad-domain"),
            ("a@127.0.0.1", "bad-domain"),
        ] {
            assert_eq!(parse(raw), Err(problem), "{raw}");
        }
    }
}
