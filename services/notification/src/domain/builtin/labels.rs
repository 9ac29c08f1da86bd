//! Words of the events in the reader's language, for the filter `label`.

/// A word, in English and in Chinese.
type Label = (&'static str, &'static str, &'static str);

pub const LABELS: &[Label] = &[
    ("low", "low", "低"),
    ("normal", "normal", "普通"),
    ("high", "high", "高"),
    ("urgent", "urgent", "紧急"),
    ("general", "general", "一般"),
    ("major", "major", "较大"),
    ("critical", "critical", "重大"),
    ("new", "new", "待受理"),
    ("open", "in progress", "处理中"),
    ("pending", "waiting for the customer", "待客户回复"),
    ("on_hold", "on hold", "已挂起"),
    ("resolved", "resolved", "已办结"),
    ("closed", "closed", "已关闭"),
    ("cancelled", "cancelled", "已取消"),
    ("first_response", "first response", "首次响应"),
    ("resolution", "resolution", "办结"),
    ("task", "department task", "协办"),
    ("agent", "agent", "坐席"),
    ("supervisor", "supervisor", "主管"),
    ("department_head", "head of department", "部门负责人"),
    ("director", "director", "总监"),
    ("inspector", "quality inspector", "质检员"),
    ("admin", "administrator", "系统管理员"),
    ("accepted", "upheld", "申诉成立"),
    ("partly", "upheld in part", "申诉部分成立"),
    ("rejected", "not upheld", "申诉不成立"),
    ("deadline", "deadline missed", "已超时限"),
    ("breached", "deadline missed", "已超时限"),
    ("breach", "deadline missed", "已超时限"),
    ("urged", "urged by the customer", "客户催办"),
    ("repeat", "repeated complaint", "重复投诉"),
    ("claimed", "claimed", "主动领取"),
    ("answered", "taken over by answering", "答复时接手"),
];

/// The kinds that come with ticketing, for events that tell a kind without its name.
pub const KINDS: &[Label] = &[
    ("consultation", "Enquiry", "咨询"),
    ("complaint", "Complaint", "投诉"),
    ("repair", "Repair", "故障报修"),
    ("suggestion", "Suggestion", "建议"),
    ("service_request", "Service request", "业务办理"),
    ("return_exchange", "Return or exchange", "退换货"),
    ("claim", "Claim", "理赔/赔偿"),
    ("demand", "New demand", "新需求"),
    ("incident", "Major incident", "重大故障"),
    ("director_hotline", "Director's hotline", "总裁热线"),
];
