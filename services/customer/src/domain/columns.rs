//! The columns of a customer file, with their names in Chinese and English.

use sheet::Column;

const fn column(
    field: &'static str,
    names: &'static [&'static str],
    about: &'static str,
) -> Column {
    Column { field, names, about, needed: false }
}

const fn needed(
    field: &'static str,
    names: &'static [&'static str],
    about: &'static str,
) -> Column {
    Column { field, names, about, needed: true }
}

/// The first name of each is the one that we use when we speak Chinese.
pub const COLUMNS: [Column; 21] = [
    needed(
        "source_key",
        &["客户编号", "源系统编号", "客户号", "key", "external_id", "id", "customer_id"],
        "key of the record in its source; makes the import repeatable",
    ),
    needed(
        "name",
        &["姓名", "名称", "客户名称", "客户姓名", "单位名称", "full_name"],
        "name of the person or organisation",
    ),
    column("kind", &["客户类型", "类型", "type"], "person (个人) or organisation (单位, 企业)"),
    column("latin_name", &["英文名", "拼音名", "english_name"], "name in Latin letters"),
    column("locale", &["语言", "language"], "zh-CN or en"),
    column(
        "phone",
        &[
            "手机",
            "手机号",
            "手机号码",
            "电话",
            "电话号码",
            "联系电话",
            "mobile",
            "tel",
            "telephone",
        ],
        "telephone, however it is written",
    ),
    column("email", &["邮箱", "电子邮箱", "电子邮件", "mail"], "e-mail address"),
    column(
        "id_card",
        &["身份证号", "身份证", "身份证号码", "id_card_no"],
        "identity card, 18 or 15 digits",
    ),
    column("uscc", &["统一社会信用代码", "信用代码"], "unified social credit code"),
    column("membership_no", &["会员号", "会员卡号", "member_no"], "member number"),
    column("contract_no", &["合同号", "合同编号"], "contract number"),
    column("wecom", &["企业微信", "wecom_id"], "WeCom external user id"),
    column("wechat", &["微信", "微信号", "wechat_id"], "WeChat id"),
    column("tier", &["客户等级", "等级", "客户分层", "level"], "key of a tier, e.g. vip"),
    column("account_manager", &["客户经理", "manager"], "user id of the account manager"),
    column(
        "org",
        &["所属机构", "机构", "organisation", "organization"],
        "unit, e.g. /acme/north; the caller's own when empty",
    ),
    column("province", &["省份", "省"], "province of the address"),
    column("city", &["城市", "市"], "city"),
    column("district", &["区县", "区"], "district"),
    column("street", &["地址", "详细地址", "通讯地址", "address"], "street, number and the rest"),
    column("postal_code", &["邮编", "邮政编码", "zip"], "postal code"),
];

/// The columns as lines for people: `field  names: what stands in it`.
#[must_use]
pub fn listed(line: fn(&Column) -> String) -> String {
    COLUMNS.iter().map(line).collect::<Vec<_>>().join("\n")
}
