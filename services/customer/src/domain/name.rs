//! Names: one normal form, and the words under which a name is found (Chinese, pinyin, Latin).

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
    fn white_space_is_collapsed() {
        assert_eq!(normalise(" John\u{3000}  Q.\tPublic\n"), "John Q. Public");
    }
}
