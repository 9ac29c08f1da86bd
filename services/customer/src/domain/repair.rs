//! What spreadsheets do to numbers, undone where nothing was lost: text marks (`'138…`), formulas
//! (`="138…"`), decimals (`138….0`) and scientific notation (`1.3800138000E+10`).

use super::email;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    TextMark,
    Formula,
    Decimals,
    Scientific,
    /// Characters around an e-mail address that are no part of it.
    Wrapping,
    /// In scientific notation with fewer digits than the number has: nobody knows the others.
    DigitsLost,
}

/// A number that is a name and no quantity, e.g. of a telephone: what was meant, and what had
/// happened to it. `None`: nothing had.
#[must_use]
pub fn number(raw: &str) -> Option<(String, Damage)> {
    let text = raw.trim();
    let (bare, unwrapped) = match unwrap(text) {
        Some((bare, damage)) => (bare, Some(damage)),
        None => (text, None),
    };
    match written_out(bare) {
        Some((number, damage)) => Some((number, damage)),
        None => unwrapped.map(|damage| (bare.to_owned(), damage)),
    }
}

fn unwrap(text: &str) -> Option<(&str, Damage)> {
    let formula = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    let bare = formula.map(|inner| (inner.trim(), Damage::Formula)).or_else(|| {
        let rest = text.strip_prefix(['\'', '’', '‘', '＇'])?;
        Some((rest.trim(), Damage::TextMark))
    });
    bare.filter(|(inner, _)| !inner.is_empty())
}

fn written_out(text: &str) -> Option<(String, Damage)> {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if let Some((mantissa, exponent)) = text.split_once(['e', 'E']) {
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let bare = exponent.strip_prefix('+');
        let sure = bare.is_some() || !fraction.is_empty();
        let exponent = bare.unwrap_or(exponent);
        let sound = sure
            && whole.len() == 1
            && digits(whole)
            && (fraction.is_empty() || digits(fraction))
            && (1..=2).contains(&exponent.len())
            && digits(exponent);
        let size = exponent.parse::<usize>().ok().filter(|_| sound)? + 1;
        let all = format!("{whole}{fraction}");
        return Some(match all.get(..size) {
            Some(number) if all[size..].bytes().all(|b| b == b'0') => {
                (number.to_owned(), Damage::Scientific)
            }
            _ => (text.to_owned(), Damage::DigitsLost),
        });
    }
    // Below five digits it may well be a quantity or a version.
    let (whole, fraction) = text.split_once('.')?;
    let decimals = !fraction.is_empty() && fraction.bytes().all(|b| b == b'0');
    (whole.len() >= 5 && digits(whole) && decimals).then(|| (whole.to_owned(), Damage::Decimals))
}

/// An e-mail address freed of what copies bring along, if it is one then.
#[must_use]
pub fn address(raw: &str) -> Option<(String, Damage)> {
    let text = raw.trim();
    let marked = text.starts_with(['\'', '’', '‘', '＇']);
    if !marked && email::parse(text).is_ok() {
        return None;
    }
    let inner = text.rsplit_once('<').map_or(text, |(_, rest)| rest);
    let bare =
        inner.trim_matches(|c: char| c.is_whitespace() || "'’‘＇\"“”<>.,;:，。；：、".contains(c));
    let bare = bare.strip_prefix("mailto:").unwrap_or(bare);
    let bare: String = bare.chars().filter(|c| !c.is_whitespace() && *c != '\u{200b}').collect();
    let damage = if marked { Damage::TextMark } else { Damage::Wrapping };
    email::parse(&bare).is_ok().then_some((bare, damage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_where_no_digit_was_lost() {
        for (raw, meant, damage) in [
            ("'15912345678", "15912345678", Damage::TextMark),
            ("’15912345678 ", "15912345678", Damage::TextMark),
            ("=\"15912345678\"", "15912345678", Damage::Formula),
            ("15912345678.0", "15912345678", Damage::Decimals),
            ("15912345678.00", "15912345678", Damage::Decimals),
            ("'15912345678.0", "15912345678", Damage::Decimals),
            ("1.5912345678E+10", "15912345678", Damage::Scientific),
            ("1.5912345678e10", "15912345678", Damage::Scientific),
            ("1.59123456780E+10", "15912345678", Damage::Scientific),
            ("'010-62785001", "010-62785001", Damage::TextMark),
        ] {
            assert_eq!(number(raw), Some((meant.into(), damage)), "{raw}");
        }
    }

    #[test]
    fn lost_digits_are_not_made_up() {
        for raw in ["1.78E+10", "1.5912345E+10", "1.10101199003077E+17", "2E+10"] {
            assert_eq!(number(raw), Some((raw.into(), Damage::DigitsLost)), "{raw}");
        }
    }

    #[test]
    fn what_is_whole_stays() {
        for raw in [
            "15912345678",
            "010-62785001",
            "+86 159 1234 5678",
            "159.1234.5678",
            "1.0",
            "",
            "'",
            "11010119900307757X",
            "91350100M000100Y43",
            "12E5X",
            "ME1E5",
            "1E10",
            "15912345678.5",
        ] {
            assert_eq!(number(raw), None, "{raw}");
        }
    }

    #[test]
    fn addresses_are_freed_of_what_copies_bring() {
        for (raw, meant) in [
            ("'zs@example.cn", "zs@example.cn"),
            ("mailto:zs@example.cn", "zs@example.cn"),
            ("张三 <zs@example.cn>", "zs@example.cn"),
            ("zs@example.cn；", "zs@example.cn"),
            ("zs @example.cn", "zs@example.cn"),
        ] {
            assert_eq!(address(raw).map(|(meant, _)| meant).as_deref(), Some(meant), "{raw}");
        }
        for raw in ["zs@example.cn", "zs.example.cn", "a@x.cn;b@x.cn", "无", ""] {
            assert_eq!(address(raw), None, "{raw}");
        }
    }
}
