//! The measurement of one server in one round, and the median over rounds.

use anyhow::Result;

use super::load::{Plan, drive};
use super::server::Running;

/// One round's numbers, or the medians of several rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Round {
    /// Callbacks acknowledged a second.
    pub(super) rate: f64,
    /// The server's processor time a callback, in microseconds.
    pub(super) cpu: f64,
    /// Half the callbacks are answered within so many microseconds.
    pub(super) p50: f64,
    /// All but a hundredth.
    pub(super) p99: f64,
    /// Resident memory at the end, in MiB.
    pub(super) rss: f64,
    /// The most resident memory so far, in MiB.
    pub(super) peak: f64,
}

/// Drives a server for a while and reads what it used.
pub(super) fn measure(server: &Running, plan: &Plan<'_>) -> Result<Round> {
    let before = server.cpu()?;
    let load = drive(plan)?;
    let used = server.cpu()?.saturating_sub(before);
    let (rss, peak) = server.memory()?;
    Ok(Round {
        rate: count(load.requests) / load.took.as_secs_f64(),
        cpu: used.as_secs_f64() * 1e6 / count(load.requests.max(1)),
        p50: f64::from(load.percentile(50)),
        p99: f64::from(load.percentile(99)),
        rss: count(rss) / 1_024.0,
        peak: count(peak) / 1_024.0,
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark stay far below 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

/// The median of each number by itself.
pub(super) fn median(rounds: &[Round]) -> Round {
    let of = |field: fn(&Round) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(field).collect();
        values.sort_by(f64::total_cmp);
        let upper = values.get(values.len() / 2).copied().unwrap_or_default();
        if values.len().is_multiple_of(2) {
            let lower = values.get((values.len() / 2).saturating_sub(1)).copied().unwrap_or_default();
            f64::midpoint(lower, upper)
        } else {
            upper
        }
    };
    Round {
        rate: of(|r| r.rate),
        cpu: of(|r| r.cpu),
        p50: of(|r| r.p50),
        p99: of(|r| r.p99),
        rss: of(|r| r.rss),
        peak: of(|r| r.peak),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        let rate = |rate| Round { rate, ..Round::default() };
        for (rates, expected) in
            [(&[3.0, 1.0, 2.0][..], 2.0), (&[4.0, 1.0, 2.0, 3.0], 2.5), (&[7.0], 7.0), (&[], 0.0)]
        {
            let rounds: Vec<Round> = rates.iter().copied().map(rate).collect();
            assert!((median(&rounds).rate - expected).abs() < 1e-9, "{rates:?}");
        }
    }
}
