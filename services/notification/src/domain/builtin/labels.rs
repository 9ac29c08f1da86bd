//! Words of the events in the reader's language, for the filter `label`.

/// Word, English, Chinese.
pub const LABELS: &[(&str, &str, &str)] = &[
    ("complaint", "complaint", "投诉"),
    ("consultation", "enquiry", "咨询"),
    ("repair", "repair", "报修"),
    ("suggestion", "suggestion", "建议"),
    ("low", "low", "低"),
    ("normal", "normal", "普通"),
    ("high", "high", "高"),
    ("urgent", "urgent", "紧急"),
    ("general", "general", "一般"),
    ("major", "major", "较大"),
    ("critical", "critical", "重大"),
    ("first_response", "first response", "首次响应"),
    ("resolution", "resolution", "解决"),
    ("supervisor", "supervisor", "主管"),
    ("department_head", "head of department", "部门负责人"),
    ("director", "director", "总监"),
    ("accepted", "accepted", "成立"),
    ("partly", "accepted in part", "部分成立"),
    ("rejected", "rejected", "不成立"),
    ("breached", "deadline passed", "已超时"),
    ("breach", "deadline passed", "已超时"),
    ("urged", "urged by the customer", "客户催办"),
];
