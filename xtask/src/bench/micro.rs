//! The benchmarks of single functions: runs them, then collects the medians that Criterion wrote.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::workspace::Metadata;
use crate::{process, say};

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

/// Runs every benchmark of the workspace and prints the medians.
pub(super) fn run() -> Result<()> {
    let metadata = Metadata::read()?;
    let start = SystemTime::now();
    let mut any = false;
    for package in metadata.members() {
        let benches = package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bench"));
        // Those are no Criterion benchmarks.
        let ours = [&[super::pipeline::NAME, super::aws::NAME], super::compliance::NAMES.as_slice()].concat();
        for target in benches.filter(|target| !ours.contains(&target.name.as_str())) {
            say::step(&format!("{} of {}", target.name, package.name));
            let mut bench = process::cargo();
            bench.args([
                "bench",
                "--quiet",
                "--package",
                &package.name,
                "--bench",
                &target.name,
                "--",
                "--quiet",
            ]);
            process::run(&mut bench)?;
            any = true;
        }
    }
    if !any {
        say::line("no benchmark of single functions in the workspace");
        return Ok(());
    }
    let mut medians = Vec::new();
    collect(&metadata.target_directory.join("criterion"), start, &mut medians)?;
    medians.sort_by(|(left, _), (right, _)| left.cmp(right));
    say::line("| benchmark | median |");
    say::line("|---|--:|");
    for (name, nanoseconds) in medians {
        say::line(&format!("| {name} | {} |", time(nanoseconds)));
    }
    Ok(())
}

/// Finds the `new` folders that this run wrote.
fn collect(directory: &Path, since: SystemTime, medians: &mut Vec<(String, f64)>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let estimates = path.join("estimates.json");
        if path.file_name().is_some_and(|name| name == "new") && estimates.is_file() {
            if std::fs::metadata(&estimates)?.modified()? >= since {
                let benchmark: Benchmark = read(&path.join("benchmark.json"))?;
                let estimates: Estimates = read(&estimates)?;
                medians.push((benchmark.full_id, estimates.median.point_estimate));
            }
        } else if path.is_dir() {
            collect(&path, since, medians)?;
        }
    }
    Ok(())
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path)?;
    serde_json::from_str(&text).with_context(|| format!("`{}`", path.display()))
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.1} ns"),
        n if n < 1e6 => format!("{:.2} µs", n / 1e3),
        n if n < 1e9 => format!("{:.2} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_unit_that_fits() {
        for (nanoseconds, shown) in
            [(12.34, "12.3 ns"), (25_000.0, "25.00 µs"), (4.2e6, "4.20 ms"), (2e9, "2.00 s")]
        {
            assert_eq!(time(nanoseconds), shown);
        }
    }
}
