//! Texts for people about imports.

kernel::catalogue! {
    // Files
    undecodable()
        "the file is neither UTF-8 nor GB18030 text; save it as \"CSV UTF-8\""
        "文件既不是 UTF-8 也不是 GB18030 编码的文本，请另存为“CSV UTF-8”";
    no_header() "the first line names no columns" "首行没有列名";
    column_twice(field, one, two)
        "the columns \"{one}\" and \"{two}\" are both {field}; say which one counts, e.g. {two}={field}"
        "“{one}”与“{two}”两列都对应 {field}，请指明用哪一列，如 {two}={field}";
    column_missing(field, known)
        "a column \"{field}\" is needed; there are: {known}"
        "缺少“{field}”列；文件中的列：{known}";
    no_such_column(name, known)
        "there is no column \"{name}\" in the file; there are: {known}"
        "文件中没有“{name}”列；文件中的列：{known}";
    no_such_field(name, known)
        "there is no field \"{name}\"; there are: {known}"
        "没有字段“{name}”；可用字段：{known}";
    bad_mapping(given) "\"{given}\" is not of the form COLUMN=FIELD" "“{given}”不符合“列名=字段”的形式";
    rows_between(min, max) "needs {min} to {max} rows" "须有 {min} 至 {max} 行";
    too_many_rows(most) "the file has more than {most} rows; split it" "文件超过 {most} 行，请拆分";
    charsets(known) "of charsets are accepted here: {known}" "此处接受的字符集：{known}";
    media_type() "text/csv is accepted here" "此处只接受 text/csv";

    // Lines
    cells(found, expected)
        "the line has {found} cells, the header {expected}"
        "该行有 {found} 列，表头有 {expected} 列";
    open_quote() "a quotation mark is opened and not closed" "引号没有闭合";

    // Values
    text_mark()
        "a spreadsheet's text mark before it was taken away"
        "已去掉电子表格加在前面的文本标记";
    formula() "the formula around it was taken away" "已去掉外层的公式";
    decimals() "the decimals of a spreadsheet were taken away" "已去掉电子表格加上的小数";
    scientific() "scientific notation was written out" "已由科学计数法还原";
    wrapping() "what stood around the address was taken away" "已去掉地址前后多余的字符";
    digits_lost()
        "a spreadsheet has rounded the number; its last digits are not in the file"
        "号码被电子表格四舍五入，末几位已不在文件中";
    odd_key()
        "looks as if a spreadsheet had changed it; taken as it is, because another key is another record"
        "疑似被电子表格改动；编号不同即为另一条记录，因此按原样采用";
    kept_and_marked() "is kept and marked, and not used" "已保留并标记，不予使用";
    unusable() "cannot be used" "无法使用";
    known_value_kept()
        "the value that was known from this source is kept"
        "已保留该来源此前提供的值";
    held_by_another()
        "another customer has this identifier and is the one found by it"
        "另一客户已有该标识，按该标识查到的是那位客户";
    repeated_source_key(line)
        "line {line} has this source key already"
        "第 {line} 行已有相同的客户编号";
    another_name()
        "the source had another name under this key; is it the same customer?"
        "来源系统在该编号下原为另一姓名，是否同一客户？";
    another_identifier(kind)
        "the source had another {kind} under this key; is it the same customer?"
        "来源系统在该编号下原为另一 {kind}，是否同一客户？";
    person_or_organisation() "must be person or organisation" "只能是 person（个人）或 organisation（单位）";
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_whole_in_both_languages() {
        assert_eq!(kernel::faults_of_catalogue(super::CATALOGUE), [""; 0]);
    }
}
