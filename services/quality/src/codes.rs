//! The refusals that are this service's own.

use kernel::ErrorCode;

macro_rules! table {
    ($($name:ident = $status:literal $code:literal $en:literal $zh:literal;)+) => {
        $(pub static $name: ErrorCode = ErrorCode::new($status, $code, $en, $zh);)+
        /// Every code of the service, for its OpenAPI document.
        pub static ALL: &[&ErrorCode] = &[$(&$name),+];
    };
}

table! {
    WEIGHTS_SUM_TO_ZERO = 422 "weights-sum-to-zero" "the weights sum to 0, so that there could be no score" "权重合计为 0，无法得出分数";
    VERSION_PUBLISHED = 409 "version-published" "a published version cannot be edited; open a new draft" "已发布的版本不能修改，请新建草稿";
    DRAFT_EXISTS = 409 "draft-exists" "the scorecard has a draft already" "该评分表已有草稿";
    NOTHING_TO_PUBLISH = 409 "nothing-to-publish" "the scorecard has no draft" "该评分表没有可发布的草稿";
    KEY_TAKEN = 409 "key-taken" "another record of this organisation has the same key" "本机构已有相同标识的记录";
    VERSION_NOT_PUBLISHED = 409 "version-not-published" "only a published version can be used for an evaluation" "只有已发布的版本才能用于评分";
    ANSWER_OUT_OF_RANGE = 422 "answer-out-of-range" "an answer does not fit its item" "答案超出评分项允许的范围";
    ANSWERS_INCOMPLETE = 422 "answers-incomplete" "some items are not answered or lack evidence" "有评分项未作答或缺少依据";
    EMPTY_FRAME = 409 "empty-frame" "there is nothing to draw from in this period" "本期没有可抽取的对象";
    OWN_WORK = 403 "own-work" "nobody judges his own work" "不能评判本人的工作";
    NOT_THE_INSPECTOR = 403 "not-the-inspector" "the inspection is assigned to somebody else" "该质检任务已分配给他人";
    ALREADY_ASSIGNED = 409 "already-assigned" "the inspection is assigned already" "该质检任务已分配";
    ALREADY_EVALUATED = 409 "already-evaluated" "the inspection has an evaluation already" "该质检任务已有评分";
    EVALUATION_PUBLISHED = 409 "evaluation-published" "a published evaluation changes by appeal only" "已发布的评分只能通过申诉更改";
    NOT_APPEALABLE = 409 "not-appealable" "the evaluation cannot be appealed in its state" "该评分当前不能申诉";
    APPEAL_EXPIRED = 409 "appeal-expired" "the limit for an appeal has passed" "已超过申诉期限";
    ALREADY_APPEALED = 409 "already-appealed" "the evaluation was appealed before" "该评分已申诉过";
    NOT_THE_AGENT = 403 "not-the-agent" "only the agent whose work was scored may appeal" "只有被评分的坐席本人可以申诉";
    DECIDER_IS_SCORER = 409 "decider-is-scorer" "an appeal is decided by somebody else than the scorer" "申诉不得由原评分人裁决";
    ALREADY_DECIDED = 409 "already-decided" "the appeal is decided already" "该申诉已裁决";
    NOT_THE_OWNER = 403 "not-the-owner" "only the owner can report the rectification done" "只有整改责任人可以提交完成";
    VERIFIER_IS_OWNER = 409 "verifier-is-owner" "a rectification is verified by somebody else than its owner" "整改不得由责任人本人验证";
    NOT_A_LEAD = 403 "not-a-lead" "only a supervisor or above may do this" "仅主管及以上人员可执行此操作";
    RECTIFICATION_STATE = 409 "rectification-state" "the rectification is in a state that forbids this" "整改单当前状态不允许此操作";
    PERIOD_NOT_BEGUN = 422 "period-not-begun" "the period has not begun yet" "该期间尚未开始";
}
