//! Chinese texts.

use super::{
    Builtin,
    Channel::{Email, Inbox},
};

/// First and last lines of every mail to a customer.
macro_rules! letter {
    ($body:literal) => {
        concat!(
            "尊敬的{{ recipient.name or '客户' }}：\n\n您好！",
            $body,
            "\n\n{{ sender.company or '客户服务中心' }}{% if sender.telephone %}\n服务热线：{{ sender.telephone }}{% endif %}{% if sender.hours %}\n服务时间：{{ sender.hours }}{% endif %}"
        )
    };
}

/// Why a matter was raised.
macro_rules! escalation {
    ($more:literal) => {
        concat!(
            "升级原因：{{ reason|label }}{% if metric %}（{{ metric|label }}）{% endif %}{% if due_at %}，时限 {{ due_at|datetime }}{% endif %}",
            $more
        )
    };
}

#[rustfmt::skip]
pub(super) const TEXTS: &[Builtin] = &[
    ("ticket_acknowledged", Email,
     "[{{ ticket.number }}] 您的诉求已受理：{{ ticket.subject }}",
     letter!("感谢您与我们联系。您反映的事项我们已受理，将尽快为您办理。\n\n受理编号：{{ ticket.number }}\n反映事项：{{ ticket.subject }}\n事项类型：{{ ticket.kind_name }}{% if ticket.category_name %}（{{ ticket.category_name }}）{% endif %}\n受理时间：{{ ticket.opened_at|datetime }}{% if promised.first_response %}\n答复时限：{{ promised.first_response|datetime }}前{% endif %}{% if promised.resolution %}\n办结时限：{{ promised.resolution|datetime }}前{% endif %}\n\n如需了解进展或补充情况，请与我们联系并提供受理编号。")),
    ("ticket_replied", Email,
     "[{{ ticket.number }}] 关于您诉求的答复：{{ ticket.subject }}",
     letter!("{% if reply %}关于您反映的“{{ ticket.subject }}”（受理编号 {{ ticket.number }}），现答复如下：\n\n{{ reply|lines }}{% else %}您反映的“{{ ticket.subject }}”（受理编号 {{ ticket.number }}）已有答复，请通过您提交诉求的渠道查看。{% endif %}{% if promised.resolution %}\n\n我们预计于 {{ promised.resolution|datetime }}前办结。{% endif %}\n\n如有疑问，请与我们联系并提供受理编号。")),
    ("ticket_resolved", Email,
     "[{{ ticket.number }}] 您的诉求已办结：{{ ticket.subject }}",
     letter!("您反映的“{{ ticket.subject }}”（受理编号 {{ ticket.number }}）已{% if ticket.resolved_at %}于 {{ ticket.resolved_at|datetime }}{% endif %}办结。{% if resolution %}\n\n办理结果：\n\n{{ resolution|lines }}{% endif %}\n\n如您对办理结果有异议，请与我们联系并提供受理编号，我们将重新为您办理。")),
    ("survey_invited", Email,
     "诚邀您评价本次服务{% if subject.ticket_number %} [{{ subject.ticket_number }}]{% endif %}",
     letter!("{% if subject.ticket_number %}您的诉求（受理编号 {{ subject.ticket_number }}）已办结。{% endif %}为了不断改进服务，诚邀您用约一分钟时间对本次服务作出评价：\n\n{{ link }}\n\n该链接仅可使用一次，有效期至 {{ expires_at|datetime }}。")),
    ("ticket_escalated", Email,
     "[{{ ticket.number }}] 已升级至第 {{ level }} 级：{{ ticket.subject }}",
     concat!("{{ recipient.name or '您好' }}：\n\n工单 {{ ticket.number }} 已升级至第 {{ level }} 级（{{ target|label }}），请及时处理。{% if instead_of %}\n\n因 {{ ticket.org }} 在人员名录中没有“{{ instead_of|label }}”，特通知您。{% endif %}\n\n",
        escalation!("\n反映事项：{{ ticket.subject }}\n事项类型：{{ ticket.kind_name }}\n优先级：{{ ticket.priority|label }}{% if ticket.complaint_level %}\n投诉等级：{{ ticket.complaint_level|label }}{% endif %}\n办理人：{{ ticket.handler or '无' }}"))),
    ("ticket_escalated", Inbox,
     "已升级至第 {{ level }} 级：{{ ticket.number }} {{ ticket.subject }}",
     escalation!("。办理人：{{ ticket.handler or '无' }}。{% if instead_of %}因 {{ ticket.org }} 在人员名录中没有“{{ instead_of|label }}”，特通知您。{% endif %}")),
    ("ticket_opened_staff", Inbox,
     "您的客户有新诉求（{{ ticket.kind_name }}）：{{ ticket.number }} {{ ticket.subject }}",
     "优先级：{{ ticket.priority|label }}。受理时间：{{ ticket.opened_at|datetime }}。"),
    ("ticket_assigned", Inbox,
     "工单已分派：{{ ticket.number }} {{ ticket.subject }}",
     "{{ ticket.kind_name }}，优先级：{{ ticket.priority|label }}。{% if ticket.handler %}办理人：{{ ticket.handler }}{% else %}目前无办理人{% endif %}{% if reason %}（{{ reason|label }}）{% endif %}。"),
    ("ticket_urged", Inbox,
     "客户催办：{{ ticket.number }} {{ ticket.subject }}",
     "客户已催办 {{ ticket.urge_count }} 次。{% if note %}“{{ note }}”{% endif %}"),
    ("timer_warned", Inbox,
     "{{ metric|label }}时限已用 {{ percent }}%：{{ ticket.number }} {{ ticket.subject }}",
     "截止时间：{{ due_at|datetime }}。办理人：{{ ticket.handler or '无' }}。"),
    ("timer_breached", Inbox,
     "{{ metric|label }}已超时限：{{ ticket.number }} {{ ticket.subject }}",
     "截止时间：{{ due_at|datetime }}。办理人：{{ ticket.handler or '无' }}。"),
    ("task_opened", Inbox,
     "请{{ department_name }}协办 {{ ticket.number }}：{{ title }}",
     "工单：{{ ticket.subject }}。{% if due_at %}截止时间：{{ due_at|datetime }}。{% endif %}{% if mandatory %}协办完成前工单不能办结。{% endif %}"),
    ("ticket_reopened", Inbox,
     "工单已重新打开：{{ ticket.number }} {{ ticket.subject }}",
     "{% if reason %}原因：{{ reason }}。{% endif %}累计重新打开 {{ ticket.reopen_count }} 次。"),
    ("evaluation_published", Inbox,
     "质检评分已发布{% if inspected.ticket_number %}：{{ inspected.ticket_number }}{% endif %}",
     "{% if score is none %}无适用评分项，不计分。{% else %}得分：{{ score }}（满分 100）。{% endif %}{% if fatal %}存在致命项。{% endif %}申诉截止时间：{{ appeal_until|datetime }}。"),
    ("appeal_lodged", Inbox,
     "收到评分申诉{% if inspected.ticket_number %}：{{ inspected.ticket_number }}{% endif %}",
     "{{ inspected.agent or '坐席' }}已提出申诉，请裁定。"),
    ("appeal_decided", Inbox,
     "您的申诉已裁定：{{ outcome|label }}",
     "{% if inspected.ticket_number %}工单 {{ inspected.ticket_number }}。{% endif %}原得分：{{ score_before }}；现得分：{{ score_after }}。"),
    ("rectification_opened", Inbox,
     "您有一项待办整改：{{ rectification.title }}",
     "整改期限：{{ rectification.due_at|datetime }}。"),
    ("rectification_verified", Inbox,
     "{% if passed %}整改已通过验收{% else %}整改未通过验收，请重新整改{% endif %}：{{ rectification.title }}",
     "验收人：{{ verifier }}。{% if not passed %}整改期限：{{ rectification.due_at|datetime }}。{% endif %}"),
    ("report_published", Inbox,
     "{{ period }} 服务质量报告已发布",
     "范围：{{ org }}，第 {{ version }} 版。"),
];
