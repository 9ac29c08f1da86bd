//! Error codes of customer master data.

use kernel::ErrorCode;

/// An identifier of the new customer belongs to a known one whom the caller sees; the detail names
/// that one's id.
pub static DUPLICATE_CUSTOMER: ErrorCode = ErrorCode::new(
    409,
    "duplicate-customer",
    "a customer with this identifier exists already",
    "已存在使用该标识的客户",
);
/// The source record belongs to a customer of another unit.
pub static SOURCE_RECORD_ELSEWHERE: ErrorCode = ErrorCode::new(
    409,
    "source-record-elsewhere",
    "another unit has brought in this source record",
    "该来源记录由其他机构登记",
);
/// Whether two customers are one has been decided, and a decision stands.
pub static ALREADY_DECIDED: ErrorCode = ErrorCode::new(
    409,
    "already-decided",
    "whether these two are one customer has been decided already",
    "这两个客户是否为同一人已有定论",
);
/// Contacts are kept for organisations.
pub static NOT_AN_ORGANISATION: ErrorCode = ErrorCode::new(
    409,
    "not-an-organisation",
    "only organisations have contacts",
    "只有单位客户可以维护联系人",
);
/// Persons are forgotten; an organisation is none.
pub static NOT_A_PERSON: ErrorCode =
    ErrorCode::new(409, "not-a-person", "only persons are erased", "只能删除个人客户的信息");
/// What is left of the customer takes no data any more.
pub static CUSTOMER_ERASED: ErrorCode =
    ErrorCode::new(409, "customer-erased", "the customer was erased", "该客户的个人信息已删除");
/// Telephone and e-mail are for those who work on a ticket of the customer.
pub static NOT_YOUR_TICKET: ErrorCode = ErrorCode::new(
    403,
    "not-your-ticket",
    "only who works on an unfinished ticket of the customer sees their telephone and e-mail",
    "只有正在办理该客户未完结工单的人员可以查看其联系方式",
);
/// A CSV file cannot be read at all.
pub static UNREADABLE_FILE: ErrorCode =
    ErrorCode::new(422, "unreadable-file", "the file cannot be read", "无法读取该文件");

/// All codes of this service.
pub static ALL: &[&ErrorCode] = &[
    &DUPLICATE_CUSTOMER,
    &SOURCE_RECORD_ELSEWHERE,
    &ALREADY_DECIDED,
    &NOT_AN_ORGANISATION,
    &NOT_A_PERSON,
    &CUSTOMER_ERASED,
    &NOT_YOUR_TICKET,
    &UNREADABLE_FILE,
];
