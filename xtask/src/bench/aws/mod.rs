//! The functions on AWS: cold starts, calls, bytes, costs, throughput, all on loopback against emulators.

mod cost;
mod measured;
mod prices;
mod tables;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::AwsArgs;
use crate::size::{FUNCTIONS, Programs, Size};
use crate::{process, say};
use measured::Measured;
use prices::PriceFile;

/// The benchmark program of `tests/emulators`; it prints JSON.
pub(super) const NAME: &str = "aws";
/// A function that does nothing.
const HELLO: &str = "peer-hello";

/// Builds the functions and the yardstick with the profile `lambda`, measures, and prints.
pub(super) fn run(args: &AwsArgs) -> Result<()> {
    let mut names = FUNCTIONS.to_vec();
    names.push(HELLO);
    let programs = Programs::build(&names)?;
    let sizes = programs.iter().map(|(name, program)| Ok((name.to_owned(), Size::of(program)?)));
    let sizes: Vec<(String, Size)> = sizes.collect::<Result<_>>()?;
    let hello = programs.iter().find(|(name, _)| *name == HELLO).map(|(_, program)| program);
    let hello = hello.context("the yardstick was not built")?;
    let directory = hello.parent().context("a program without a folder")?;
    say::step("building the benchmark");
    let bench = ["bench", "--quiet", "--package", "sluice-emulators", "--bench", NAME];
    process::run(process::cargo().args(bench).arg("--no-run"))?;
    say::step(&format!(
        "{} cold starts of each function, {} events at each batch size",
        args.runs, args.events
    ));
    let mut measure = process::cargo();
    measure.args(bench).arg("--").arg("--hello").arg(hello);
    measure.args(["--runs", &args.runs.to_string(), "--events", &args.events.to_string()]);
    let text = process::output(measure.env("SLUICE_FUNCTIONS", directory))?;
    let measured: Measured = serde_json::from_str(text.trim()).context("output of the benchmark")?;
    let prices = PriceFile::read()?;
    if args.json {
        let sizes: serde_json::Map<_, _> = sizes
            .iter()
            .map(|(name, size)| (name.clone(), json!({"binary": size.binary, "zip": size.zip})))
            .collect();
        let machine = super::machine::description();
        say::line(&json!({"machine": machine, "sizes": sizes, "measured": measured}).to_string());
        return Ok(());
    }
    tables::cold_starts(&measured, &sizes)?;
    for journey in &measured.journeys {
        tables::calls(journey);
    }
    tables::costs(&measured.journeys, &prices)?;
    tables::throughput(&measured.journeys);
    Ok(())
}
