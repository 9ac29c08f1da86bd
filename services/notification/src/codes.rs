//! Error codes of this service.

use kernel::ErrorCode;

/// Parks the event: the customer's own event has not arrived yet.
pub static CUSTOMER_UNKNOWN: ErrorCode = ErrorCode::new(
    409,
    "customer-unknown",
    "the customer is not known to this service yet",
    "通知服务尚未收到该客户的资料",
);

pub static NOTICE_NOT_RETRYABLE: ErrorCode = ErrorCode::new(
    409,
    "notice-not-retryable",
    "only a notice that failed or was suppressed can be sent again",
    "只有失败或被抑制的通知可以重新发送",
);

pub static TOO_MANY_ENDPOINTS: ErrorCode = ErrorCode::new(
    409,
    "too-many-endpoints",
    "the enterprise has as many webhook endpoints as it may have",
    "该企业的回调端点数量已达上限",
);

pub static ENDPOINT_DISABLED: ErrorCode = ErrorCode::new(
    409,
    "endpoint-disabled",
    "the webhook endpoint is disabled; enable it first",
    "该回调端点已停用，请先启用",
);

pub static ALL: &[&ErrorCode] =
    &[&CUSTOMER_UNKNOWN, &NOTICE_NOT_RETRYABLE, &TOO_MANY_ENDPOINTS, &ENDPOINT_DISABLED];
