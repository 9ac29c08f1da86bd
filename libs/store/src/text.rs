//! Search tokens for Chinese and Latin text, computed in one pure function, so that PostgreSQL and
//! SQLite find the same rows.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

const MAX_TOKENS: usize = 2_000;
const MAX_WORD: usize = 40;

fn is_cjk(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_134F)
}

/// Tokens of a text to be found: of every run of Chinese characters each character and each
/// bigram; words and numbers in lower case without accents (NFKD). Sorted, at most 2,000.
#[must_use]
pub fn index_tokens(text: &str) -> Vec<String> {
    let mut tokens = BTreeSet::new();
    for run in runs(text) {
        if run.chinese {
            let chars: Vec<char> = run.text.chars().collect();
            tokens.extend(chars.iter().map(char::to_string));
            tokens.extend(chars.windows(2).map(|pair| pair.iter().collect::<String>()));
        } else {
            tokens.insert(run.text);
        }
    }
    tokens.into_iter().take(MAX_TOKENS).collect()
}

/// Tokens that all must be present for a query to match: bigrams where there are two characters or
/// more, else the single character.
#[must_use]
pub fn query_tokens(text: &str) -> Vec<String> {
    let mut tokens = BTreeSet::new();
    for run in runs(text) {
        let chars: Vec<char> = run.text.chars().collect();
        if run.chinese && chars.len() > 1 {
            tokens.extend(chars.windows(2).map(|pair| pair.iter().collect::<String>()));
        } else {
            tokens.insert(run.text);
        }
    }
    tokens.into_iter().take(32).collect()
}

struct Run {
    text: String,
    chinese: bool,
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open = false;
    let plain = text.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c));
    for c in plain.flat_map(char::to_lowercase) {
        if !c.is_alphanumeric() {
            open = false;
            continue;
        }
        let chinese = is_cjk(c);
        match runs.last_mut() {
            Some(run) if open && run.chinese == chinese => {
                if chinese || run.text.chars().count() < MAX_WORD {
                    run.text.push(c);
                }
            }
            _ => runs.push(Run { text: c.to_string(), chinese }),
        }
        open = true;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_cut_into_bigrams_and_latin_into_words() {
        assert_eq!(
            index_tokens("快递丢失 Café-42"),
            ["42", "cafe", "丢", "丢失", "失", "快", "快递", "递", "递丢"]
        );
        assert_eq!(query_tokens("快递丢失"), ["丢失", "快递", "递丢"]);
        assert_eq!(query_tokens("丢"), ["丢"]);
        assert!(query_tokens(" --- ").is_empty());
    }

    #[test]
    fn every_query_taken_from_a_text_finds_it() {
        let text = "客户投诉：包裹破损，要求赔偿 ABC123 ＦＵＬＬ";
        let index: BTreeSet<_> = index_tokens(text).into_iter().collect();
        for query in ["投诉", "包裹破损", "abc123", "full", "赔", "客户投诉"] {
            assert!(query_tokens(query).iter().all(|t| index.contains(t)), "{query}");
        }
    }
}
