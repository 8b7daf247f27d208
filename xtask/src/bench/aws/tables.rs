//! What `cargo xtask bench aws` prints.

use anyhow::{Result, ensure};

use super::HELLO;
use super::cost::{PerEvent, count};
use super::measured::{ColdStart, Journey, Measured};
use super::prices::PriceFile;
use crate::say;
use crate::size::{FUNCTIONS, Size};

/// DESIGN: calls of a delivered event at batch 10.
const MOST_CALLS: f64 = 7.0;

fn met(holds: bool) -> &'static str {
    if holds { "met" } else { "missed" }
}

/// The median of one number of all runs.
fn median(starts: &[ColdStart], of: impl Fn(&ColdStart) -> f64) -> f64 {
    let mut values: Vec<f64> = starts.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2).copied().unwrap_or_default();
    let lower = values.get((values.len().saturating_sub(1)) / 2).copied().unwrap_or_default();
    f64::midpoint(lower, upper)
}

/// The values that a quarter and three quarters of the runs stay below.
fn quartiles(starts: &[ColdStart], of: impl Fn(&ColdStart) -> f64) -> (f64, f64) {
    let mut values: Vec<f64> = starts.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let at = |quarter: usize| values.get(values.len() * quarter / 4).copied().unwrap_or_default();
    (at(1), at(3))
}

fn mebibytes(start: &ColdStart) -> f64 {
    f64::from(u32::try_from(start.rss_kib).unwrap_or(u32::MAX)) / 1_024.0
}

/// Cold starts beside a function that does nothing.
///
/// # Errors
/// When one of them was not started.
pub(super) fn cold_starts(measured: &Measured, sizes: &[(String, Size)]) -> Result<()> {
    let starts = |name: &str| measured.cold_starts.get(name).map(Vec::as_slice).unwrap_or_default();
    let hello = median(starts(HELLO), |start| start.cpu_ms);
    say::line(&format!(
        "\ncold starts: medians of {} runs in turn; plain HTTP on loopback, so without the TLS handshake",
        starts(HELLO).len()
    ));
    say::line(
        "| function | spawn to /next, ms | CPU of it, ms | first event, ms | CPU to first response, ms | its quartiles | × hello | AWS calls | RSS MiB | program, bytes | ZIP, bytes |",
    );
    say::line("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let (mut most_cpu, mut most_rss, mut most_bytes) = (0.0_f64, 0.0_f64, 0);
    for name in FUNCTIONS.into_iter().chain([HELLO]) {
        let all = starts(name);
        ensure!(!all.is_empty(), "`{name}` was not started");
        let (cpu, rss) = (median(all, |start| start.cpu_ms), median(all, mebibytes));
        let (lower, upper) = quartiles(all, |start| start.cpu_ms);
        let calls = median(all, |start| count(start.calls));
        let size = sizes.iter().find(|(sized, _)| sized == name).map(|(_, size)| *size);
        let Size { binary, zip } = size.unwrap_or(Size { binary: 0, zip: 0 });
        say::line(&format!(
            "| {name} | {:.2} | {:.2} | {:.2} | {cpu:.2} | {lower:.2}–{upper:.2} | {:.2} | {calls:.0} | {rss:.1} | {binary} | {zip} |",
            median(all, |start| start.init_ms),
            median(all, |start| start.init_cpu_ms),
            median(all, |start| start.first_ms),
            cpu / hello,
        ));
        (most_cpu, most_rss) = (most_cpu.max(cpu / hello), most_rss.max(rss));
        most_bytes = most_bytes.max(binary);
    }
    say::line(&format!(
        "CPU to first response: {most_cpu:.2} × the hello's at most (target ≤ 4: {}); program: {most_bytes} bytes at most (target ≤ 6000000: {}); \
         RSS: {most_rss:.1} MiB at most (target ≤ 15 MB: {})",
        met(most_cpu <= 4.0),
        met(most_bytes <= 6_000_000),
        met(most_rss * 1.048_576 <= 15.0)
    ));
    Ok(())
}

/// What each function asks of AWS, for one event.
pub(super) fn calls(journey: &Journey) {
    let events = count(journey.events.max(1));
    say::line(&format!(
        "\ncalls and bytes an event, batches of {}, {} events",
        journey.batch, journey.events
    ));
    say::line(
        "| function | operation | calls | items a call | bytes out | bytes in | write units | read units |",
    );
    say::line("|---|---|--:|--:|--:|--:|--:|--:|");
    let mut sum = 0.0;
    for step in &journey.steps {
        for spent in &step.calls {
            sum += count(spent.calls) / events;
            say::line(&format!(
                "| {} | {}:{} | {:.2} | {:.1} | {:.0} | {:.0} | {:.2} | {:.2} |",
                step.function,
                spent.service,
                spent.operation,
                count(spent.calls) / events,
                count(spent.items) / count(spent.calls.max(1)),
                count(spent.bytes_in) / events,
                count(spent.bytes_out) / events,
                count(spent.write_units) / events,
                count(spent.read_units) / events,
            ));
        }
    }
    let target = if journey.batch == 10 {
        format!(" (target ≤ {MOST_CALLS:.0}: {})", met(sum <= MOST_CALLS))
    } else {
        String::new()
    };
    say::line(&format!("{sum:.2} calls a delivered event{target}; {} deliveries", journey.delivered));
}

/// A million events by list prices, beside two idempotency writes a step.
pub(super) fn costs(journeys: &[Journey], prices: &PriceFile) -> Result<()> {
    let assumptions = prices.assumptions()?;
    let Some(largest) = journeys.iter().max_by_key(|journey| journey.batch) else { return Ok(()) };
    for region in prices.complete() {
        say::line(&format!(
            "\na million delivered events by list price, {}, {} of {}",
            region.region, region.currency, region.date
        ));
        let mut columns: Vec<(String, PerEvent)> = journeys
            .iter()
            .map(|journey| {
                (format!("sluice, batch {}", journey.batch), PerEvent::counted(journey, assumptions))
            })
            .collect();
        let other = PerEvent::two_writes_a_step(largest, assumptions);
        columns.push((format!("two writes a step, batch {}", largest.batch), other));
        let titles: Vec<&str> = columns.iter().map(|(title, _)| title.as_str()).collect();
        say::line(&format!("| | {} |", titles.join(" | ")));
        say::line(&format!("|---|{}", "--:|".repeat(columns.len())));
        let amounts: Vec<_> = columns.iter().map(|(_, used)| used.million(&region)).collect();
        let names = other.million(&region).map(|(name, _)| name);
        for (place, name) in names.into_iter().enumerate() {
            let row = amounts.iter().filter_map(|column| column.get(place));
            say::line(&row_of(name, row.map(|(_, amount)| *amount)));
        }
        let sums: Vec<f64> = amounts.iter().map(|column| column.iter().map(|(_, it)| it).sum()).collect();
        say::line(&row_of("**sum**", sums.iter().copied()));
        say::line(&row_of("calls an event", columns.iter().map(|(_, used)| used.calls)));
        if let [.., ours, theirs] = sums.as_slice() {
            let ratio = ours / theirs;
            say::line(&format!(
                "ours at batch {} is {ratio:.2} of the other design (target < 0.5: {})",
                largest.batch,
                met(ratio < 0.5)
            ));
        }
        say::line("prices:");
        for source in prices.sources(&region.region) {
            say::line(&format!("- {source}"));
        }
    }
    for region in prices.incomplete() {
        say::line(&format!("{region}: not every price is known (xtask/data/prices.json), so no table"));
    }
    say::line("assumed, not measured:");
    for reason in prices.reasons() {
        say::line(&format!("- {reason}"));
    }
    Ok(())
}

fn row_of(name: &str, amounts: impl Iterator<Item = f64>) -> String {
    let cells: Vec<String> = amounts.map(|amount| format!("{amount:.2}")).collect();
    format!("| {name} | {} |", cells.join(" | "))
}

/// How fast each function is by itself, and how much of the time is ours.
pub(super) fn throughput(journeys: &[Journey]) {
    say::line(
        "\nthroughput of one warm function; what is not our CPU is the emulator, the proxy and waiting for both",
    );
    say::line("| function | batch | events/s | µs an event | our CPU, µs | the rest, µs |");
    say::line("|---|--:|--:|--:|--:|--:|");
    for journey in journeys {
        let events = count(journey.events.max(1));
        for step in &journey.steps {
            let (wall, cpu) = (step.wall_ms * 1e3 / events, step.cpu_ms * 1e3 / events);
            say::line(&format!(
                "| {} | {} | {:.0} | {wall:.0} | {cpu:.0} | {:.0} |",
                step.function,
                journey.batch,
                1e6 / wall,
                wall - cpu
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_cold_starts_is_the_middle_or_between_the_two_middles() {
        let start = |cpu_ms| ColdStart {
            init_ms: 0.0,
            init_cpu_ms: 0.0,
            first_ms: 0.0,
            cpu_ms,
            rss_kib: 2_048,
            calls: 0,
        };
        let cpu =
            |all: &[f64]| median(&all.iter().copied().map(start).collect::<Vec<_>>(), |start| start.cpu_ms);
        assert!((cpu(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((cpu(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!((mebibytes(&start(1.0)) - 2.0).abs() < 1e-9);
    }
}
