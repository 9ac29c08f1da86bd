//! Telephone numbers → E.164, with the Chinese numbering plan (工信部《电信网编号计划》) for numbers
//! given without a country code. An extension travels as `;ext=` (RFC 3966).

/// What a number is used as; decides whether it can tell who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Mobile,
    /// Landline, 400/800 service number, extension: shared by many people.
    Shared,
    /// Outside China, where the plan is not known here.
    Foreign,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    pub e164: String,
    pub line: Line,
}

/// Reads a number the way people write it. The error is a stable word.
pub fn parse(raw: &str) -> Result<Phone, &'static str> {
    let text = to_ascii(raw);
    let (main, extension) = split_extension(&text);
    let plus = main.trim_start().starts_with('+');
    let mut digits = String::with_capacity(main.len());
    for c in main.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' | '-' | '(' | ')' | '.' | '/' | ' ' | '\t' | '\u{a0}' | '‑' | '–' | '—' => {}
            _ => return Err("not-a-number"),
        }
    }
    let mut phone = if plus {
        international(&digits)?
    } else if let Some(rest) = digits.strip_prefix("00") {
        international(rest)?
    } else if digits.len() == 13 && digits.starts_with("861") {
        chinese(&digits[2..])?
    } else {
        chinese(&digits)?
    };
    if let Some(extension) = extension {
        phone.e164 = format!("{};ext={extension}", phone.e164);
        phone.line = Line::Shared;
    }
    Ok(phone)
}

/// Full-width characters and `tel:` as forms and copies bring them.
fn to_ascii(raw: &str) -> String {
    let text: String = raw
        .trim()
        .chars()
        .map(|c| match c {
            '０'..='９' | '＋' | '－' | '（' | '）' | '．' => {
                char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c)
            }
            '\u{3000}' => ' ',
            _ => c.to_ascii_lowercase(),
        })
        .collect();
    text.strip_prefix("tel:").map(str::to_owned).unwrap_or(text)
}

fn split_extension(text: &str) -> (&str, Option<&str>) {
    for mark in ["转", "分机", "ext.", "ext", ";ext=", "x", "#"] {
        if let Some((main, extension)) = text.split_once(mark) {
            let extension = extension.trim_matches([' ', ':', '.', '=', '-']);
            let sound =
                (1..=6).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_digit());
            if sound {
                return (main.trim_end_matches([' ', ';', '-', ',', '，']), Some(extension));
            }
        }
    }
    (text, None)
}

fn international(digits: &str) -> Result<Phone, &'static str> {
    // People write +86 (0)10 …: the trunk zero is not dialled from abroad.
    if let Some(national) = digits.strip_prefix("86") {
        return match national.as_bytes().first() {
            Some(b'0' | b'1') | None => {
                chinese(national).or_else(|e| with_trunk_zero(national).ok_or(e))
            }
            Some(_) => service_number(national)
                .or_else(|| with_trunk_zero(national))
                .ok_or("unknown-number"),
        };
    }
    if digits.starts_with('0') {
        return Err("unknown-country");
    }
    // E.164: at most 15 digits; the shortest national plans have 7 with the country code.
    match digits.len() {
        0..=6 => Err("too-short"),
        7..=15 => Ok(Phone { e164: format!("+{digits}"), line: Line::Foreign }),
        _ => Err("too-long"),
    }
}

fn with_trunk_zero(national: &str) -> Option<Phone> {
    landline(&format!("0{national}"))
}

fn chinese(digits: &str) -> Result<Phone, &'static str> {
    let bytes = digits.as_bytes();
    if bytes.len() == 11 && bytes[0] == b'1' && (b'3'..=b'9').contains(&bytes[1]) {
        return Ok(Phone { e164: format!("+86{digits}"), line: Line::Mobile });
    }
    if let Some(phone) = landline(digits).or_else(|| service_number(digits)) {
        return Ok(phone);
    }
    Err(match bytes.len() {
        7 | 8 if (b'2'..=b'8').contains(&bytes[0]) => "area-code-missing",
        0..=9 => "too-short",
        10..=12 => "unknown-number",
        _ => "too-long",
    })
}

/// `0` + area code + number: 010 and 02x with 8 digits, 03xx to 09xx with 7 or 8; numbers start
/// with 2 to 8.
fn landline(digits: &str) -> Option<Phone> {
    let national = digits.strip_prefix('0')?;
    let bytes = national.as_bytes();
    let (area, lengths): (usize, &[usize]) = match bytes {
        [b'1', b'0', ..] => (2, &[8]),
        [b'2', b'0'..=b'5' | b'7'..=b'9', ..] => (2, &[8]),
        [b'3'..=b'9', _, _, ..] => (3, &[7, 8]),
        _ => return None,
    };
    let number = bytes.get(area..)?;
    let sound = lengths.contains(&number.len()) && (b'2'..=b'8').contains(&number[0]);
    sound.then(|| Phone { e164: format!("+86{national}"), line: Line::Shared })
}

fn service_number(digits: &str) -> Option<Phone> {
    let service = digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800"));
    service.then(|| Phone { e164: format!("+86{digits}"), line: Line::Shared })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let cases = [
            ("13800138000", "+8613800138000"),
            ("+86 138-0013-8000", "+8613800138000"),
            ("008613800138000", "+8613800138000"),
            ("8613800138000", "+8613800138000"),
            ("138 0013 8000", "+8613800138000"),
            ("１３８００１３８０００", "+8613800138000"),
            ("tel:+8613800138000", "+8613800138000"),
            ("19912345678", "+8619912345678"),
            ("010-62785001", "+861062785001"),
            ("(021) 6279 8888", "+862162798888"),
            ("0571-87951234", "+8657187951234"),
            ("0311-8601234", "+863118601234"),
            ("+86 10 6278 5001", "+861062785001"),
            ("+86 (0)10 6278 5001", "+861062785001"),
            ("+86 755 2671 1111", "+8675526711111"),
            ("400-810-8888", "+864008108888"),
            ("+86 400 810 8888", "+864008108888"),
            ("010-62785001转8012", "+861062785001;ext=8012"),
            ("021-62798888 ext. 12", "+862162798888;ext=12"),
            ("+852 2123 4567", "+85221234567"),
            ("+44 20 7946 0958", "+442079460958"),
            ("001 212 555 0123", "+12125550123"),
        ];
        for (raw, e164) in cases {
            assert_eq!(parse(raw).map(|p| p.e164).as_deref(), Ok(e164), "{raw}");
        }
    }

    #[test]
    fn what_cannot_be_a_number_is_told_apart() {
        let cases = [
            ("62785001", "area-code-missing"),
            ("12345", "too-short"),
            ("1380013800", "unknown-number"),
            ("138001380000", "unknown-number"),
            ("12800138000", "unknown-number"),
            ("021-6279888", "unknown-number"),
            ("026-62798888", "unknown-number"),
            ("请打手机", "not-a-number"),
            ("", "too-short"),
            ("+1234567890123456", "too-long"),
            ("+0123456789", "unknown-country"),
        ];
        for (raw, problem) in cases {
            assert_eq!(parse(raw), Err(problem), "{raw}");
        }
    }

    #[test]
    fn only_mobiles_are_one_persons_own() {
        assert_eq!(parse("13800138000").unwrap().line, Line::Mobile);
        assert_eq!(parse("010-62785001").unwrap().line, Line::Shared);
        assert_eq!(parse("400-810-8888").unwrap().line, Line::Shared);
        assert_eq!(parse("+44 20 7946 0958").unwrap().line, Line::Foreign);
    }

    #[test]
    fn a_normalised_number_stays_as_it_is() {
        for raw in
            ["13800138000", "010-62785001转8012", "+85221234567", "0311-8601234", "4008108888"]
        {
            let once = parse(raw).unwrap();
            assert_eq!(parse(&once.e164).unwrap(), once, "{raw}");
        }
    }
}
