//! Error codes of this service.

use kernel::ErrorCode;

macro_rules! table {
    ($($name:ident = $status:literal $code:literal $en:literal $zh:literal;)+) => {
        $(pub static $name: ErrorCode = ErrorCode::new($status, $code, $en, $zh);)+
        /// Every code, for the OpenAPI document.
        pub static ALL: &[&ErrorCode] = &[$(&$name),+];
    };
}

table! {
    TICKET_FINAL = 409 "ticket-final" "the ticket is closed or cancelled and cannot be changed" "工单已关闭或取消，不能再修改";
    INVALID_TRANSITION = 409 "invalid-transition" "the ticket's status does not allow this action" "工单当前状态不允许此操作";
    ALREADY_CLAIMED = 409 "already-claimed" "somebody else works on the ticket" "工单已由他人办理";
    NOT_THE_HANDLER = 403 "not-the-handler" "somebody else works on the ticket; leave an internal note" "工单由他人办理，您可以添加内部备注";
    LOWERING = 403 "lowering-not-allowed" "lowering priority or complaint level needs the right ticket:lower" "降低优先级或投诉等级需要 ticket:lower 权限";
    CANCELLING = 403 "cancelling-not-allowed" "cancelling a complaint with a level needs the right ticket:lower" "取消已定级的投诉需要 ticket:lower 权限";
    TASKS_OPEN = 409 "tasks-open" "mandatory department tasks are not finished" "必办的协办单尚未完成";
    TASK_ENDED = 409 "task-ended" "the task is already finished" "协办单已经结束";
    CUSTOMER_NOT_YET_KNOWN = 409 "customer-not-yet-known" "the customer was made just now and is not known here yet" "客户刚刚建立，工单服务尚未收到";
    DUPLICATE_EXTERNAL_REF = 409 "duplicate-external-ref" "this external message has already opened a ticket" "该外部消息已生成工单";
}
