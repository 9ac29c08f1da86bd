//! What this service tells callers. Shared texts stand in [`kernel::messages`]; the words of the
//! answer page in `page/texts.rs`.

use kernel::Text;

use crate::domain::{answers::Fault, trigger::Skip};

kernel::catalogue! {
    // Surveys and triggers
    key_form()
        "a key has 1 to 60 characters of a-z, 0-9, _ and -"
        "标识须为 1 至 60 个字符，只能用 a-z、0-9、_ 和 -";
    unknown_template(template, known)
        "there is no template \"{template}\"; templates: {known}"
        "没有模板“{template}”，可用模板：{known}";
    unknown_survey() "there is no such survey" "问卷不存在";
    words_bound(most, min, max)
        "at most {most} words of {min} to {max} characters"
        "最多 {most} 个词，每个词 {min} 至 {max} 个字符";
    rating_question(known)
        "must be csat, nps or a rating question of the survey: {known}"
        "须为 csat、nps 或问卷中的评分题：{known}";
    most_bytes(max) "may have at most {max} bytes" "最多 {max} 字节";
    window(days)
        "the window is from before to and at most {days} days long"
        "起始时间须早于结束时间，且跨度不超过 {days} 天";

    // Invitations
    unknown_customer() "there is no such customer" "没有这位客户";
    no_customer() "the ticket has no customer (no_customer)" "工单没有关联客户（no_customer）";
    internal() "the ticket is an internal one (internal)" "该工单为内部工单（internal）";
    duplicate()
        "the customer was asked about this ticket already (duplicate)"
        "已就此工单邀请过该客户（duplicate）";
    opted_out()
        "the customer does not want to be asked (opted_out)"
        "客户已选择不再接收调查（opted_out）";
    cool_down()
        "the customer was asked a short while ago (cool_down)"
        "该客户近期已被邀请，尚在间隔期内（cool_down）";
    reopened() "the ticket was reopened (reopened)" "工单已重新打开（reopened）";

    // Answers
    unknown_question(question, known)
        "the survey has no question \"{question}\"; its questions: {known}"
        "问卷中没有题目“{question}”，题目有：{known}";
    answer_required() "must be answered" "必须作答";
    not_a_choice() "must be one of the options given" "须从给出的选项中选择";
    wrong_form() "the answer has the wrong form" "回答的格式不正确";
    choices_at_least(min) "needs at least {min} choices" "至少选择 {min} 项";
    choices_at_most(max) "may have at most {max} choices" "最多选择 {max} 项";

    // Figures
    no_question(question, known)
        "there is no question \"{question}\"; questions: {known}"
        "没有题目“{question}”，题目有：{known}";
    question_must_be(question, wanted) "\"{question}\" must be {wanted}" "题目“{question}”须为{wanted}";
    rating_exactly(min, max) "a rating of exactly {min} to {max}" "恰好 {min} 至 {max} 的评分题";
    comment_or_text() "a comment or text question" "文本题或意见题";
    yes_or_no() "a yes/no question" "是非题";

    // Definitions
    definition_is_object() "a definition is a JSON object" "问卷定义须为 JSON 对象";
    is_list(key) "{key} is an array" "{key} 须为数组";
    page_is_object() "a page is an object" "页面须为对象";
    element_is_object() "an element is an object" "元素须为对象";
    validator_is_object() "a validator is an object" "校验器须为对象";
    too_many_elements(max) "more than {max} elements" "元素超过 {max} 个";
    element_has_type() "an element has a type" "元素须有类型（type）";
    element_has_name()
        "an element has a name without outer blanks"
        "元素须有名称（name），首尾不能有空格";
    name_bound(max)
        "a name has at most {max} characters and no braces"
        "名称最多 {max} 个字符，不能含花括号";
    name_twice(name) "\"{name}\" is used twice" "名称“{name}”重复使用";
    is_text(key) "{key} is a text" "{key} 须为文本";
    text_or_languages()
        "a text is a string or an object of strings by language"
        "文本须为字符串，或按语言给出字符串的对象";
    is_flag(key) "{key} is true or false" "{key} 须为 true 或 false";
    is_number(key) "{key} is a number" "{key} 须为数字";
    members_between(key, min, max) "{key} has {min} to {max} members" "{key} 须有 {min} 至 {max} 项";
    a_choice()
        "a choice is a text, a number or an object with value and text"
        "选项须为文本、数字，或含 value 与 text 的对象";
    offered_twice(choice) "\"{choice}\" is offered twice" "选项“{choice}”重复出现";
    choice_not_carried_out(key) "{key} of a choice is not carried out" "选项的 {key} 不会执行";
    not_carried_out(key) "{key} is kept but not carried out" "{key} 会保留，但不会执行";
    validator_not_carried_out(kind)
        "validator \"{kind}\" is kept but not carried out"
        "校验器“{kind}”会保留，但不会执行";
    input_as_text(kind)
        "input type \"{kind}\" is taken as plain text"
        "输入类型“{kind}”按普通文本处理";
    element_not_shown(kind)
        "element type \"{kind}\" is kept but not shown on the answer page"
        "元素类型“{kind}”会保留，但不在答题页显示";
    rating_steps(max)
        "a rating has 2 to {max} whole steps from rateMin to rateMax"
        "评分题从 rateMin 到 rateMax 须有 2 至 {max} 个整数档";
    nobody_can_choose() "nobody can choose that many" "无法选择这么多项";
    nobody_can_write()
        "nobody can write a text that long and that short"
        "最短与最长字数互相矛盾";
    answer_is_flag(key)
        "{key} is kept; the answer is true or false"
        "{key} 会保留，答案仍为 true 或 false";
    html_as_text()
        "the answer page shows the words without their markup"
        "答题页只显示文字，不显示其标记";
    asks_nothing()
        "the survey asks nothing that can be answered here"
        "问卷中没有可在此作答的题目";
    unknown_reference(name, unknown)
        "\"{name}\" depends on \"{unknown}\", which is no question of this survey"
        "“{name}”引用了“{unknown}”，但问卷中没有该题";
    circular_logic(name)
        "whether \"{name}\" is shown depends on its own answer"
        "“{name}”是否显示取决于其自身的答案";

    // Conditions
    at_character(message, at) "{message} at character {at}" "第 {at} 个字符处：{message}";
    expression_too_long(max) "more than {max} characters" "超过 {max} 个字符";
    expression_empty() "the expression is empty" "表达式为空";
    nested_too_deeply(max) "more than {max} levels of nesting" "嵌套超过 {max} 层";
    reference_not_closed() "a reference is not closed with a brace" "引用缺少右花括号";
    reference_names_nothing() "a reference names no question" "引用未指明题目";
    text_not_closed() "a text is not closed" "文本缺少结束引号";
    no_number(given) "\"{given}\" is no number" "“{given}”不是数字";
    not_understood(given) "\"{given}\" is not understood" "无法识别“{given}”";
    no_functions() "functions are not supported" "不支持函数";
    operator_expected() "an operator was expected" "此处应为运算符";
    value_expected() "a value was expected" "此处应为值";
    closing_expected() "a closing parenthesis was expected" "此处应为右括号";
    comma_or_end_expected() "a comma or closing bracket was expected" "此处应为逗号或右方括号";
}

/// What is wrong with an answer.
#[must_use]
pub fn fault(fault: &Fault) -> Text {
    use kernel::messages as shared;
    match fault {
        Fault::Required => answer_required(),
        Fault::NotAChoice => not_a_choice(),
        Fault::WrongType => wrong_form(),
        Fault::TooShort(n) => shared::too_short(*n),
        Fault::TooLong(n) => shared::too_long(*n),
        Fault::TooFew(n) => choices_at_least(*n),
        Fault::TooMany(n) => choices_at_most(*n),
        Fault::TooSmall(n) => shared::at_least(*n),
        Fault::TooLarge(n) => shared::at_most(*n),
    }
}

/// Why somebody is not asked; the word of the event stands in it.
#[must_use]
pub fn skip(why: Skip) -> Text {
    match why {
        Skip::NoCustomer => no_customer(),
        Skip::Internal => internal(),
        Skip::Duplicate => duplicate(),
        Skip::OptedOut => opted_out(),
        Skip::CoolDown => cool_down(),
        Skip::Reopened => reopened(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_whole_in_both_languages() {
        assert_eq!(kernel::faults_of_catalogue(super::CATALOGUE), [""; 0]);
        assert_eq!(kernel::faults_of_codes(crate::codes::ALL), [""; 0]);
    }
}
