//! What this service tells callers. Shared texts stand in [`kernel::messages`].

kernel::catalogue! {
    // Plans and draws
    plan_stays() "a plan stays in its unit" "抽检计划不能转到其他机构";
    unknown_scorecard() "there is no such scorecard" "评分表不存在";
    seed_range() "must be 0 to 2^53 - 1" "须在 0 至 2^53 - 1 之间";

    // Scorecards
    key_form()
        "a key has 1 to 40 characters of a-z, 0-9, _ and -"
        "标识须为 1 至 40 个字符，只能用 a-z、0-9、_ 和 -";
    key_taken() "the unit has a scorecard with this key" "本机构已有使用此标识的评分表";
    key_used_already() "the key is already taken" "该标识已被使用";
    text_in_a_language() "needs a text in zh or en" "须填写中文（zh）或英文（en）文本";
    sections_between(min, max) "needs {min} to {max} sections" "须有 {min} 至 {max} 个评分大项";
    items_between(min, max) "needs {min} to {max} items" "须有 {min} 至 {max} 个评分项";
    options_between(min, max) "needs {min} to {max} options" "须有 {min} 至 {max} 个选项";
    text_is_not_fatal() "a text item cannot be fatal" "文本项不能设为致命项";
    bounds_too_large() "bounds may be at most one million" "上下限不能超过一百万";
    empty_range()
        "the highest value must be above the lowest"
        "最大值须大于最小值";
    negative_points()
        "points mode needs values of 0 and more"
        "积分制的分值不能小于 0";
    item_weights_sum_to_zero()
        "the weights of the scored items sum to 0"
        "计分项的权重合计为 0";
    section_weights_sum_to_zero()
        "the weights of the sections with scored items sum to 0"
        "含计分项的评分大项权重合计为 0";

    // Answers
    unknown_item(item, known)
        "the scorecard has no item \"{item}\"; its items: {known}"
        "评分表中没有评分项“{item}”，评分项有：{known}";
    answered_twice() "the item is answered twice" "该评分项重复作答";
    text_bound(max)
        "at most {max} characters without NUL"
        "最多 {max} 个字符，且不能包含空字符（NUL）";
    must_be_answered() "the item must be answered" "该评分项必须作答";
    value_or_na() "give a value or na" "请填写分值，或标记为不适用（na）";
    not_value_and_na() "give either a value or na" "分值与不适用（na）只能填写其一";
    true_or_false() "must be true or false" "须为 true 或 false";
    whole_number(min, max)
        "must be a whole number from {min} to {max}"
        "须为 {min} 至 {max} 的整数";
    number(min, max) "must be a number from {min} to {max}" "须为 {min} 至 {max} 的数字";
    text() "must be text" "须为文本";
    not_answered() "the item is not answered" "该评分项未作答";
    evidence_needed() "the answer needs evidence" "该答案须附依据";

    // Appeals
    named_items_between(min, max) "name {min} to {max} items" "请指明 {min} 至 {max} 个评分项";
    item_named_twice() "the item is named twice" "该评分项重复出现";
    not_disputed() "the appeal does not name this item" "申诉未涉及该评分项";
    rejected_changes_nothing() "a rejected appeal changes nothing" "驳回申诉时不能更改答案";
    partly_changes_something()
        "name at least one changed answer"
        "请至少填写一项更改后的答案";
    accepted_changes_all()
        "an accepted appeal changes every disputed item; otherwise it is accepted partly"
        "全部支持须更改所有申诉项，否则请选择部分支持";
    limit_was(at) "the limit was {at}" "申诉截止时间为 {at}";

    // Rectifications
    unknown_ticket() "there is no such ticket" "工单不存在";
    other_ticket() "the evaluation is about another ticket" "该评分对应的是另一张工单";
    within_years(years) "must be within {years} years" "须在 {years} 年以内";
    unknown_evaluation()
        "there is no such published evaluation"
        "没有这份已发布的评分";
    it_is(state) "it is {state}" "当前状态：{state}";
    open() "open" "待整改";
    done() "done" "已整改待验证";
    verified() "verified" "已验证";
    withdrawn() "withdrawn" "已撤销";
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_whole_in_both_languages() {
        assert_eq!(kernel::faults_of_catalogue(super::CATALOGUE), [""; 0]);
        assert_eq!(kernel::faults_of_codes(crate::codes::ALL), [""; 0]);
    }
}
