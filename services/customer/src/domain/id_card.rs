//! Citizen identity number (公民身份号码, GB 11643-1999): region, date of birth, sequence, check
//! character by ISO 7064 MOD 11-2; 15-digit numbers of the first generation are upgraded.

use chrono::NaiveDate;

/// First two digits: provinces and the three special regions (GB/T 2260), 83 and 91 as used on
/// residence permits and for people from abroad.
const REGIONS: [u8; 36] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52,
    53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83, 91,
];

/// Normal 18-character form. `today` bounds the date of birth. The error is a stable word.
pub fn parse(raw: &str, today: NaiveDate) -> Result<String, &'static str> {
    let text: String = raw
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c {
            '０'..='９' | 'Ｘ' | 'ｘ' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            _ => c,
        })
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let full = match text.len() {
        15 if digits(&text) => upgrade(&text),
        18 if text.is_char_boundary(17) && digits(&text[..17]) => text,
        15 | 18 => return Err("not-a-number"),
        _ => return Err("bad-length"),
    };
    let region: u8 = full[..2].parse().map_err(|_| "not-a-number")?;
    if !REGIONS.contains(&region) {
        return Err("unknown-region");
    }
    let born = NaiveDate::parse_from_str(&full[6..14], "%Y%m%d").map_err(|_| "bad-date")?;
    if born > today || born.format("%Y").to_string().as_str() < "1800" {
        return Err("bad-date");
    }
    if full.as_bytes()[17] != check_character(&full.as_bytes()[..17]) {
        return Err("check-digit");
    }
    Ok(full)
}

/// `RRRRRRYYMMDDSSS` → 18 characters. Sequences 996 to 999 were given to people born before 1900.
fn upgrade(old: &str) -> String {
    let century = if &old[12..] >= "996" { "18" } else { "19" };
    let mut full = format!("{}{century}{}", &old[..6], &old[6..]);
    full.push(char::from(check_character(full.as_bytes())));
    full
}

/// ISO 7064 MOD 11-2 over 17 digits.
fn check_character(digits: &[u8]) -> u8 {
    let product = digits.iter().fold(0_u32, |p, d| (p + u32::from(d - b'0')) * 2 % 11);
    let check = (12 - product) % 11;
    if check == 10 { b'X' } else { b'0' + u8::try_from(check).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 1).unwrap()
    }

    #[test]
    fn known_answers() {
        for (raw, full) in [
            ("11010519491231002X", "11010519491231002X"),
            ("11010519491231002x", "11010519491231002X"),
            (" 110105 19491231 002X ", "11010519491231002X"),
            // The example of GB 11643-1999 with its 15-digit predecessor.
            ("440524188001010014", "440524188001010014"),
            ("110105491231002", "11010519491231002X"),
        ] {
            assert_eq!(parse(raw, today()).as_deref(), Ok(full), "{raw}");
        }
        // Born in 1880: the sequence of a first-generation number says so.
        assert!(parse("440524800101999", today()).unwrap().starts_with("44052418800101999"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (raw, problem) in [
            ("110105194912310021", "check-digit"),
            ("11010519490231002X", "bad-date"),
            ("110105202612310029", "bad-date"),
            ("99010519491231002X", "unknown-region"),
            ("1101051949123100", "bad-length"),
            ("1101051949123100AX", "not-a-number"),
            ("身份证号码不知道", "bad-length"),
        ] {
            assert_eq!(parse(raw, today()), Err(problem), "{raw}");
        }
    }

    #[test]
    fn every_wrong_digit_is_found() {
        let good = "11010519491231002X";
        for i in 0..17 {
            for d in b'0'..=b'9' {
                let mut bytes = good.as_bytes().to_vec();
                if bytes[i] == d {
                    continue;
                }
                bytes[i] = d;
                let text = String::from_utf8(bytes).unwrap();
                assert!(parse(&text, today()).is_err(), "{text}");
            }
        }
    }
}
