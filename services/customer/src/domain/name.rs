//! Names: one normal form, the words under which a name is found (Chinese, pinyin, Latin), and
//! whether two names may be one person's.

use std::collections::BTreeSet;

use pinyin::ToPinyin;

/// Surnames that are read otherwise than the character usually is, compound ones first.
const SURNAMES: [(&str, &[&str]); 22] = [
    ("万俟", &["mo", "qi"]),
    ("尉迟", &["yu", "chi"]),
    ("单于", &["chan", "yu"]),
    ("澹台", &["tan", "tai"]),
    ("长孙", &["zhang", "sun"]),
    ("单", &["shan"]),
    ("曾", &["zeng"]),
    ("仇", &["qiu"]),
    ("解", &["xie"]),
    ("区", &["ou"]),
    ("查", &["zha"]),
    ("朴", &["piao"]),
    ("盖", &["ge"]),
    ("翟", &["zhai"]),
    ("任", &["ren"]),
    ("华", &["hua"]),
    ("种", &["chong"]),
    ("繁", &["po"]),
    ("折", &["she"]),
    ("尹", &["yin"]),
    ("缪", &["miao"]),
    ("乐", &["yue"]),
];

/// Collapses white space (full-width too) and drops control characters.
#[must_use]
pub fn normalise(raw: &str) -> String {
    let spaced: String = raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything that a name should be found by: itself and the pinyin of each Chinese run, spelled
/// together, apart and as initials, with the surname's own reading.
#[must_use]
pub fn search_text(name: &str) -> String {
    let mut words = vec![name.to_owned()];
    for run in chinese_runs(name) {
        for reading in readings(&run) {
            let joined = reading.concat();
            // People type ü as v or u; search folds it to u by itself.
            if joined.contains('ü') {
                words.push(joined.replace('ü', "v"));
            }
            words.push(joined);
            let initials: String = reading.iter().filter_map(|s| s.chars().next()).collect();
            words.push(initials);
            words.extend(reading.into_iter().map(str::to_owned));
        }
    }
    words.join(" ")
}

/// The usual reading, and where the first characters are a surname with a reading of its own, that
/// one as well: a company's name may start with the same character.
fn readings(run: &str) -> Vec<Vec<&'static str>> {
    let plain: Vec<&'static str> = run.to_pinyin().flatten().map(|p| p.plain()).collect();
    let mut all = vec![plain];
    if let Some((surname, reading)) = SURNAMES.iter().find(|(s, _)| run.starts_with(s)) {
        let rest = (&run[surname.len()..]).to_pinyin().flatten().map(|p| p.plain());
        let special: Vec<&'static str> = reading.iter().copied().chain(rest).collect();
        if special != all[0] {
            all.push(special);
        }
    }
    all
}

/// The name as somebody who may not see it is shown it: its first character.
#[must_use]
pub fn mask(name: &str) -> String {
    name.chars().take(1).chain("**".chars()).collect()
}

/// Whether two parties' names, each with its Latin spelling if it has one, are compatible: the same
/// text, case, white space, punctuation and full-width forms aside; the same Latin words, the
/// surname first or last; or the pinyin of the one spelled in Latin by the other (张三, "San Zhang").
/// Two Chinese names that only sound alike are two names.
#[must_use]
pub fn compatible(a: (&str, Option<&str>), b: (&str, Option<&str>)) -> bool {
    let (a, b) = (Forms::of(a), Forms::of(b));
    let meet = |x: &BTreeSet<String>, y: &BTreeSet<String>| x.intersection(y).next().is_some();
    meet(&a.written, &b.written) || meet(&a.read, &b.written) || meet(&a.written, &b.read)
}

/// Ways in which a name may stand, without spaces.
#[derive(Debug, Default)]
struct Forms {
    written: BTreeSet<String>,
    /// Pinyin of a wholly Chinese name.
    read: BTreeSet<String>,
}

impl Forms {
    fn of((name, latin): (&str, Option<&str>)) -> Self {
        let mut forms = Self::default();
        for text in std::iter::once(name).chain(latin) {
            let words = words(text);
            let joined = words.concat();
            if joined.is_empty() {
                continue;
            }
            if let [first @ .., last] = &words[..]
                && joined.chars().all(|c| c.to_pinyin().is_none())
            {
                forms.written.insert(format!("{last}{}", first.concat()));
            }
            if joined.chars().all(|c| c.to_pinyin().is_some()) {
                for reading in readings(&joined) {
                    let reading = reading.concat();
                    // Passports and forms write ü as v, u or yu.
                    for plain in ["ü", "v", "u", "yu"] {
                        forms.read.insert(reading.replace('ü', plain));
                    }
                }
            }
            forms.written.insert(joined);
        }
        forms
    }
}

/// Letters and digits in lower case, full-width ones made plain; the rest only separates.
fn words(text: &str) -> Vec<String> {
    let plain = |c: char| match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => c,
    };
    text.chars()
        .map(plain)
        .collect::<String>()
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn chinese_runs(text: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut open = false;
    for c in text.chars() {
        let chinese = c.to_pinyin().is_some();
        match runs.last_mut() {
            Some(run) if open && chinese => run.push(c),
            _ if chinese => runs.push(c.to_string()),
            _ => {}
        }
        open = chinese;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(name: &str, query: &str) -> bool {
        search_text(name).split(' ').any(|word| word == query)
    }

    #[test]
    fn chinese_names_are_found_by_pinyin() {
        for query in ["张三", "zhangsan", "zhang", "san", "zs"] {
            assert!(finds("张三", query), "{query}");
        }
        for query in ["ouyangxiu", "oyx"] {
            assert!(finds("欧阳修", query), "{query}");
        }
        for query in ["Siemens", "xi", "ximenzi", "zhongguo"] {
            assert!(finds("Siemens 西门子 (中国)", query), "{query}");
        }
        assert!(finds("吕布", "lvbu") && finds("吕布", "lübu"));
    }

    #[test]
    fn surnames_keep_their_own_reading() {
        for (name, query) in [
            ("单雄信", "shanxiongxin"),
            ("曾国藩", "zengguofan"),
            ("仇英", "qiuying"),
            ("解缙", "xiejin"),
            ("尉迟恭", "yuchigong"),
            ("万俟卨", "moqixie"),
            ("查良镛", "zhaliangyong"),
            ("区寄", "ouji"),
        ] {
            assert!(finds(name, query), "{name}: {}", search_text(name));
        }
        assert!(finds("解放路小学", "jiefangluxiaoxue"));
    }

    #[test]
    fn names_that_may_be_one_persons() {
        for (a, b) in [
            ("张三", "张 三"),
            ("张三", "Zhang San"),
            ("San ZHANG", "张三"),
            ("单雄信", "Shan Xiongxin"),
            ("欧阳修", "Xiu Ouyang"),
            ("吕布", "LV BU"),
            ("Alice Smith", "smith, alice"),
            ("阿凡提·买买提", "阿凡提买买提"),
            ("ＡＢＣ有限公司", "abc有限公司"),
        ] {
            assert!(compatible((a, None), (b, None)), "{a} {b}");
            assert!(compatible((b, None), (a, None)), "{b} {a}");
        }
        assert!(compatible(("王芳", Some("Fanny Wang")), ("Wang Fanny", None)));
    }

    #[test]
    fn names_that_are_two_persons() {
        for (a, b) in [
            ("张三", "李四"),
            ("张三", "骗子"),
            ("张三", "张叁"),
            ("张三", "Zhang"),
            ("王丽", "王莉"),
            ("Alice Smith", "Bob Smith"),
            ("·", "。"),
            ("张三", ""),
        ] {
            assert!(!compatible((a, None), (b, None)), "{a} {b}");
        }
        assert!(!compatible(("王芳", Some("Fang Wang")), ("李雷", Some("Lei Li"))));
    }

    #[test]
    fn a_masked_name_is_its_first_character() {
        assert_eq!((mask("张三").as_str(), mask("").as_str()), ("张**", "**"));
    }

    #[test]
    fn white_space_is_collapsed() {
        assert_eq!(normalise(" John\u{3000}  Q.\tPublic\n"), "John Q. Public");
    }
}
