//! What this service tells callers. Shared texts stand in [`kernel::messages`].

use kernel::Text;
use minijinja::ErrorKind;

kernel::catalogue! {
    plain_id(min, max)
        "must be {min} to {max} characters without controls"
        "须为 {min} 至 {max} 个字符，不能含控制字符";
    unknown_role(role, known)
        "\"{role}\" is no role; roles: {known}"
        "没有角色“{role}”，可用角色：{known}";
    customer(id) "customer {id}" "客户 {id}";
    no_message_of_endpoint()
        "is no message of this endpoint"
        "不是该回调端点的消息";
    last_event_id_form()
        "Last-Event-ID must be the id of an event"
        "Last-Event-ID 须为事件的编号";

    // Webhooks
    unknown_event_type(given, known)
        "\"{given}\" is neither an event type nor a prefix of one followed by *; event types: {known}"
        "“{given}”既不是事件类型，也不是以 * 结尾的类型前缀，事件类型有：{known}";
    may_not_read() "you may not read what such events tell" "您无权查看此类事件的内容";
    absolute_address() "must be an absolute http(s) address" "须为完整的 http 或 https 地址";
    https_address() "must be an https address" "须为 https 地址";
    address_in_one_piece()
        "may contain neither spaces nor control characters"
        "地址中不能含空格或控制字符";
    bare_address()
        "may have neither user, password nor fragment"
        "地址中不能含用户名、密码或片段";
    no_public_address() "does not lead to a public address" "地址不是公网地址";

    // Templates
    only_mail_has_html() "only e-mail has an HTML part" "只有邮件有 HTML 部分";
    in_line(fault, line) "{fault} in line {line}" "第 {line} 行：{fault}";
    template_syntax() "the template cannot be read" "模板语法有误";
    template_undefined() "names a value that does not exist" "引用了不存在的值";
    template_filter() "names a filter that does not exist" "使用了不存在的过滤器";
    template_function() "calls something that does not exist" "调用了不存在的函数";
    template_arguments() "a filter or function is given the wrong arguments" "过滤器或函数的参数有误";
    template_too_long() "the text would become too long" "生成的文本过长";
    template_operation() "does something that does not work with this value" "该值不支持此操作";
}

/// What is wrong with a template, in our own words.
#[must_use]
pub fn template(cause: &minijinja::Error) -> Text {
    let fault = match cause.kind() {
        ErrorKind::SyntaxError => template_syntax(),
        ErrorKind::UndefinedError => template_undefined(),
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest => template_filter(),
        ErrorKind::UnknownFunction | ErrorKind::UnknownMethod => template_function(),
        ErrorKind::MissingArgument | ErrorKind::TooManyArguments => template_arguments(),
        ErrorKind::WriteFailure => template_too_long(),
        _ => template_operation(),
    };
    match cause.line() {
        Some(line) => in_line(fault, line),
        None => fault,
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
