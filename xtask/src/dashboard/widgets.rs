//! What the dashboard shows. The template's body and the README's picture are both made from this list.

use sluice_telemetry::{Kind, Signal};

use super::cost;

/// The functions, by their names in the template.
pub(super) const FUNCTIONS: [&str; 6] = [
    "WebhookVerify",
    "ComplianceCheck",
    "BucketAssignment",
    "ChannelDispatch",
    "ContentSafety",
    "NightlyReconciliation",
];
pub(super) const QUEUES: [&str; 4] = ["EventsQueue", "ClearedQueue", "AssignedQueue", "ChecksQueue"];
const DEAD_LETTERS: [&str; 5] = [
    "EventsDeadLetters",
    "ClearedDeadLetters",
    "AssignedDeadLetters",
    "ChecksDeadLetters",
    "ScheduleDeadLetters",
];
/// The grid is 24 wide; three widgets make a row.
const WIDTH: usize = 8;
const HEIGHT: usize = 6;

/// One graph.
#[derive(Debug, Clone)]
pub(super) struct Widget {
    pub(super) title: &'static str,
    pub(super) view: View,
    pub(super) series: Vec<Series>,
    pub(super) place: (usize, usize),
    pub(super) size: (usize, usize),
}

/// How it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Lines,
    Stacked,
    /// One bar for each series, over the whole time that is shown.
    Bars,
}

/// What is drawn.
#[derive(Debug, Clone)]
pub(super) enum Series {
    /// A metric of ours: its total, or a line for each value of its dimension.
    Ours { signal: Signal<'static>, by_dimension: bool, stat: &'static str },
    /// A metric of AWS's own.
    Aws {
        namespace: &'static str,
        name: &'static str,
        dimension: &'static str,
        value: String,
        stat: &'static str,
    },
    /// Arithmetic over hidden metrics.
    Math { label: &'static str, expression: String, over: Vec<(String, Series)> },
}

/// Every graph, in its place.
pub(super) fn all(costs: &cost::Costs) -> Vec<Widget> {
    let mut widgets = flow();
    widgets.extend(delivery());
    widgets.extend(health());
    widgets.extend(reviews());
    widgets.extend(callbacks());
    widgets.extend(aws(costs));
    for (number, widget) in widgets.iter_mut().enumerate() {
        widget.place = (number % 3 * WIDTH, 1 + number / 3 * HEIGHT);
    }
    widgets
}

fn flow() -> Vec<Widget> {
    let funnel = [
        Signal::Received,
        Signal::Verified,
        Signal::Cleared,
        Signal::Assigned,
        Signal::Delivered { channel: "" },
    ];
    vec![
        widget("The funnel", View::Bars, funnel.map(total)),
        widget("The flow", View::Lines, funnel.map(total)),
        widget("Decisions by verdict", View::Stacked, [each(Signal::Decided { verdict: "" })]),
        widget(
            "Candidate packs: decided otherwise",
            View::Stacked,
            [each(Signal::ShadowDiffers { verdict: "" })],
        ),
        widget("Decisions by reason", View::Stacked, [each(Signal::DecisionReason { code: "" })]),
        widget(
            "Turned away, and seen before",
            View::Lines,
            [each(Signal::Rejected { code: "" }), each(Signal::Duplicate { step: "" })],
        ),
        widget(
            "Nothing to send, and links opened",
            View::Lines,
            [total(Signal::Handshake), total(Signal::Unhandled), each(Signal::LinkOpened { outcome: "" })],
        ),
    ]
}

fn delivery() -> Vec<Widget> {
    let not_taken =
        [Signal::Refused { channel: "" }, Signal::InDoubt { channel: "" }, Signal::Throttled { channel: "" }];
    let end_to_end = Signal::EndToEndDuration { channel: "" };
    let both = |stat| Series::Ours { signal: end_to_end, by_dimension: false, stat };
    vec![
        widget("Delivered by channel", View::Stacked, [each(Signal::Delivered { channel: "" })]),
        widget("Attempts by class of outcome", View::Stacked, [each(Signal::SendOutcome { outcome: "" })]),
        widget("Refused, in doubt, throttled", View::Lines, not_taken.map(each)),
        widget("Time in a step, p99 (ms)", View::Lines, [each(Signal::StepDuration { step: "" })]),
        widget("Callback to delivery (ms)", View::Lines, [both("p50"), both("p99")]),
        widget("Cold starts", View::Lines, [each(Signal::ColdStart { step: "" })]),
    ]
}

fn health() -> Vec<Widget> {
    vec![
        widget(
            "Failures that a person must see",
            View::Lines,
            [
                each(Signal::DeadLettered { queue: "" }),
                total(Signal::ConsentStoreFailure),
                total(Signal::SettingsReloadFailure),
                each(Signal::RuleFailed { rule: "" }),
                each(Signal::UnknownCode { channel: "" }),
            ],
        ),
        widget(
            "Open breaks, by class",
            View::Lines,
            [total(Signal::OpenBreaks), each(Signal::BreaksByClass { class: "" })],
        ),
        widget(
            "Buckets: distance from the weights (points), and its chance",
            View::Lines,
            [each(Signal::BucketDeviation { experiment: "" }), each(Signal::BucketChance { experiment: "" })],
        ),
    ]
}

fn callbacks() -> Vec<Widget> {
    let endpoints = [
        Signal::EndpointOpened { code: "" },
        Signal::EndpointDisabled { code: "" },
        Signal::FellBack { channel: "" },
    ];
    vec![
        widget("What channels told", View::Stacked, [each(Signal::ChannelEvent { event: "" })]),
        widget(
            "Led back to a message, warnings, and welcomes",
            View::Lines,
            [
                total(Signal::ContactAttributed),
                total(Signal::ChannelNotice),
                each(Signal::Welcomed { outcome: "" }),
            ],
        ),
        widget("Endpoints open or disabled, and messages that fell back", View::Lines, endpoints.map(each)),
    ]
}

fn reviews() -> Vec<Widget> {
    vec![
        widget(
            "Began to wait for a reviewer, by point",
            View::Stacked,
            [each(Signal::ReviewOpened { point: "" })],
        ),
        widget("Reviews ended, by state", View::Stacked, [each(Signal::ReviewEnded { state: "" })]),
        widget(
            "Waiting for a reviewer at night, and the oldest (s)",
            View::Lines,
            [Signal::OpenReviews, Signal::OldestReviewAge].map(total),
        ),
        widget(
            "Texts at the censor, by outcome",
            View::Stacked,
            [each(Signal::ContentChecked { outcome: "" })],
        ),
        widget("What decided on them", View::Stacked, [each(Signal::ContentCheckDecided { source: "" })]),
        widget(
            "Checks without an answer, by cause",
            View::Lines,
            [each(Signal::ContentCheckFailed { cause: "" })],
        ),
    ]
}

fn aws(costs: &cost::Costs) -> Vec<Widget> {
    let lambda =
        |name, stat| FUNCTIONS.map(|it| of_aws("AWS/Lambda", name, "FunctionName", it.to_owned(), stat));
    let sqs = |name, queues: &[&str]| -> Vec<Series> {
        let queue = |it: &&str| of_aws("AWS/SQS", name, "QueueName", format!("{it}.QueueName"), "Maximum");
        queues.iter().map(queue).collect()
    };
    vec![
        widget("Backlog (messages)", View::Lines, sqs("ApproximateNumberOfMessagesVisible", &QUEUES)),
        widget("Age of the oldest message (s)", View::Lines, sqs("ApproximateAgeOfOldestMessage", &QUEUES)),
        widget("Dead letters waiting", View::Lines, sqs("ApproximateNumberOfMessagesVisible", &DEAD_LETTERS)),
        widget(
            "Function errors and throttles",
            View::Lines,
            lambda("Errors", "Sum").into_iter().chain(lambda("Throttles", "Sum")),
        ),
        widget("Function duration, p99 (ms)", View::Lines, lambda("Duration", "p99")),
        widget("List price of a thousand callbacks (USD, at most)", View::Lines, [costs.per_thousand()]),
    ]
}

fn widget(title: &'static str, view: View, series: impl IntoIterator<Item = Series>) -> Widget {
    Widget { title, view, series: series.into_iter().collect(), place: (0, 0), size: (WIDTH, HEIGHT) }
}

fn total(signal: Signal<'static>) -> Series {
    Series::Ours { signal, by_dimension: false, stat: stat(signal) }
}

fn each(signal: Signal<'static>) -> Series {
    Series::Ours { signal, by_dimension: true, stat: stat(signal) }
}

pub(super) fn of_aws(
    namespace: &'static str,
    name: &'static str,
    dimension: &'static str,
    value: String,
    stat: &'static str,
) -> Series {
    Series::Aws { namespace, name, dimension, value, stat }
}

fn stat(signal: Signal<'_>) -> &'static str {
    match signal.kind() {
        Kind::Counter => "Sum",
        Kind::Gauge => "Maximum",
        Kind::Distribution => "p99",
    }
}
