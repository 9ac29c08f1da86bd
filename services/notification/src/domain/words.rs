//! What people wrote, made fit to stand in a mail: plain text of bounded length. Escaping for HTML
//! is the template's.

use kernel::Locale;

/// Characters of an answer or a resolution in one mail.
pub const MAX_WORDS: usize = 8_000;

/// `text` with line ends as `\n`, without control characters and without those that turn the
/// direction of writing (they make a text look like another); longer than `max` it is cut, and a
/// note in the reader's language says so.
#[must_use]
pub fn tidy(text: &str, max: usize, locale: Locale) -> String {
    let unix = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let plain: String =
        unix.chars().filter(|c| matches!(c, '\n' | '\t') || !unwelcome(*c)).collect();
    let plain = plain.trim();
    if plain.chars().count() <= max {
        return plain.to_owned();
    }
    let kept: String = plain.chars().take(max).collect();
    let note = match locale {
        Locale::En => "[The text is longer than fits here. Please contact us for the rest.]",
        Locale::ZhCn => "（内容较长，此处未能全部列出，如需全文请与我们联系。）",
    };
    format!("{}…\n\n{note}", kept.trim_end())
}

fn unwelcome(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_plain_text() {
        let text = "  Dear Li,\r\nsee\u{202e}fdp.exe\u{0}\u{1b}[1m\tbelow\r";
        assert_eq!(tidy(text, 100, Locale::En), "Dear Li,\nseefdp.exe[1m\tbelow");
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let text = "字".repeat(50);
        assert_eq!(tidy(&text, 50, Locale::ZhCn), text);
        let cut = tidy(&text, 10, Locale::ZhCn);
        assert!(cut.starts_with(&format!("{}…\n\n（", "字".repeat(10))), "{cut}");
        assert!(tidy(&text, 10, Locale::En).contains("contact us for the rest"));
    }
}
