//! Stable error codes of this service.

use kernel::ErrorCode;

macro_rules! table {
    ($($name:ident = $status:literal $code:literal $en:literal $zh:literal;)+) => {
        $(pub static $name: ErrorCode = ErrorCode::new($status, $code, $en, $zh);)+
        /// Every code, for the OpenAPI document.
        pub static ALL: &[&ErrorCode] = &[$(&$name),+];
    };
}

table! {
    SURVEY_KEY_TAKEN = 409 "survey-key-taken" "another survey of the enterprise has this key" "企业内已有使用此标识的问卷";
    SURVEY_NOT_PUBLISHED = 409 "survey-not-published" "the survey has no published version yet" "问卷尚未发布";
    TICKET_NOT_SETTLED = 409 "ticket-not-settled" "the ticket is not known as resolved or closed" "工单尚未解决或关闭";
    INVITATION_REFUSED = 409 "invitation-refused" "the customer may not be asked about this ticket now" "当前不可就此工单邀请该客户";
    INVITATION_UNKNOWN = 404 "invitation-unknown" "the link is not known" "链接无效";
    INVITATION_EXPIRED = 410 "invitation-expired" "the invitation has expired" "邀请已过期";
    INVITATION_USED = 410 "invitation-used" "the invitation has already been answered" "该邀请已经作答";
}
