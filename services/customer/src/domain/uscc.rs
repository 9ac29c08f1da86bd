//! Unified social credit code (统一社会信用代码, GB 32100-2015): 18 characters, the last one a check
//! (weights 3^i mod 31); positions 9 to 17 are an organisation code with a check of its own
//! (GB 11714-1997), which real registers are known to violate: a warning, not an error.

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uscc {
    pub code: String,
    /// Whether the inner organisation code's check digit is right.
    pub inner_check: bool,
}

/// Normal form of a code. The error is a stable word.
pub fn parse(raw: &str) -> Result<Uscc, &'static str> {
    let code: String = raw
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c {
            '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => {
                char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c)
            }
            _ => c,
        })
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if code.chars().count() != 18 {
        return Err("bad-length");
    }
    let value = |b: u8| ALPHABET.iter().position(|a| *a == b);
    let values: Option<Vec<usize>> = code.bytes().map(value).collect();
    let values = values.ok_or("bad-character")?;
    if check_value(&values[..17]) != values[17] {
        return Err("check-digit");
    }
    let inner_check = organisation_check(&code.as_bytes()[8..16]) == code.as_bytes()[16];
    Ok(Uscc { code, inner_check })
}

/// (31 − Σ valueᵢ · 3^i mod 31) mod 31.
fn check_value(values: &[usize]) -> usize {
    let (sum, _) =
        values.iter().fold((0, 1), |(sum, weight), v| (sum + v * weight, weight * 3 % 31));
    (31 - sum % 31) % 31
}

/// 11 − Σ valueᵢ · weightᵢ mod 11; 10 is written X, 11 is written 0. Letters count from A = 10.
fn organisation_check(body: &[u8]) -> u8 {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body
        .iter()
        .zip(WEIGHTS)
        .map(|(b, w)| w * char::from(*b).to_digit(36).unwrap_or_default())
        .sum();
    match 11 - sum % 11 {
        10 => b'X',
        11 => b'0',
        d => b'0' + u8::try_from(d).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for raw in [
            "91350100M000100Y43",
            "91110000600037341L",
            "91350100m000100y43",
            "9135 0100 M000 100Y 43",
        ] {
            assert!(parse(raw).is_ok(), "{raw}");
        }
        for (raw, problem) in [
            ("91350100M000100Y44", "check-digit"),
            ("91350100O000100Y43", "bad-character"),
            ("91350100M000100Y4", "bad-length"),
            ("未登记", "bad-length"),
        ] {
            assert_eq!(parse(raw), Err(problem), "{raw}");
        }
    }

    #[test]
    fn the_inner_check_only_warns() {
        // GB 32100-2015 prints this code as its example.
        assert!(parse("91350100M000100Y43").unwrap().inner_check);
        // Same body with another inner check digit and the outer check made to fit.
        let broken = (0..31)
            .map(|i| format!("91350100M00010001{}", char::from(ALPHABET[i])))
            .find_map(|code| parse(&code).ok())
            .unwrap();
        assert!(!broken.inner_check);
    }
}
