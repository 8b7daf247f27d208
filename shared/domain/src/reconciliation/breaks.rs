//! Breaks: what does not fit together, with class, age and state.

use serde::Serialize;

use crate::id::TraceId;

/// What kind of difference it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakClass {
    /// The totals of the day don't add up.
    TotalsMismatch,
    /// An accepted callback has no decision.
    DecisionMissing,
    /// A decision has no accepted callback.
    ReceiptMissing,
    /// An allowed event's person was not exposed.
    ExposureMissing,
    /// An allowed event has no delivery.
    DeliveryMissing,
    /// Something was sent, or tried, without an allowing decision.
    DeliveryWithoutAllow,
    /// A claim's deadline has passed and nobody finished it.
    StuckClaim,
    /// A delivery waits although its time has come.
    OverdueRetry,
    /// The event's message was given up.
    DeadLetter,
    /// Nobody knows whether the platform took it.
    InDoubt,
    /// An order event did not reach the order book.
    OrderMissing,
    /// An experiment's arms don't follow their weights.
    SampleRatioMismatch,
    /// The day's audit records are not those that were sealed.
    AuditChanged,
    /// A decision of `review` has no review, so nobody can approve it.
    ReviewMissing,
    /// People approved, and the event has not gone on.
    ReviewNotResumed,
}

impl BreakClass {
    /// Every class.
    pub const ALL: [Self; 15] = [
        Self::TotalsMismatch,
        Self::DecisionMissing,
        Self::ReceiptMissing,
        Self::ExposureMissing,
        Self::DeliveryMissing,
        Self::DeliveryWithoutAllow,
        Self::StuckClaim,
        Self::OverdueRetry,
        Self::DeadLetter,
        Self::InDoubt,
        Self::OrderMissing,
        Self::SampleRatioMismatch,
        Self::AuditChanged,
        Self::ReviewMissing,
        Self::ReviewNotResumed,
    ];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::TotalsMismatch => "totals_mismatch",
            Self::DecisionMissing => "decision_missing",
            Self::ReceiptMissing => "receipt_missing",
            Self::ExposureMissing => "exposure_missing",
            Self::DeliveryMissing => "delivery_missing",
            Self::DeliveryWithoutAllow => "delivery_without_allow",
            Self::StuckClaim => "stuck_claim",
            Self::OverdueRetry => "overdue_retry",
            Self::DeadLetter => "dead_letter",
            Self::InDoubt => "in_doubt",
            Self::OrderMissing => "order_missing",
            Self::SampleRatioMismatch => "sample_ratio_mismatch",
            Self::AuditChanged => "audit_changed",
            Self::ReviewMissing => "review_missing",
            Self::ReviewNotResumed => "review_not_resumed",
        }
    }

    /// Chinese title.
    pub fn title(self) -> &'static str {
        match self {
            Self::TotalsMismatch => "当日总数不平",
            Self::DecisionMissing => "已受理的回调没有合规决定",
            Self::ReceiptMissing => "有合规决定但没有受理记录",
            Self::ExposureMissing => "已放行但没有分桶记录",
            Self::DeliveryMissing => "已放行但没有投递记录",
            Self::DeliveryWithoutAllow => "没有放行决定却有投递",
            Self::StuckClaim => "投递占用已超时",
            Self::OverdueRetry => "重试时间已到但未执行",
            Self::DeadLetter => "消息进入死信队列",
            Self::InDoubt => "投递结果不明",
            Self::OrderMissing => "订单事件未记入订单簿",
            Self::SampleRatioMismatch => "实验分流比例异常",
            Self::AuditChanged => "审计记录与封存摘要不符",
            Self::ReviewMissing => "待复核事件没有复核记录",
            Self::ReviewNotResumed => "已通过复核但未继续处理",
        }
    }
}

/// How a break stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakState {
    /// Somebody must look.
    Open,
    /// The queue that would close it is not empty yet.
    Waiting,
    /// Its message was put back on its queue by this run.
    Redriven,
}

impl BreakState {
    /// Chinese label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "待处理",
            Self::Waiting => "队列处理中",
            Self::Redriven => "已重新投递",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Break {
    /// What kind.
    pub class: BreakClass,
    /// Chinese title of the class.
    pub title: &'static str,
    /// The event as `tenant/source/message`, or the experiment; empty for the whole day.
    pub key: String,
    /// The trace to look up with `sluice audit show`.
    pub trace_id: Option<TraceId>,
    /// From its beginning to the end of the day (so that a later run tells the same), in milliseconds, never negative.
    pub age_ms: i64,
    /// How it stands.
    pub state: BreakState,
    /// What is known, by stable codes; no personal value.
    pub detail: String,
}
