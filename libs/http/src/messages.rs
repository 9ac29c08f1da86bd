//! What this library tells callers.

kernel::catalogue! {
    // The shape of bodies and parameters
    missing_field() "is required" "必填";
    unknown_field(known) "is not known here; known fields: {known}" "不支持此字段，可用字段：{known}";
    unknown_parameter(known)
        "is not known here; known parameters: {known}"
        "不支持此参数，可用参数：{known}";
    no_parameters() "no query parameters are taken here" "此处不接受查询参数";
    given_twice() "may be given only once" "只能给出一次";
    a_text() "must be text" "须为文本";
    a_flag() "must be true or false" "须为 true 或 false";
    a_number() "must be a number" "须为数字";
    a_whole_number() "must be a whole number" "须为整数";
    whole_number(min, max)
        "must be a whole number from {min} to {max}"
        "须为 {min} 至 {max} 的整数";
    a_list() "must be a list" "须为列表";
    a_list_of(count) "must be a list of {count} items" "须为含 {count} 项的列表";
    an_object() "must be an object" "须为对象";
    must_be_null() "must be null" "须为 null";
    unsuitable() "does not have a fitting value" "取值不符合要求";

    // Bodies that cannot be read
    malformed_at(line, column)
        "something is wrong at line {line}, column {column}"
        "第 {line} 行第 {column} 列有误";
    ended_early(line, column)
        "the text ends too early, at line {line}, column {column}"
        "内容不完整，止于第 {line} 行第 {column} 列";
    nested_too_deeply() "the body is nested too deeply" "请求体嵌套层数过多";
    body_broken_off() "the body ended early or cannot be decoded" "请求体传输中断或无法解码";
    not_utf8() "the text is not UTF-8" "文本不是 UTF-8 编码";
    bad_percent()
        "a percent sign must be followed by two hexadecimal digits"
        "百分号后须跟两位十六进制数字";
    most_bytes(max) "at most {max} bytes are accepted" "最多接受 {max} 字节";
    media_type_not_accepted(given) "{given} is not accepted here" "此处不接受 {given}";
    content_type_required() "a Content-Type header is required" "缺少 Content-Type 请求头";
    content_type_unreadable()
        "the Content-Type header cannot be read"
        "Content-Type 请求头无法解析";
    body_must_be_utf8() "the body must be UTF-8" "请求体须为 UTF-8 编码";
    encoding_not_accepted() "encoded bodies are not accepted" "不接受经过压缩编码的请求体";

    // Headers
    if_match_form()
        "If-Match takes one ETag as it was answered, like \"7\"; * and lists are refused, for they would overwrite what has not been read"
        "If-Match 须填写响应中给出的一个 ETag，如 \"7\"；不接受 * 或多个 ETag，以免覆盖未读取的内容";
    current_etag(tag) "the current ETag is {tag}" "当前 ETag 为 {tag}";
    idempotency_key_form()
        "Idempotency-Key takes 1 to 200 printable ASCII characters"
        "Idempotency-Key 须为 1 至 200 个可打印的 ASCII 字符";

    // Tokens
    token_unreadable() "the token cannot be read" "访问令牌无法解析";
    token_of_other_kind()
        "the token is of a kind that is not accepted"
        "不接受这种类型的令牌";
    token_key_unknown() "the token was signed with an unknown key" "令牌的签名密钥未知";
    token_of_other_issuer() "the token is of another issuer" "令牌由其他签发方签发";
    token_for_other_audience() "the token is for another audience" "令牌的受众不是本系统";
    token_claim_missing() "the token lacks a required claim" "令牌缺少必需的声明";
    token_not_genuine() "the token is not genuine" "令牌未通过验证";
    bearer_token_required()
        "the Authorization header must carry a Bearer token"
        "Authorization 请求头须为 Bearer 令牌";
    token_of_nobody() "the token does not say whose it is" "令牌未说明持有人";
    token_subject_unusable() "the token's subject is not usable" "令牌中的持有人标识不可用";
    token_without_org() "the token has no org claim" "令牌中没有机构声明（org）";
    token_org_malformed() "the token's org claim is not an organisation path" "令牌中的机构声明不是有效的机构路径";
    token_expired() "the token has expired" "令牌已过期";
    token_not_valid_yet() "the token is not valid yet" "令牌尚未生效";
    token_from_the_future() "the token was issued in the future" "令牌的签发时间晚于当前时间";
    token_roles_malformed() "the token's roles are not a list" "令牌中的角色不是列表";

    // Figures
    figures_elsewhere()
        "figures are read on this machine; from elsewhere with metrics.listen or metrics.token"
        "指标只能在本机读取；要从其他机器读取，请设置 metrics.listen 或 metrics.token";

    // The process
    shutting_down() "the process is shutting down" "服务正在停止";
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_whole_in_both_languages() {
        assert_eq!(kernel::faults_of_catalogue(super::CATALOGUE), [""; 0]);
    }
}
