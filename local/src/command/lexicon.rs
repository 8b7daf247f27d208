//! `sluice lexicon`: compiled word lists.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};
use sluice_domain::lexicon::index::{Bytes, Index};
use sluice_domain::lexicon::{Bulk, Compiler, Lexicon, LexiconError, Severity, WordList};
use sluice_mapped::Mapped;

use crate::exit::Exit;
use crate::input;
use crate::output::{CommandError, Output};

/// `lexicon`.
#[derive(Debug, Subcommand)]
pub enum LexiconCommand {
    /// Compile word lists into one file that is used where it lies; ten million words take seconds.
    #[command(
        after_help = "Example: sluice lexicon build --list config/lexicons/finance.yaml --words spam.txt --category spam --origin 'own, 2026' --out spam.slx"
    )]
    Build(Build),
    /// Show what a compiled lexicon is made of: lists, words, bytes.
    #[command(after_help = "Example: sluice lexicon inspect spam.slx --json")]
    Inspect {
        /// The file.
        file: PathBuf,
    },
    /// Compare a compiled lexicon with its checksums; exits with 1 when it is damaged.
    #[command(after_help = "Example: sluice lexicon check spam.slx")]
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Find the words of a compiled lexicon in texts.
    #[command(after_help = "Example: sluice lexicon scan spam.slx --text '兼职刷单加微信' --json")]
    Scan(ScanFile),
}

/// `lexicon build`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("build_input").required(true).multiple(true).args(["lists", "words"]))]
pub struct Build {
    /// A word list as in `lexicons/`; repeat it.
    #[arg(long = "list", value_name = "FILE")]
    pub lists: Vec<PathBuf>,
    /// A file of words, one a line; empty lines don't count, and those too short or too long are counted.
    #[arg(long, value_name = "FILE", requires = "category", requires = "origin")]
    pub words: Option<PathBuf>,
    /// The category of `--words`.
    #[arg(long)]
    pub category: Option<String>,
    /// How grave a hit of `--words` is: low, medium or high.
    #[arg(long, default_value = "medium", value_parser = severity)]
    pub severity: Severity,
    /// Where `--words` come from and under which terms.
    #[arg(long)]
    pub origin: Option<String>,
    /// The file to write. It appears whole or not at all.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `lexicon scan`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("lexicon_scan_input").required(true).args(["text", "lines"]))]
pub struct ScanFile {
    /// The compiled lexicon.
    pub file: PathBuf,
    /// The text.
    #[arg(long)]
    pub text: Option<String>,
    /// A file of texts, one a line; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub lines: Option<PathBuf>,
}

fn severity(text: &str) -> Result<Severity, String> {
    serde_json::from_value(Value::from(text)).map_err(|_| "must be low, medium or high".to_owned())
}

/// `sluice lexicon`.
///
/// # Errors
/// When a list is wrong or a file cannot be read or written.
pub fn run(command: &LexiconCommand) -> Result<Output, CommandError> {
    match command {
        LexiconCommand::Build(args) => build(args),
        LexiconCommand::Inspect { file } => inspect(file),
        LexiconCommand::Check { file } => check(file),
        LexiconCommand::Scan(args) => scan(args),
    }
}

fn build(args: &Build) -> Result<Output, CommandError> {
    let start = Instant::now();
    let mut compiler = Compiler::new();
    for path in &args.lists {
        let name = path.display().to_string();
        let list = sluice_settings::word_list(&name, &input::bytes(path)?)
            .map_err(|problem| CommandError::configuration(problem.to_string()))?;
        compiler.add(&list).map_err(|error| refused(&error))?;
    }
    let bulk = args.words.as_deref().map(|path| words(args, path, &mut compiler)).transpose()?;
    let (built, description) = compiler.build().map_err(|error| refused(&error))?;
    let count = built.words();
    let bytes = publish(&args.out, |out| built.write(description, out))?;
    let Bulk { short, long, .. } = bulk.unwrap_or_default();
    let seconds = start.elapsed().as_secs_f64();
    let text = format!(
        "{}: {count} words, {bytes} bytes, in {seconds:.1} s; left out: {short} too short, {long} too long",
        args.out.display()
    );
    let row = json!({ "file": args.out, "words": count, "bytes": bytes, "seconds": seconds, "too_short": short, "too_long": long });
    Ok(Output::one(Exit::Ok, text, row))
}

fn words(args: &Build, path: &Path, compiler: &mut Compiler) -> Result<Bulk, CommandError> {
    let text = input::text(path)?;
    let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("words");
    let list = WordList {
        id: id.to_owned(),
        category: args.category.clone().unwrap_or_default(),
        severity: args.severity,
        origin: args.origin.clone().unwrap_or_default(),
        words: Vec::new(),
        cues: Vec::new(),
        contexts: Vec::new(),
        allow: Vec::new(),
        forms: Vec::new(),
    };
    compiler
        .add_words(&list, text.lines().map(str::trim).filter(|line| !line.is_empty()))
        .map_err(|error| refused(&error))
}

fn refused(error: &LexiconError) -> CommandError {
    CommandError::configuration(error.to_string())
}

/// Writes a file beside its place and renames it: who has the old one mapped keeps it.
fn publish(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&std::fs::File>) -> std::io::Result<()>,
) -> Result<u64, CommandError> {
    let attempt = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder)?;
        let mut out = BufWriter::new(file.as_file());
        write(&mut out)?;
        out.flush()?;
        drop(out);
        file.as_file().sync_all()?;
        let bytes = file.as_file().metadata()?.len();
        file.persist(path)?;
        Ok(bytes)
    };
    attempt().map_err(|error: std::io::Error| {
        CommandError::unavailable(format!("can not write `{}`: {error}", path.display()))
    })
}

fn open(path: &Path) -> Result<Index, CommandError> {
    let mapped = Mapped::open(path)
        .map_err(|error| CommandError::usage(format!("can not open `{}`: {error}", path.display())))?;
    Index::open(Bytes::new(mapped))
        .map_err(|error| CommandError::configuration(format!("`{}`: {error}", path.display())))
}

fn inspect(path: &Path) -> Result<Output, CommandError> {
    let index = open(path)?;
    let shape = index.shape();
    let lexicon = Lexicon::of(index).map_err(|error| refused(&error))?;
    let lists: Vec<Value> = lexicon
        .lists()
        .map(|list| json!({ "id": list.id, "category": list.category, "severity": list.severity, "origin": list.origin }))
        .collect();
    let mut lines = vec![format!(
        "{}: {} words, the longest of {} characters, {} bytes",
        path.display(),
        shape.words,
        shape.longest,
        shape.bytes
    )];
    lines.extend(
        lexicon.lists().map(|list| format!("  list {} ({}): {}", list.id, list.category, list.origin)),
    );
    lines.extend(shape.sections.iter().map(|(name, bytes)| format!("  {name}: {bytes} bytes")));
    let sections: serde_json::Map<String, Value> =
        shape.sections.iter().map(|(name, bytes)| ((*name).to_owned(), (*bytes).into())).collect();
    let row = json!({
        "words": shape.words, "longest": shape.longest, "bytes": shape.bytes, "lists": lists, "sections": sections,
    });
    Ok(Output::one(Exit::Ok, lines.join("\n"), row))
}

fn check(path: &Path) -> Result<Output, CommandError> {
    let mapped = Mapped::open(path)
        .map_err(|error| CommandError::usage(format!("can not open `{}`: {error}", path.display())))?;
    Ok(match Lexicon::open(Bytes::new(mapped)) {
        Ok(_) => Output::one(Exit::Ok, "whole: every checksum is right", json!({ "whole": true })),
        Err(error) => Output::one(
            Exit::No,
            format!("not usable: {error}"),
            json!({ "whole": false, "problem": error.to_string() }),
        ),
    })
}

fn scan(args: &ScanFile) -> Result<Output, CommandError> {
    let lexicon = Lexicon::of(open(&args.file)?).map_err(|error| refused(&error))?;
    if let Some(path) = &args.lines {
        let texts = input::text(path)?;
        let (rows, lines): (Vec<_>, Vec<_>) = texts.lines().map(|text| found(&lexicon, text)).unzip();
        return Ok(Output::lines(Exit::Ok, lines.join("\n"), rows));
    }
    let (row, line) = found(&lexicon, args.text.as_deref().unwrap_or_default());
    Ok(Output::one(Exit::Ok, line, row))
}

fn found(lexicon: &Lexicon, text: &str) -> (Value, String) {
    let hits = lexicon.scan(text).hits;
    let rows: Vec<Value> = hits
        .iter()
        .map(|hit| {
            json!({
                "category": hit.category, "list": hit.list, "form": hit.form, "severity": hit.severity,
                "span": [hit.start, hit.end], "matched": hit.matched,
            })
        })
        .collect();
    let lines =
        hits.iter().map(|hit| format!("  {}..{} {}: {}", hit.start, hit.end, hit.category, hit.matched));
    let line = std::iter::once(text.to_owned()).chain(lines).collect::<Vec<_>>().join("\n");
    (json!({ "text": text, "hits": rows }), line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_args(folder: &Path) -> Build {
        Build {
            lists: vec![folder.join("list.yaml")],
            words: Some(folder.join("words.txt")),
            category: Some("spam".into()),
            severity: Severity::High,
            origin: Some("test".into()),
            out: folder.join("made.slx"),
        }
    }

    #[test]
    fn a_lexicon_is_built_inspected_checked_and_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("list.yaml"), "id: a\ncategory: guarantee\norigin: test\nwords: [稳赚]\n")
            .unwrap();
        std::fs::write(file("words.txt"), "兼职刷单\n\nx\n").unwrap();
        let made = build(&build_args(folder.path())).unwrap();
        assert!(made.text.contains("2 words") && made.text.contains("1 too short"), "{}", made.text);
        assert!(inspect(&file("made.slx")).unwrap().text.contains("list words (spam): test"));
        assert_eq!(check(&file("made.slx")).unwrap().exit, Exit::Ok);
        let args =
            ScanFile { file: file("made.slx"), text: Some("稳·赚！兼職刷單".into()), lines: None };
        let text = scan(&args).unwrap().text;
        assert!(text.contains("0..3 guarantee: 稳·赚") && text.contains("4..8 spam"), "{text}");
    }

    #[test]
    fn a_damaged_or_foreign_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("list.yaml"), "id: a\ncategory: guarantee\norigin: test\nwords: [稳赚]\n")
            .unwrap();
        std::fs::write(file("words.txt"), "兼职刷单\n").unwrap();
        build(&build_args(folder.path())).unwrap();
        let mut bytes = std::fs::read(file("made.slx")).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(file("damaged.slx"), &bytes).unwrap();
        let told = check(&file("damaged.slx")).unwrap();
        assert_eq!(told.exit, Exit::No);
        assert!(told.text.contains("damaged"), "{}", told.text);
        bytes.truncate(1000);
        std::fs::write(file("cut.slx"), &bytes).unwrap();
        assert_eq!(inspect(&file("cut.slx")).unwrap_err().exit, Exit::Configuration);
        assert!(check(&file("list.yaml")).unwrap().text.contains("not"));
        assert_eq!(inspect(&file("none.slx")).unwrap_err().exit, Exit::Usage);
    }
}
