//! What this service tells callers. Shared texts stand in [`kernel::messages`].

use kernel::Text;

kernel::catalogue! {
    // What is configured
    unknown_kind(kind, known)
        "there is no kind \"{kind}\"; kinds: {known}"
        "没有工单类型“{kind}”，可用类型：{known}";
    unknown_category(category, known)
        "the kind has no category \"{category}\"; its categories: {known}"
        "该工单类型没有分类“{category}”，可用分类：{known}";
    unknown_queue(queue, known)
        "there is no queue \"{queue}\"; queues: {known}"
        "没有队列“{queue}”，可用队列：{known}";
    unknown_department(department, known)
        "there is no department \"{department}\"; departments: {known}"
        "没有部门“{department}”，可用部门：{known}";
    unknown_calendar(calendar, known)
        "there is no calendar \"{calendar}\"; calendars: {known}"
        "没有日历“{calendar}”，可用日历：{known}";
    only_root_configures(root) "only {root} itself configures" "仅 {root} 本级可以维护配置";
    key_form()
        "a key has 1 to 64 characters of a-z, 0-9, - and _"
        "标识须为 1 至 64 个字符，只能用 a-z、0-9、- 和 _";
    keys_stand_once(twice)
        "every key may stand once; twice: {twice}"
        "标识不能重复，重复的有：{twice}";
    each_stands_once() "each may stand once" "每个值只能出现一次";
    most_levels(max) "may have at most {max} levels" "最多 {max} 层";
    days_or_null(min, max) "must be {min} to {max}, or null" "须为 {min} 至 {max}，或 null";
    minutes_above_zero(max)
        "must be more than 0 and at most {max} minutes"
        "须大于 0 且不超过 {max} 分钟";
    minutes_from_zero(max) "must be 0 to {max} minutes" "须在 0 至 {max} 分钟之间";
    each_between(min, max) "each must be {min} to {max}" "每个值须在 {min} 至 {max} 之间";

    // Tickets
    unknown_customer() "there is no such customer" "没有这位客户";
    customer_not_yet()
        "the customer was made just now and is not known here yet; try again in a moment"
        "客户刚刚建立，资料尚未同步到工单，请稍后重试";
    reference_required()
        "is required where external_source is given"
        "填写 external_source 时必填";
    only_complaints_have_levels() "only complaints have a level" "只有投诉工单才有投诉等级";
    lowering_needs_reason()
        "lowering priority or complaint level needs a reason"
        "降低优先级或投诉等级须填写原因";
    ticket_is(status) "the ticket is {status}" "工单当前状态：{status}";
    task_is(state) "the task is {state}" "协办单当前状态：{state}";
    opened_before(number, id) "it opened {number} ({id})" "已生成工单 {number}（{id}）";
    only_staff_claim() "only a member of staff can claim a ticket" "只有工作人员可以受理工单";
    queue_or_department() "name a queue or a department" "请指定队列或部门";
    customer_does_not_pause()
        "what the customer says does not pause their ticket"
        "客户来信不能使工单转为待客户反馈";
    ahead_within_years(years)
        "must lie in the future, within {years} years"
        "须为 {years} 年内的将来时间";

    // Words of states
    new() "new" "新建";
    open() "open" "处理中";
    pending() "pending" "待反馈";
    on_hold() "on hold" "挂起";
    resolved() "resolved" "已解决";
    closed() "closed" "已关闭";
    cancelled() "cancelled" "已取消";
    done() "done" "已完成";
    declined() "declined" "已拒绝";
    other_state(word) "in the state {word}" "状态 {word}";

    // Import of incident logs
    rows_between(min, max) "needs {min} to {max} rows" "须有 {min} 至 {max} 行";
    incident_of_other_unit()
        "the incident belongs to another organisational unit"
        "该事件属于其他机构";
    column_required(column) "{column} is required" "缺少 {column}";
    a_log_time()
        "expected DD-MM-YYYY HH:MM or YYYY-MM-DD HH:MM:SS"
        "时间格式须为 DD-MM-YYYY HH:MM 或 YYYY-MM-DD HH:MM:SS";
    a_log_number(max)
        "expected a whole number from 0 to {max}"
        "须为 0 至 {max} 的整数";
    a_log_state()
        "expected New, Active, Awaiting …, Resolved or Closed"
        "状态须为 New、Active、Awaiting …、Resolved 或 Closed";
    a_log_priority()
        "expected 1 - Critical to 5 - Planning"
        "优先级须为 1 - Critical 至 5 - Planning";
}

/// The word for the state of a ticket or task.
#[must_use]
pub fn state(word: &str) -> Text {
    match word {
        "new" => new(),
        "open" => open(),
        "pending" => pending(),
        "on_hold" => on_hold(),
        "resolved" => resolved(),
        "closed" => closed(),
        "cancelled" => cancelled(),
        "done" => done(),
        "declined" => declined(),
        other => other_state(other),
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
