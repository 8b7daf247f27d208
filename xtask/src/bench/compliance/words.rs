//! Words: `shared/lexicon/benches/matching`.

use anyhow::{Context as _, Result};

use super::Args;
use super::row::Row;
use crate::tools::Tools;
use crate::{process, say};

/// The benchmark program; it prints a JSON object a line.
pub(in crate::bench) const NAME: &str = "matching";

/// Prepares the data, measures.
pub(super) fn rows(args: &Args) -> Result<Vec<Row>> {
    let tools = Tools::corpora()?;
    let mut where_is = tools.program("python");
    let packages =
        process::output(where_is.args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]))?;
    say::step(&format!("words and texts, lists {}, {} rounds", args.words.join(", "), args.rounds));
    let mut bench = process::cargo();
    bench.args(["bench", "--quiet", "--package", "sluice-lexicon", "--bench", NAME, "--"]);
    bench.args(["--words", &args.words.join(","), "--rounds", &args.rounds.to_string()]);
    if args.huge_peers {
        bench.arg("--huge-peers");
    }
    let text = process::output(bench.env("SLUICE_BENCH_DATA", packages.trim()))?;
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not a row: `{line}`")))
        .collect()
}
