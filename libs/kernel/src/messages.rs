//! Messages that every service shares. A service's own stand in its `messages.rs`.

crate::catalogue! {
    // Texts and lists
    empty() "may not be empty" "不能为空";
    too_short(min) "needs at least {min} characters" "至少需要 {min} 个字符";
    too_long(max) "may have at most {max} characters" "最多 {max} 个字符";
    nul_character() "may not contain the NUL character" "不能包含空字符（NUL）";
    control_characters() "may not contain control characters" "不能包含控制字符";
    length_between(min, max) "must have {min} to {max} characters" "长度须为 {min} 至 {max} 个字符";
    plain_name(min, max, signs)
        "must be {min} to {max} characters out of {signs}"
        "须为 {min} 至 {max} 个字符，可用字符：{signs}";
    too_many_items(max) "may have at most {max} items" "最多 {max} 项";
    items_between(min, max) "needs {min} to {max} items" "须为 {min} 至 {max} 项";
    named_twice() "is named twice" "重复出现";
    named_twice_value(value) "\"{value}\" is named twice" "“{value}”重复出现";

    // Numbers and times
    between(min, max) "must be {min} to {max}" "须在 {min} 至 {max} 之间";
    at_least(min) "must be at least {min}" "不能小于 {min}";
    at_most(max) "must be at most {max}" "不能大于 {max}";
    must_lie_ahead() "must lie in the future" "须为将来的时间";
    must_lie_behind() "must lie in the past" "须为过去的时间";
    end_before_begin() "the end must come after the beginning" "结束时间须晚于开始时间";
    a_month() "must be a month, like 2026-03" "须为月份，如 2026-03";
    a_date() "must be a date, like 2026-03-31" "须为日期，如 2026-03-31";
    an_instant()
        "must be a time with zone, like 2026-03-31T09:00:00+08:00"
        "须为带时区的时间，如 2026-03-31T09:00:00+08:00";
    a_time_zone(given)
        "\"{given}\" is no time zone; one looks like Asia/Shanghai"
        "“{given}”不是有效的时区，时区形如 Asia/Shanghai";

    // Values out of a set
    one_of(known) "must be one of {known}" "只能是以下之一：{known}";
    text_number_or_flag()
        "must be text, a number, true or false"
        "须为文本、数字、true 或 false";
    must_be(value) "must be {value}" "只能是 {value}";
    unknown_value(given, known)
        "\"{given}\" is not known; known: {known}"
        "“{given}”无法识别，可用值：{known}";
    no_such_value(given) "there is no \"{given}\"" "“{given}”不存在";

    // Units of the organisation
    malformed_org()
        "an organisation path looks like /group/branch with segments of a-z, 0-9, - and _"
        "机构路径形如 /group/branch，每段只能用 a-z、0-9、- 和 _";
    foreign_org(org)
        "must be {org} or a unit below it"
        "只能是 {org} 或其下级机构";
    permission_required(permission) "{permission} is required" "需要权限 {permission}";

    // Staff withheld from whoever inspects blind
    not_by_staff()
        "whoever inspects blind may not ask by member of staff"
        "盲检人员不能按服务人员查询";

    // E-mail and addresses
    an_email() "must be an e-mail address" "须为电子邮件地址";
    a_uuid() "must be an id (UUID)" "须为标识（UUID）";

    // Changes
    changed_meanwhile()
        "it was changed at the same time; read it again"
        "刚刚被他人修改，请重新读取";
    immutable() "cannot be changed afterwards" "创建后不能更改";
}
