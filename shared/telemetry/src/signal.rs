//! The metrics: names, units and dimensions. The dashboard is generated from this module, and the alarms of `template.yaml` are
//! tested against it.

/// The `CloudWatch` namespace of every metric.
pub const NAMESPACE: &str = "Sluice";

/// What a metric counts in, as `CloudWatch` spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Time.
    Milliseconds,
    /// Longer time.
    Seconds,
    /// Hundredths of a whole.
    Percent,
    /// A bare number.
    None,
}

impl Unit {
    /// As `CloudWatch` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
            Self::Percent => "Percent",
            Self::None => "None",
        }
    }
}

/// How the values of one period make one number, in the process that records them and on the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Things that happened: they add up.
    Counter,
    /// A state that was found: the last value stands.
    Gauge,
    /// A value of each: percentiles make sense.
    Distribution,
}

/// One thing worth counting or timing, with the value of its dimension, if it has one.
///
/// Dimension values come from small closed sets (codes, verdicts, channels, queues, steps, configured experiments): never an id of a
/// person, event or order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal<'a> {
    /// A callback came in.
    Received,
    /// A callback's signature was right.
    Verified,
    /// A callback was turned away.
    Rejected {
        /// The machine-readable code of the answer.
        code: &'a str,
    },
    /// A platform's handshake was answered.
    Handshake,
    /// Somebody opened a signed link, or asked whether it holds.
    LinkOpened {
        /// `valid`, `expired`, `forged`, …
        outcome: &'a str,
    },
    /// An event was seen before and dropped.
    Duplicate {
        /// Which step noticed.
        step: &'a str,
    },
    /// An event's kind needs no dispatch, or its name is not known.
    Unhandled,
    /// A decision was made.
    Decided {
        /// `allow`, `allow_masked`, `review`, `block`.
        verdict: &'a str,
    },
    /// The main reason of a decision.
    DecisionReason {
        /// Its code.
        code: &'a str,
    },
    /// A decision lets its event go on.
    Cleared,
    /// A cleared event got its script and destination.
    Assigned,
    /// A platform took a message.
    Delivered {
        /// `feishu_bot`, `wecom_app`, …
        channel: &'a str,
    },
    /// A message will not be sent, for good.
    Refused {
        /// The channel.
        channel: &'a str,
    },
    /// Nobody knows whether a platform took a message.
    InDoubt {
        /// The channel.
        channel: &'a str,
    },
    /// A platform, quota or own limiter asked to wait.
    Throttled {
        /// The channel.
        channel: &'a str,
    },
    /// An attempt to send ended.
    SendOutcome {
        /// The outcome's class: `delivered`, `quota_exhausted`, `content_refused`, …
        outcome: &'a str,
    },
    /// A platform answered with a code that no table has: a person must look it up.
    UnknownCode {
        /// The channel.
        channel: &'a str,
    },
    /// An endpoint was found broken, or was tried out and is broken still: its messages wait.
    EndpointOpened {
        /// The platform's code, or Sluice's word.
        code: &'a str,
    },
    /// An endpoint was disabled, or kept a message back because it is: a person must mend and enable it.
    EndpointDisabled {
        /// The platform's code, or `disabled` by a person.
        code: &'a str,
    },
    /// A message goes to the fall-back of its route.
    FellBack {
        /// The channel that could not be used.
        channel: &'a str,
    },
    /// Somebody who had just added a member was welcomed, or not.
    Welcomed {
        /// The outcome's class, as for attempts to send.
        outcome: &'a str,
    },
    /// From the callback's arrival to the platform's yes.
    EndToEndDuration {
        /// The channel.
        channel: &'a str,
    },
    /// A message went to a dead-letter queue with its reason.
    DeadLettered {
        /// The queue it came from.
        queue: &'a str,
    },
    /// Consents could not be read or written.
    ConsentStoreFailure,
    /// A changed configuration could not be loaded; the last good one stays in force.
    SettingsReloadFailure,
    /// A rule's condition had no value for an event, which is blocked.
    RuleFailed {
        /// The rule.
        rule: &'a str,
    },
    /// A candidate pack would have decided otherwise.
    ShadowDiffers {
        /// Its verdict.
        verdict: &'a str,
    },
    /// Differences that reconciliation found and nobody has closed, over all tenants of a run.
    OpenBreaks,
    /// The same, by class; zero for a class without any.
    BreaksByClass {
        /// The class: `decision_missing`, …
        class: &'a str,
    },
    /// The largest distance of an arm's share from its weight, in percentage points.
    BucketDeviation {
        /// `tenant/experiment`.
        experiment: &'a str,
    },
    /// The probability of an experiment's split by chance (chi-square); below 0.001 it is a sample ratio mismatch.
    BucketChance {
        /// `tenant/experiment`.
        experiment: &'a str,
    },
    /// How long one batch, or one callback, took in a step.
    StepDuration {
        /// The step: `webhook-verify`, …
        step: &'a str,
    },
    /// An event, or a rendered message, began to wait for a reviewer.
    ReviewOpened {
        /// `event` or `message`.
        point: &'a str,
    },
    /// A review ended.
    ReviewEnded {
        /// `cleared`, `blocked`, `rejected`, `expired`.
        state: &'a str,
    },
    /// Reviews that wait for a person, over all tenants of a nightly run.
    OpenReviews,
    /// The age of the oldest one that waits.
    OldestReviewAge,
    /// The platform's text censor was asked for an event, or what it said before was found.
    ContentChecked {
        /// `clean`, `hit`, `unanswered`.
        outcome: &'a str,
    },
    /// What a check's outcome rests on.
    ContentCheckDecided {
        /// `remote`, `cached`, `local`.
        source: &'a str,
    },
    /// A request to the text censor got no answer, or the day's budget had no room for it.
    ContentCheckFailed {
        /// `timeout`, `rate_limited`, `quota_exhausted`, …
        cause: &'a str,
    },
    /// A channel told what became of somebody there.
    ChannelEvent {
        /// The kind: `contact_added`, `contact_lost`, `channel_activity`, `channel_notice`.
        event: &'a str,
    },
    /// Of those, ones that lead back to a message of ours.
    ContactAttributed,
    /// Of those, warnings: a quota that ends, a link that died, a bot that was removed.
    ChannelNotice,
    /// A process handled its first invocation.
    ColdStart {
        /// The step.
        step: &'a str,
    },
}

impl<'a> Signal<'a> {
    /// One of each, with placeholder values: what the dashboard and the tests go through.
    pub const ALL: [Signal<'static>; 43] = [
        Signal::Received,
        Signal::Verified,
        Signal::Rejected { code: "" },
        Signal::Handshake,
        Signal::LinkOpened { outcome: "" },
        Signal::Duplicate { step: "" },
        Signal::Unhandled,
        Signal::Decided { verdict: "" },
        Signal::DecisionReason { code: "" },
        Signal::Cleared,
        Signal::Assigned,
        Signal::Delivered { channel: "" },
        Signal::Refused { channel: "" },
        Signal::InDoubt { channel: "" },
        Signal::Throttled { channel: "" },
        Signal::SendOutcome { outcome: "" },
        Signal::UnknownCode { channel: "" },
        Signal::EndpointOpened { code: "" },
        Signal::EndpointDisabled { code: "" },
        Signal::FellBack { channel: "" },
        Signal::Welcomed { outcome: "" },
        Signal::EndToEndDuration { channel: "" },
        Signal::DeadLettered { queue: "" },
        Signal::ConsentStoreFailure,
        Signal::SettingsReloadFailure,
        Signal::RuleFailed { rule: "" },
        Signal::ShadowDiffers { verdict: "" },
        Signal::OpenBreaks,
        Signal::BreaksByClass { class: "" },
        Signal::BucketDeviation { experiment: "" },
        Signal::BucketChance { experiment: "" },
        Signal::StepDuration { step: "" },
        Signal::ReviewOpened { point: "" },
        Signal::ReviewEnded { state: "" },
        Signal::OpenReviews,
        Signal::OldestReviewAge,
        Signal::ContentChecked { outcome: "" },
        Signal::ContentCheckDecided { source: "" },
        Signal::ContentCheckFailed { cause: "" },
        Signal::ChannelEvent { event: "" },
        Signal::ContactAttributed,
        Signal::ChannelNotice,
        Signal::ColdStart { step: "" },
    ];

    /// The metric's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "Received",
            Self::Verified => "Verified",
            Self::Rejected { .. } => "Rejected",
            Self::Handshake => "Handshake",
            Self::LinkOpened { .. } => "LinkOpened",
            Self::Duplicate { .. } => "Duplicate",
            Self::Unhandled => "Unhandled",
            Self::Decided { .. } => "Decided",
            Self::DecisionReason { .. } => "DecisionReason",
            Self::Cleared => "Cleared",
            Self::Assigned => "Assigned",
            Self::Delivered { .. } => "Delivered",
            Self::Refused { .. } => "Refused",
            Self::InDoubt { .. } => "InDoubt",
            Self::Throttled { .. } => "Throttled",
            Self::SendOutcome { .. } => "SendOutcome",
            Self::UnknownCode { .. } => "UnknownCode",
            Self::EndpointOpened { .. } => "EndpointOpened",
            Self::EndpointDisabled { .. } => "EndpointDisabled",
            Self::FellBack { .. } => "FellBack",
            Self::Welcomed { .. } => "Welcomed",
            Self::EndToEndDuration { .. } => "EndToEndDuration",
            Self::DeadLettered { .. } => "DeadLettered",
            Self::ConsentStoreFailure => "ConsentStoreFailure",
            Self::SettingsReloadFailure => "SettingsReloadFailure",
            Self::RuleFailed { .. } => "RuleFailed",
            Self::ShadowDiffers { .. } => "ShadowDiffers",
            Self::OpenBreaks => "OpenBreaks",
            Self::BreaksByClass { .. } => "BreaksByClass",
            Self::BucketDeviation { .. } => "BucketDeviation",
            Self::BucketChance { .. } => "BucketChance",
            Self::StepDuration { .. } => "StepDuration",
            Self::ReviewOpened { .. } => "ReviewOpened",
            Self::ReviewEnded { .. } => "ReviewEnded",
            Self::OpenReviews => "OpenReviews",
            Self::OldestReviewAge => "OldestReviewAge",
            Self::ContentChecked { .. } => "ContentChecked",
            Self::ContentCheckDecided { .. } => "ContentCheckDecided",
            Self::ContentCheckFailed { .. } => "ContentCheckFailed",
            Self::ChannelEvent { .. } => "ChannelEvent",
            Self::ContactAttributed => "ContactAttributed",
            Self::ChannelNotice => "ChannelNotice",
            Self::ColdStart { .. } => "ColdStart",
        }
    }

    /// What it counts in.
    pub fn unit(self) -> Unit {
        match self {
            Self::StepDuration { .. } | Self::EndToEndDuration { .. } => Unit::Milliseconds,
            Self::OldestReviewAge => Unit::Seconds,
            Self::BucketDeviation { .. } => Unit::Percent,
            Self::BucketChance { .. } => Unit::None,
            _ => Unit::Count,
        }
    }

    /// How its values make one number.
    pub fn kind(self) -> Kind {
        match self {
            Self::OpenBreaks
            | Self::BreaksByClass { .. }
            | Self::BucketDeviation { .. }
            | Self::BucketChance { .. }
            | Self::OpenReviews
            | Self::OldestReviewAge => Kind::Gauge,
            Self::StepDuration { .. } | Self::EndToEndDuration { .. } => Kind::Distribution,
            _ => Kind::Counter,
        }
    }

    /// Its dimension and the value of it. Every metric is also published without its dimension, so that an alarm can watch the total.
    pub fn dimension(self) -> Option<(&'static str, &'a str)> {
        match self {
            Self::Received
            | Self::Verified
            | Self::Handshake
            | Self::Unhandled
            | Self::Cleared
            | Self::Assigned
            | Self::ConsentStoreFailure
            | Self::SettingsReloadFailure
            | Self::OpenBreaks
            | Self::OpenReviews
            | Self::OldestReviewAge
            | Self::ContactAttributed
            | Self::ChannelNotice => None,
            Self::Rejected { code }
            | Self::DecisionReason { code }
            | Self::EndpointOpened { code }
            | Self::EndpointDisabled { code } => Some(("Code", code)),
            Self::Duplicate { step } | Self::StepDuration { step } | Self::ColdStart { step } => {
                Some(("Step", step))
            }
            Self::RuleFailed { rule } => Some(("Rule", rule)),
            Self::Decided { verdict } | Self::ShadowDiffers { verdict } => Some(("Verdict", verdict)),
            Self::Delivered { channel }
            | Self::Refused { channel }
            | Self::InDoubt { channel }
            | Self::Throttled { channel }
            | Self::UnknownCode { channel }
            | Self::FellBack { channel }
            | Self::EndToEndDuration { channel } => Some(("Channel", channel)),
            Self::SendOutcome { outcome }
            | Self::LinkOpened { outcome }
            | Self::Welcomed { outcome }
            | Self::ContentChecked { outcome } => Some(("Outcome", outcome)),
            Self::ContentCheckDecided { source } => Some(("Source", source)),
            Self::ContentCheckFailed { cause } => Some(("Cause", cause)),
            Self::DeadLettered { queue } => Some(("Queue", queue)),
            Self::ChannelEvent { event } => Some(("Event", event)),
            Self::ReviewOpened { point } => Some(("Point", point)),
            Self::ReviewEnded { state } => Some(("State", state)),
            Self::BreaksByClass { class } => Some(("Class", class)),
            Self::BucketDeviation { experiment } | Self::BucketChance { experiment } => {
                Some(("Experiment", experiment))
            }
        }
    }
}
