use sluice_domain::limit::{LimitName, LimitOverrides, Span};

/// Spans up to this long are kept by taking turns: within them, no two processes send at once.
const SHORT_MS: i64 = 1_000;

/// So many in any span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) most: u32,
    pub(crate) span_ms: i64,
}

/// One limit, its spans apart by how they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cap {
    /// Longer than a second, shortest first.
    pub(crate) long: Vec<Window>,
    /// Of a second; the strictest, if there are several.
    pub(crate) short: Option<Window>,
    /// Companies share it.
    pub(crate) shared: bool,
}

impl Window {
    /// Kept free after every span: the ways to the platform differ in length, and so do clocks. A second, and less where a second is
    /// more than a twentieth of the span.
    pub(crate) fn margin_ms(&self) -> i64 {
        (self.span_ms / 20).min(1_000)
    }

    /// After so long, the next ones of a process that has sent `most`.
    pub(crate) fn step_ms(&self) -> i64 {
        self.span_ms + self.margin_ms()
    }
}

impl Cap {
    /// The limit with the company's own spans, if it has any.
    pub(crate) fn of(name: LimitName, overrides: &LimitOverrides) -> Self {
        Self::new(&name.spans(overrides), name.limit().shared)
    }

    pub(crate) fn new(spans: &[Span], shared: bool) -> Self {
        let windows =
            spans.iter().map(|span| Window { most: span.most, span_ms: i64::from(span.seconds) * 1_000 });
        let (short, mut long): (Vec<Window>, Vec<Window>) =
            windows.partition(|window| window.span_ms <= SHORT_MS);
        long.sort_unstable_by_key(|window| window.span_ms);
        Self { long, short: short.into_iter().min_by_key(|window| window.most), shared }
    }

    /// What a permit is remembered for.
    pub(crate) fn longest_ms(&self) -> i64 {
        self.long.last().or(self.short.as_ref()).map_or(0, Window::step_ms)
    }

    /// The span in which a wait ends.
    pub(crate) fn shortest_long_ms(&self) -> i64 {
        self.long.first().or(self.short.as_ref()).map_or(0, |window| window.span_ms)
    }
}
