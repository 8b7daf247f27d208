//! The metrics: names, units and dimensions. The dashboard and the alarms of `template.yaml` are tested against this module.

/// The `CloudWatch` namespace of every metric.
pub const NAMESPACE: &str = "Sluice";

/// What a metric counts in, as `CloudWatch` spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Time.
    Milliseconds,
}

impl Unit {
    /// As `CloudWatch` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

/// One thing worth counting or timing, with the value of its dimension, if it has one.
///
/// Dimension values come from small closed sets (codes, verdicts, channels, queues, steps): never an id of a person, event or order.
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
    /// A message went to a dead-letter queue with its reason.
    DeadLettered {
        /// The queue it came from.
        queue: &'a str,
    },
    /// Differences that reconciliation found and nobody has closed. A gauge: the last value of a run counts.
    OpenBreaks,
    /// How long one batch, or one callback, took in a step.
    StepDuration {
        /// The step: `webhook-verify`, …
        step: &'a str,
    },
}

impl<'a> Signal<'a> {
    /// One of each, with placeholder values: for tests that compare against the template.
    pub const ALL: [Signal<'static>; 15] = [
        Signal::Received,
        Signal::Verified,
        Signal::Rejected { code: "" },
        Signal::Handshake,
        Signal::Duplicate { step: "" },
        Signal::Unhandled,
        Signal::Decided { verdict: "" },
        Signal::Assigned,
        Signal::Delivered { channel: "" },
        Signal::Refused { channel: "" },
        Signal::InDoubt { channel: "" },
        Signal::Throttled { channel: "" },
        Signal::DeadLettered { queue: "" },
        Signal::OpenBreaks,
        Signal::StepDuration { step: "" },
    ];

    /// The metric's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "Received",
            Self::Verified => "Verified",
            Self::Rejected { .. } => "Rejected",
            Self::Handshake => "Handshake",
            Self::Duplicate { .. } => "Duplicate",
            Self::Unhandled => "Unhandled",
            Self::Decided { .. } => "Decided",
            Self::Assigned => "Assigned",
            Self::Delivered { .. } => "Delivered",
            Self::Refused { .. } => "Refused",
            Self::InDoubt { .. } => "InDoubt",
            Self::Throttled { .. } => "Throttled",
            Self::DeadLettered { .. } => "DeadLettered",
            Self::OpenBreaks => "OpenBreaks",
            Self::StepDuration { .. } => "StepDuration",
        }
    }

    /// What it counts in.
    pub fn unit(self) -> Unit {
        match self {
            Self::StepDuration { .. } => Unit::Milliseconds,
            Self::Received
            | Self::Verified
            | Self::Rejected { .. }
            | Self::Handshake
            | Self::Duplicate { .. }
            | Self::Unhandled
            | Self::Decided { .. }
            | Self::Assigned
            | Self::Delivered { .. }
            | Self::Refused { .. }
            | Self::InDoubt { .. }
            | Self::Throttled { .. }
            | Self::DeadLettered { .. }
            | Self::OpenBreaks => Unit::Count,
        }
    }

    /// Its dimension and the value of it. Every metric is also published without its dimension, so that an alarm can watch the total.
    pub fn dimension(self) -> Option<(&'static str, &'a str)> {
        match self {
            Self::Received
            | Self::Verified
            | Self::Handshake
            | Self::Unhandled
            | Self::Assigned
            | Self::OpenBreaks => None,
            Self::Rejected { code } => Some(("Code", code)),
            Self::Duplicate { step } | Self::StepDuration { step } => Some(("Step", step)),
            Self::Decided { verdict } => Some(("Verdict", verdict)),
            Self::Delivered { channel }
            | Self::Refused { channel }
            | Self::InDoubt { channel }
            | Self::Throttled { channel } => Some(("Channel", channel)),
            Self::DeadLettered { queue } => Some(("Queue", queue)),
        }
    }
}
