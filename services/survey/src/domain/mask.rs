//! Masks what looks like personal data in a respondent's own words.

/// Shortest run of digits that is taken for a phone or card number.
const DIGITS: usize = 7;

/// The text with e-mail addresses and long numbers masked, the rest as it is.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars() {
        let joins = c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '+');
        if joins {
            word.push(c);
        } else if c == ' ' && number_so_far(&word) {
            // Numbers are often written in groups.
            word.push(c);
        } else {
            flush(&mut word, &mut out);
            out.push(c);
        }
    }
    flush(&mut word, &mut out);
    out
}

fn number_so_far(word: &str) -> bool {
    word.chars().next_back().is_some_and(|c| c.is_ascii_digit())
        && word.chars().all(|c| !c.is_ascii_alphabetic())
}

fn flush(word: &mut String, out: &mut String) {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let mail =
        word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if mail {
        out.push_str("***");
        // A closing full stop is the sentence's.
        out.extend(word.chars().next_back().filter(|c| *c == '.'));
    } else if digits >= DIGITS {
        let mut left = digits;
        for c in word.chars() {
            if c.is_ascii_digit() {
                out.push(if left <= 2 { c } else { '*' });
                left -= 1;
            } else {
                out.push(c);
            }
        }
    } else {
        out.push_str(word);
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_are_masked_and_nothing_else() {
        assert_eq!(mask("打我电话13812345678，谢谢"), "打我电话*********78，谢谢");
        assert_eq!(mask("call 138 1234 5678 now"), "call *** **** **78 now");
        assert_eq!(mask("write to a.b@example.com."), "write to ***.");
        assert_eq!(mask("waited 30 days, 2 of 5 lost"), "waited 30 days, 2 of 5 lost");
        assert_eq!(mask("<script>alert(1)</script>"), "<script>alert(1)</script>");
    }
}
