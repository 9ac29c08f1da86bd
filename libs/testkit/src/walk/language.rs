//! What a caller who reads Chinese is told: all of it in Chinese, none of it a library's words.

use serde_json::Value;

/// What is not Chinese in a problem's title, detail and field errors.
pub(super) fn not_chinese(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = [&problem["title"], &problem["detail"]]
        .into_iter()
        .chain(errors.iter().map(|error| &error["detail"]))
        .filter_map(Value::as_str);
    let title = problem["title"].is_string();
    let missing = (!title).then(|| "there is no title".to_owned());
    texts.filter(|text| !reads_chinese(text)).map(str::to_owned).chain(missing).collect()
}

/// A sentence has Chinese in it and no run of English words.
fn reads_chinese(text: &str) -> bool {
    let chinese = text.chars().any(kernel::is_chinese);
    let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    let mut run = 0;
    let english = text.split(' ').any(|word| {
        run = if is_word(&word) { run + 1 } else { 0 };
        run >= 3
    });
    chinese && !english
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn english_and_librarys_words_are_found() {
        let good = json!({ "title": "部分字段不符合要求",
            "errors": [{ "detail": "须在 1 至 200 之间" }, { "detail": "只能是以下之一：low、normal" }] });
        assert_eq!(not_chinese(&good), [""; 0]);
        for bad in [
            json!({}),
            json!({ "title": "some fields are not acceptable" }),
            json!({ "title": "无效", "detail": "invalid type: integer `1`" }),
            json!({ "title": "无效", "errors": [{ "detail": "无效：expected a string at line 1" }] }),
        ] {
            assert_ne!(not_chinese(&bad), [""; 0], "{bad}");
        }
    }
}
