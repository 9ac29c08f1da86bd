//! What the figures of the monthly report mean, in Chinese and English.

/// Title, unit and definition of one figure; texts are (Chinese, English).
pub struct Term {
    pub title: (&'static str, &'static str),
    pub unit: &'static str,
    pub definition: (&'static str, &'static str),
}

const fn t(
    unit: &'static str,
    title: (&'static str, &'static str),
    definition: (&'static str, &'static str),
) -> Term {
    Term { title, unit, definition }
}

/// The term of a figure's key; an unknown key has an empty one.
#[must_use]
pub fn term(key: &str) -> Term {
    match key {
        "opened" => t(
            "count",
            ("受理量", "Tickets opened"),
            ("本期受理的工单数", "tickets opened in the period"),
        ),
        "resolved" => t(
            "count",
            ("办结量", "Tickets resolved"),
            (
                "最近一次办结时间在本期内的工单数",
                "tickets whose latest resolution lies in the period",
            ),
        ),
        "closed" => t(
            "count",
            ("关闭量", "Tickets closed"),
            ("本期关闭的工单数", "tickets closed in the period"),
        ),
        "complaint_rate" => t(
            "percent",
            ("投诉率", "Complaint rate"),
            (
                "本期受理的投诉工单 ÷ 本期受理的全部工单",
                "complaints opened in the period / all tickets opened in the period",
            ),
        ),
        "reopen_rate" => t(
            "percent",
            ("重开率", "Reopen rate"),
            (
                "本期办结且至少重开过一次的工单 ÷ 本期办结的工单",
                "tickets resolved in the period that were reopened at least once / tickets resolved in the period",
            ),
        ),
        "repeat_rate" => t(
            "percent",
            ("重复来访率", "Repeat rate"),
            (
                "本期办结后 7 日内同一客户又提出同类事项的工单 ÷ 本期办结的工单（后续跟进工单不计）",
                "tickets resolved in the period whose customer opened another one of the same kind within 7 days, follow-ups left out / tickets resolved in the period",
            ),
        ),
        "first_response_median" => t(
            "minutes",
            ("首次响应时长（中位数）", "First response, median"),
            (
                "首次响应在本期内的工单，从受理到首次响应的自然分钟数的中位数；分母为工单数",
                "median of wall-clock minutes from opening to first response, of tickets first answered in the period; the denominator is their number",
            ),
        ),
        "first_response_p90" => t(
            "minutes",
            ("首次响应时长（90 分位）", "First response, 90th percentile"),
            (
                "首次响应在本期内的工单，从受理到首次响应的自然分钟数的 90 分位（线性插值）；分母为工单数",
                "90th percentile (linear interpolation) of wall-clock minutes from opening to first response, of tickets first answered in the period; the denominator is their number",
            ),
        ),
        "resolution_median" => t(
            "minutes",
            ("办结时长（中位数）", "Resolution, median"),
            (
                "本期办结的工单，从受理到办结的自然分钟数的中位数；分母为工单数",
                "median of wall-clock minutes from opening to resolution, of tickets resolved in the period; the denominator is their number",
            ),
        ),
        "resolution_p90" => t(
            "minutes",
            ("办结时长（90 分位）", "Resolution, 90th percentile"),
            (
                "本期办结的工单，从受理到办结的自然分钟数的 90 分位（线性插值）；分母为工单数",
                "90th percentile (linear interpolation) of wall-clock minutes from opening to resolution, of tickets resolved in the period; the denominator is their number",
            ),
        ),
        "sla_response" => t(
            "percent",
            ("首次响应达标率", "First responses within target"),
            (
                "首次响应在本期内且有时限的工单中，按时响应的 ÷ 全部",
                "of tickets first answered in the period that had a target: answered within it / all",
            ),
        ),
        "sla_resolution" => t(
            "percent",
            ("办结达标率", "Resolutions within target"),
            (
                "本期办结且有时限的工单中，按时办结的 ÷ 全部",
                "of tickets resolved in the period that had a target: resolved within it / all",
            ),
        ),
        "satisfaction" => t(
            "percent",
            ("满意度", "Satisfaction"),
            (
                "本期收到的满意度评价中，4 分和 5 分的 ÷ 全部；区间为 95 % Wilson 区间",
                "of satisfaction answers taken in the period: 4 and 5 / all; the interval is Wilson's at 95 %",
            ),
        ),
        "nps" => t(
            "nps",
            ("净推荐值", "Net promoter score"),
            (
                "本期收到的推荐评分中，（9–10 分的人数 − 0–6 分的人数）÷ 全部 × 100",
                "of answers taken in the period: (number of 9 and 10 − number of 0 to 6) / all × 100",
            ),
        ),
        "inspection_score" => t(
            "score",
            ("质检平均分", "Inspection score"),
            (
                "本期发布且已终局（申诉已裁决或逾期未申诉）的质检得分之和 ÷ 其份数；全部不适用者不计",
                "sum / number of the scores of evaluations published in the period that are final (appeal decided or limit passed without one); those without a score are left out",
            ),
        ),
        "fatal_rate" => t(
            "percent",
            ("致命错误率", "Fatal-error rate"),
            (
                "本期发布且已终局的质检中，含致命错误的 ÷ 全部",
                "of final evaluations published in the period: with a failed fatal item / all",
            ),
        ),
        "appeal_rate" => t(
            "percent",
            ("申诉率", "Appeal rate"),
            (
                "本期发布的质检中，被申诉的 ÷ 全部",
                "of evaluations published in the period: appealed / all",
            ),
        ),
        "appeal_success" => t(
            "percent",
            ("申诉成功率", "Appeal success"),
            (
                "本期发布的质检的已裁决申诉中，全部或部分成立的 ÷ 全部",
                "of decided appeals against evaluations published in the period: accepted or accepted partly / all",
            ),
        ),
        "rectification_on_time" => t(
            "percent",
            ("整改按期率", "Rectifications on time"),
            (
                "最初期限在本期内、已完成或已到期的整改单中，不迟于最初期限完成的 ÷ 全部；验证未通过的视为未完成",
                "of rectifications first due in the period that are done or past due: done by then / all; a failed verification undoes the done",
            ),
        ),
        _ => t("count", ("", ""), ("", "")),
    }
}
