//! The scorecard that is there from the beginning: how complaints are handled (投诉处理).
//!
//! So that risk sampling works at once; an enterprise puts its own in place of it by a plan.

use super::scorecard::{Choice, Fatal, Form, Item, Kind, Mode, Section, Titles};

/// Key of the built-in scorecard, unique per enterprise.
pub const KEY: &str = "complaint_handling";

/// Its title.
#[must_use]
pub fn title() -> Titles {
    Titles::new("投诉处理质量", "Complaint handling")
}

/// Its content.
#[must_use]
pub fn form() -> Form {
    Form {
        mode: Mode::Weighted,
        sections: vec![
            section(
                "timeliness",
                20.0,
                "响应及时",
                "Timeliness",
                vec![
                    item(
                        "first_reply",
                        2.0,
                        "首次回复及时且有内容",
                        "The first reply was timely and had substance",
                        five(),
                    ),
                    item(
                        "kept_informed",
                        1.0,
                        "处理过程中主动告知进展",
                        "The customer was kept informed",
                        Kind::YesNo,
                    )
                    .na(),
                ],
            ),
            section(
                "handling",
                50.0,
                "处理质量",
                "Handling",
                vec![
                    item(
                        "understood",
                        1.0,
                        "准确理解客户诉求",
                        "The matter was understood",
                        five(),
                    ),
                    item("solution", 2.0, "解决方案正确", "The solution was right", solution()),
                    item(
                        "cause",
                        1.0,
                        "查明并记录原因",
                        "The cause was found and written down",
                        Kind::YesNo,
                    )
                    .na(),
                    item("promise", 1.0, "承诺事项兑现", "Promises were kept", Kind::YesNo)
                        .na()
                        .fatal(Fatal::Section),
                ],
            ),
            section(
                "conduct",
                20.0,
                "服务态度",
                "Conduct",
                vec![
                    item(
                        "courtesy",
                        1.0,
                        "用语礼貌、体谅客户",
                        "Courteous and considerate",
                        five(),
                    ),
                    item(
                        "integrity",
                        1.0,
                        "无辱骂、推诿、弄虚作假或泄露客户信息",
                        "No abuse, evasion, falsification or leak of personal data",
                        Kind::YesNo,
                    )
                    .fatal(Fatal::Form),
                ],
            ),
            section(
                "records",
                10.0,
                "记录规范",
                "Records",
                vec![
                    item("complete", 1.0, "工单记录完整", "The record is complete", Kind::YesNo),
                    item("remarks", 0.0, "质检员评语", "Remarks of the inspector", Kind::Text),
                ],
            ),
        ],
    }
}

fn section(key: &str, weight: f64, zh: &str, en: &str, items: Vec<Item>) -> Section {
    Section { key: key.into(), title: Titles::new(zh, en), weight, items }
}

fn item(key: &str, weight: f64, zh: &str, en: &str, answer: Kind) -> Item {
    Item {
        key: key.into(),
        title: Titles::new(zh, en),
        answer,
        weight,
        na_allowed: false,
        fatal: Fatal::None,
        guidance: None,
        evidence_required: false,
    }
}

fn five() -> Kind {
    Kind::Scale { min: 1, max: 5 }
}

fn solution() -> Kind {
    let choice =
        |key: &str, points, zh, en| Choice { key: key.into(), title: Titles::new(zh, en), points };
    Kind::Options {
        options: vec![
            choice("right", 2.0, "正确", "right"),
            choice("partial", 1.0, "部分正确", "partly right"),
            choice("wrong", 0.0, "错误", "wrong"),
        ],
    }
}

impl Item {
    fn na(self) -> Self {
        Self { na_allowed: true, ..self }
    }

    fn fatal(self, fatal: Fatal) -> Self {
        Self { fatal, ..self }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_passes_its_own_checks() {
        let mut fields = kernel::Fields::new();
        super::form().check(&mut fields);
        fields.finish().unwrap();
        super::form().check_publishable().unwrap();
    }
}
