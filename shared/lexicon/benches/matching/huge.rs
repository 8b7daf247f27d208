//! Ten million words: building, opening and answering, each in a process of its own, so that its memory can be told and limited.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rustix::fs::{Advice, fadvise};
use rustix::process::{Resource, Rlimit, setrlimit};
use sluice_lexicon::index::{Bytes, Index, IndexBuilder, Mode, Scratch};
use sluice_mapped::Mapped;

use crate::data::{self, Sources, Texts};
use crate::engines;
use crate::measure::{figure, run};

const LIST: &str = "10m";
/// The memory that the process may map: a function of 512 MB.
const LIMIT: u64 = 512 << 20;

pub(crate) fn measure(
    sources: &Sources,
    texts: &Texts,
    rounds: usize,
    peers: bool,
) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (list, index) = (folder.path().join("words.txt"), folder.path().join("words.slx"));
    let words = data::pairs(sources, 10_000_000);
    let mut out = BufWriter::new(File::create(&list)?);
    words.iter().try_for_each(|word| writeln!(out, "{word}"))?;
    out.flush()?;
    let words = if peers { words } else { Vec::new() };
    child(&["child-build", &list.display().to_string(), &index.display().to_string()])?;
    for kind in ["warm", "cold", "cold-scattered"] {
        // What was just written would not leave the cache.
        File::open(&index)?.sync_all()?;
        child(&["child-open", kind, &index.display().to_string(), &texts.fifty[0]])?;
    }
    let index = Index::open(Bytes::new(Mapped::open(&index)?))?;
    let daachorse = peers.then(|| engines::daachorse(&words, false));
    for (texts, what) in [(&texts.fifty, "50 characters"), (&texts.long, "4 KB")] {
        let mut engines = vec![engines::sluice("sluice", &index, Mode::Overlapping)];
        engines.extend(daachorse.as_ref().map(|automaton| engines::of_daachorse(automaton, false)));
        run(LIST, &format!("{what}, overlapping"), texts, rounds, &mut engines);
    }
    Ok(())
}

fn child(args: &[&str]) -> Result<(), Box<dyn Error>> {
    let done = Command::new(std::env::current_exe()?).args(args).status()?;
    if done.success() { Ok(()) } else { Err(format!("{} ended with {done}", args[0]).into()) }
}

/// What a child does; `None` when this is none.
pub(crate) fn as_child(args: &[String]) -> Option<Result<(), Box<dyn Error>>> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["child-build", list, out] => Some(build(Path::new(list), Path::new(out))),
        ["child-open", kind, index, text] => Some(open(kind, Path::new(index), text)),
        _ => None,
    }
}

fn build(list: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let (start, cpu) = (Instant::now(), crate::measure::cpu());
    let mut builder = IndexBuilder::new();
    let text = std::fs::read_to_string(list)?;
    for word in text.lines() {
        builder.add(word, 0).ok();
    }
    drop(text);
    let built = builder.build()?;
    let words = built.words() as f64;
    let mut file = BufWriter::new(File::create(out)?);
    built.write(Vec::new(), &mut file)?;
    file.flush()?;
    figure(LIST, "build seconds (wall)", "sluice", start.elapsed().as_secs_f64());
    figure(LIST, "build seconds (CPU)", "sluice", (crate::measure::cpu() - cpu) / 1e9);
    figure(LIST, "build peak MB", "sluice", peak_mb());
    figure(LIST, "words", "sluice", words);
    figure(LIST, "bytes a word", "sluice", std::fs::metadata(out)?.len() as f64 / words);
    Ok(())
}

fn open(kind: &str, path: &Path, text: &str) -> Result<(), Box<dyn Error>> {
    if kind != "warm" {
        fadvise(File::open(path)?, 0, None, Advice::DontNeed)?;
    }
    setrlimit(Resource::As, Rlimit { current: Some(LIMIT), maximum: Some(LIMIT) })?;
    let start = Instant::now();
    let mapped = Mapped::open(path)?;
    if kind == "cold-scattered" {
        mapped.expect_scattered_reads()?;
    }
    let index = Index::open(Bytes::new(mapped))?;
    let mut scratch = Scratch::default();
    let hits = index.view()?.find(text, Mode::Overlapping, &mut scratch)?.1.len();
    let taken = start.elapsed().as_secs_f64() * 1e3;
    figure(LIST, &format!("open and first answer, ms ({kind}, {hits} hits)"), "sluice", taken);
    if kind == "warm" {
        figure(LIST, "peak MB of answering", "sluice", peak_mb());
    }
    Ok(())
}

/// The most memory this process had in use.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(f64::NAN);
    kib * 1024.0 / 1e6
}
