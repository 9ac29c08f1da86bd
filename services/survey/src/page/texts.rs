//! Words of the answer page in both languages.

use chrono::NaiveDate;
use kernel::Locale;
use serde_json::{Value, json};

use super::Notice;
use crate::domain::answers::Fault;

/// Fixed words of the form.
#[must_use]
pub fn page(locale: Locale) -> Value {
    match locale {
        Locale::ZhCn => json!({
            "about": "您反映的事项",
            "number": "工单号",
            "opened": "受理日期",
            "settled": "办结日期",
            "required": "必填",
            "optional": "选填",
            "submit": "提交评价",
            "sending": "正在提交…",
            "errors": "请检查以下问题",
            "progress": "填写进度",
            "of": "/",
            "answered": "已答",
            "characters": "字",
            "please_answer": "请回答此问题。",
            "if_applicable": "（如适用）",
            "privacy": "您的回答仅用于改进服务。本链接只对您有效，且只能提交一次。",
            "stop_question": "不想再收到满意度调查？",
            "stop_text": "确认后，我们不会再向您发送任何调查邀请。",
            "stop": "不再接收调查",
            "other_language": "English",
            "other_tag": "en",
            "done": "您可以关闭此页面了。"
        }),
        Locale::En => json!({
            "about": "Your request",
            "number": "Ticket",
            "opened": "Received",
            "settled": "Settled",
            "required": "required",
            "optional": "optional",
            "submit": "Send my answer",
            "sending": "Sending…",
            "errors": "Please check these questions",
            "progress": "Progress",
            "of": "of",
            "answered": "Answered",
            "characters": "characters",
            "please_answer": "Please answer this question.",
            "if_applicable": "(if applicable)",
            "privacy": "Your answer is used to improve our service and for nothing else. This link is yours alone and works once.",
            "stop_question": "Do not want to be asked again?",
            "stop_text": "If you confirm, we will not send you any survey again.",
            "stop": "Stop asking me",
            "other_language": "中文",
            "other_tag": "zh-CN",
            "done": "You can close this page now."
        }),
    }
}

/// Title and text of a page that tells one thing.
#[must_use]
pub const fn notice(notice: Notice, locale: Locale) -> (&'static str, &'static str) {
    match (notice, locale) {
        (Notice::Thanks, Locale::ZhCn) => ("感谢您的评价", "我们已经收到您的回答。"),
        (Notice::Thanks, Locale::En) => ("Thank you", "Your answer has been received."),
        (Notice::Used, Locale::ZhCn) => {
            ("您已完成评价", "我们已经收到过您的回答，无需再次提交。谢谢！")
        }
        (Notice::Used, Locale::En) => {
            ("Already answered", "We have received your answer, nothing more is needed. Thank you!")
        }
        (Notice::Expired, Locale::ZhCn) => {
            ("链接已过期", "此次评价的时间已过。如仍有问题，请直接联系我们的客服。")
        }
        (Notice::Expired, Locale::En) => (
            "This link has expired",
            "The time for this survey is over. If something is still open, please contact our service team.",
        ),
        (Notice::Unknown, Locale::ZhCn) => {
            ("链接无效", "请检查链接是否完整，或从收到的通知中重新打开。")
        }
        (Notice::Unknown, Locale::En) => (
            "We do not know this link",
            "Please check that the link is complete, or open it from the message again.",
        ),
        (Notice::Stopped, Locale::ZhCn) => ("已为您停止调查", "我们不会再向您发送满意度调查邀请。"),
        (Notice::Stopped, Locale::En) => {
            ("We will not ask again", "You will not get survey invitations from us any more.")
        }
        (Notice::Trouble, Locale::ZhCn) => ("暂时无法处理", "请稍后再试。您填写的内容尚未提交。"),
        (Notice::Trouble, Locale::En) => {
            ("This did not work", "Please try again in a moment. Nothing has been sent yet.")
        }
    }
}

/// A day as people write it.
#[must_use]
pub fn day(day: NaiveDate, locale: Locale) -> String {
    let format = match locale {
        Locale::ZhCn => "%Y年%-m月%-d日",
        Locale::En => "%-d %B %Y",
    };
    day.format(format).to_string()
}

/// What is wrong with an answer, in a sentence.
#[must_use]
pub fn fault(fault: &Fault, locale: Locale) -> String {
    match locale {
        Locale::ZhCn => match fault {
            Fault::Required => "请回答此问题。".into(),
            Fault::NotAChoice => "请从给出的选项中选择。".into(),
            Fault::WrongType => "回答的格式不正确。".into(),
            Fault::TooShort(n) => format!("请至少填写 {n} 个字。"),
            Fault::TooLong(n) => format!("最多可填写 {n} 个字。"),
            Fault::TooFew(n) => format!("请至少选择 {n} 项。"),
            Fault::TooMany(n) => format!("最多可选择 {n} 项。"),
            Fault::TooSmall(n) => format!("不能小于 {n}。"),
            Fault::TooLarge(n) => format!("不能大于 {n}。"),
        },
        Locale::En => match fault {
            Fault::Required => "Please answer this question.".into(),
            Fault::NotAChoice => "Please choose one of the options given.".into(),
            Fault::WrongType => "The answer has the wrong form.".into(),
            Fault::TooShort(n) => format!("Please write at least {n} characters."),
            Fault::TooLong(n) => format!("At most {n} characters are possible."),
            Fault::TooFew(n) => format!("Please choose at least {n}."),
            Fault::TooMany(n) => format!("At most {n} can be chosen."),
            Fault::TooSmall(n) => format!("Must not be less than {n}."),
            Fault::TooLarge(n) => format!("Must not be more than {n}."),
        },
    }
}
