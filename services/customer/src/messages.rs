//! What this service tells callers. Shared texts stand in [`kernel::messages`].

kernel::catalogue! {
    // Customers
    source_form()
        "must be 1 to 40 characters out of a-z, 0-9, -, . and _"
        "须为 1 至 40 个字符，只能用 a-z、0-9、-、. 和 _";
    reserved_source()
        "this name stands for changes made by hand"
        "该名称保留给人工修改使用";
    kind_changed()
        "the source has known this customer as the other kind"
        "该来源此前登记的客户类型与此不同";
    record_moved()
        "the record has moved to another customer"
        "该来源记录已归到其他客户";
    masked_value() "is masked; send the whole value" "该值已脱敏，请提交完整的值";
    just_merged()
        "the customer has just become one with another; read it again"
        "该客户刚刚与另一客户合并，请重新读取";
    has_this(customer, kind) "customer {customer} has this {kind}" "客户 {customer} 已使用该标识（{kind}）";
    assigning_needs(permission)
        "{permission} is required to assign a tier or an account manager"
        "指定客户等级或客户经理需要权限 {permission}";
    unknown_tier(tier, known)
        "the enterprise has no tier \"{tier}\"; tiers: {known}"
        "企业没有客户等级“{tier}”，可用等级：{known}";
    ahead_with_tier()
        "must lie in the future and belong to a tier"
        "须为将来的时间，并与客户等级一同填写";
    most_contacts(max)
        "an organisation has at most {max} contacts"
        "一个单位最多有 {max} 名联系人";
    tiers_belong_to_enterprise()
        "tiers belong to the enterprise; the caller belongs to a unit of it"
        "客户等级由企业统一维护，当前账号属于下级机构";
    tier_key_form()
        "a tier's key is 1 to 40 characters of a-z, 0-9, - and _"
        "等级标识须为 1 至 40 个字符，只能用 a-z、0-9、- 和 _";
    csv_accepted() "text/csv is accepted here" "此处接受 text/csv";
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_whole_in_both_languages() {
        assert_eq!(kernel::faults_of_catalogue(super::CATALOGUE), [""; 0]);
        assert_eq!(kernel::faults_of_catalogue(crate::app::import::messages::CATALOGUE), [""; 0]);
        assert_eq!(kernel::faults_of_codes(crate::codes::ALL), [""; 0]);
    }
}
