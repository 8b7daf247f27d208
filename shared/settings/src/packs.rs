//! Rule packs, the packs below them and the word lists they name, compiled. The one place that knows how a pack comes to be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sluice_domain::lexicon::{Lexicon, WordList};
use sluice_domain::rules::{Fingerprint, PackSource, RulePack, RulePackError, layer};

use crate::lexicon_file::LexiconFile;
use crate::pack_file::{PackFile, Places};
use crate::packed_words::PackedWords;
use crate::{Bundle, Care, Problem, yaml};

/// The folder of the rule packs.
const RULES: &str = "rules";

/// The folder of the word lists.
const LEXICONS: &str = "lexicons";

/// How many characters of a hash stored inputs name.
const WORDS_DIGITS: usize = 16;

/// Word lists by file name without its ending, as a pack names them, each with the lower-case hex SHA-256 of its file; `None` for
/// a bad one (its problem is told already).
pub(crate) type Lists = BTreeMap<String, Option<(WordList, String)>>;

/// Compiled lexicons by file name without its ending.
pub(crate) type Large = BTreeMap<String, LexiconFile>;

/// Compiled packs by file name; `None` for one that did not compile (its problems are told already).
pub(crate) type Packs = BTreeMap<String, Option<Arc<RulePack>>>;

/// Compiles the wanted packs of the bundle, or all of them.
pub(crate) fn compile_all(
    bundle: &Bundle,
    care: Care,
    wanted: Option<&BTreeSet<String>>,
    problems: &mut Vec<Problem>,
) -> Packs {
    let lists = word_lists(bundle, care, problems);
    let large = bundle.lexicons();
    let mut layers = Layers { bundle, whole: BTreeMap::new(), open: Vec::new(), problems };
    let names = bundle.names_in(RULES).filter(|name| wanted.is_none_or(|wanted| wanted.contains(*name)));
    let names: Vec<&str> = names.collect();
    for name in &names {
        layers.resolve(name);
    }
    let whole = layers.whole;
    let compiled = names.into_iter().map(|name| {
        let pack = whole.get(name).and_then(Option::as_ref);
        let pack = pack.and_then(|whole| {
            compile(whole, name, (large, &lists), care).map_err(|found| problems.extend(found)).ok()
        });
        (name.to_owned(), pack.map(Arc::new))
    });
    compiled.collect()
}

/// Every word list; with full care each is compiled by itself first, so that a problem is told with its file.
pub(crate) fn word_lists(bundle: &Bundle, care: Care, problems: &mut Vec<Problem>) -> Lists {
    let mut lists = Lists::new();
    for name in bundle.names_in(LEXICONS) {
        let file = format!("{LEXICONS}/{name}");
        let list = yaml::read::<WordList>(bundle, &file).and_then(|(list, sha256)| {
            if care == Care::Published {
                return Ok((list, sha256));
            }
            Lexicon::compile(vec![list.clone()])
                .map(|_| (list, sha256))
                .map_err(|error| Problem::unplaced(&file, "word_list", error.to_string()))
        });
        lists.insert(
            name.trim_end_matches(".yaml").to_owned(),
            list.map_err(|problem| problems.push(problem)).ok(),
        );
    }
    lists
}

/// A pack with everything of the packs below it.
#[derive(Clone)]
struct Whole {
    source: PackSource,
    places: Places,
    /// Over its file and those below, in lower-case hex.
    sha256: String,
}

/// Puts packs over those that they extend.
struct Layers<'a> {
    bundle: &'a Bundle,
    whole: BTreeMap<String, Option<Whole>>,
    /// The packs that are being put together, the uppermost first: one that comes again makes a circle.
    open: Vec<String>,
    problems: &'a mut Vec<Problem>,
}

impl Layers<'_> {
    /// `None` when it is bad, which is told.
    fn resolve(&mut self, name: &str) -> Option<Whole> {
        if let Some(known) = self.whole.get(name) {
            return known.clone();
        }
        self.open.push(name.to_owned());
        let whole = self.put_together(name);
        self.open.pop();
        self.whole.insert(name.to_owned(), whole.clone());
        whole
    }

    fn put_together(&mut self, name: &str) -> Option<Whole> {
        let file = format!("{RULES}/{name}");
        let (read, sha256) =
            yaml::read::<PackFile>(self.bundle, &file).map_err(|problem| self.problems.push(problem)).ok()?;
        let mut digest = Sha256::new_with_prefix(sha256);
        let (upper, own, extends) = read.split(&file);
        let (mut below, mut places, mut good) = (Vec::new(), Places::default(), true);
        for wanted in extends {
            let found = if self.open.contains(&wanted.value) {
                let circle = [self.open.join(" → "), wanted.value.clone()].join(" → ");
                let message =
                    format!("packs extend each other in a circle: {circle}; take one `extends` out");
                self.problems.push(Problem::at(&file, &wanted, "rule_pack_circle", message));
                None
            } else if self.bundle.names_in(RULES).any(|there| there == wanted.value) {
                let whole = self.resolve(&wanted.value);
                if whole.is_none() {
                    let message = format!("pack `{}` below is not usable; mend it first", wanted.value);
                    self.problems.push(Problem::at(&file, &wanted, "bad_rule_pack", message));
                }
                whole
            } else {
                let known = self.bundle.names_in(RULES).collect::<Vec<_>>().join(", ");
                let message = format!("no rule pack `{}` in {RULES}/; there: {known}", wanted.value);
                self.problems.push(Problem::at(&file, &wanted, "unknown_rule_pack", message));
                None
            };
            let Some(whole) = found else {
                good = false;
                continue;
            };
            digest.update(&whole.sha256);
            places.extend(whole.places);
            below.push(whole.source);
        }
        if !good {
            return None;
        }
        places.extend(own);
        match layer(below, upper) {
            Ok(source) => Some(Whole { source, places, sha256: hex::encode(digest.finalize()) }),
            Err(errors) => {
                self.problems.extend(errors.iter().map(|error| places.problem(&file, error)));
                None
            }
        }
    }
}

/// Packs with everything of those below them, each with its hash, by file name; what is bad is told and left out.
pub(crate) fn whole(
    bundle: &Bundle,
    names: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, (PackSource, String)> {
    let mut layers = Layers { bundle, whole: BTreeMap::new(), open: Vec::new(), problems };
    let found = names.iter().filter_map(|name| {
        let Whole { source, sha256, .. } = layers.resolve(name)?;
        Some((name.clone(), (source, sha256)))
    });
    found.collect()
}

/// What a pack asks of the lists, and what stands for it in the pack's hash.
struct Chosen<'a> {
    /// Over the lists' files and the lexicons' beginnings, in lower-case hex.
    digest: String,
    lists: Vec<&'a WordList>,
    opened: Vec<Lexicon>,
}

impl<'a> Chosen<'a> {
    fn of(whole: &Whole, name: &str, (large, lists): (&Large, &'a Lists)) -> Result<Self, Vec<Problem>> {
        let file = format!("{RULES}/{name}");
        let (mut digest, mut chosen, mut opened, mut problems) =
            (Sha256::new(), Vec::new(), Vec::new(), Vec::new());
        for wanted in &whole.source.lexicons {
            match lists.get(wanted) {
                Some(Some((list, sha256))) => {
                    digest.update(sha256);
                    chosen.push(list);
                }
                // A bad list is told with its own file; a pack without it must not pass all the same.
                Some(None) => problems.push(Problem::unplaced(
                    &file,
                    "bad_word_list",
                    format!("word list `{wanted}` is not usable"),
                )),
                None => match large.get(wanted) {
                    Some(file) => {
                        digest.update(file.head());
                        match file.open() {
                            Ok(lexicon) => opened.push(lexicon),
                            Err(message) => problems.push(bad_lexicon(wanted, message)),
                        }
                    }
                    None => problems.push(Problem::unplaced(
                        &file,
                        "unknown_word_list",
                        format!("no word list `{wanted}` in {LEXICONS}/"),
                    )),
                },
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { digest: hex::encode(digest.finalize()), lists: chosen, opened })
    }
}

/// The compiled lexicon of this name can not be used.
pub(crate) fn bad_lexicon(name: &str, message: String) -> Problem {
    Problem::unplaced(&format!("{LEXICONS}/{name}.slx"), "word_list", message)
}

/// The word lists of such a pack, compiled, and what stands for them in its hash.
pub(crate) fn words(
    name: &str,
    (source, sha256): &(PackSource, String),
    lists: (&Large, &Lists),
) -> Result<(String, PackedWords), Vec<Problem>> {
    let whole = Whole { source: source.clone(), places: Places::default(), sha256: sha256.clone() };
    let Chosen { digest, lists, .. } = Chosen::of(&whole, name, lists)?;
    let words = PackedWords::of(&lists).map_err(|message| vec![bad_list(name, message)])?;
    Ok((digest, words))
}

/// Compiles the rules of such a pack, which was found good when it was published, over its words; without words the pack is withheld.
pub(crate) fn compile_whole(
    name: &str,
    (source, sha256): (PackSource, String),
    digest: &str,
    lexicon: Option<Lexicon>,
) -> Result<RulePack, Vec<Problem>> {
    let whole = Whole { source, places: Places::default(), sha256 };
    if let Some(lexicon) = lexicon {
        return whole.compile(name, (digest, lexicon), Care::Published);
    }
    let fingerprint = whole.fingerprint(digest);
    RulePack::withheld(whole.source, fingerprint).map_err(|errors| {
        errors.iter().map(|error| whole.places.problem(&format!("{RULES}/{name}"), error)).collect()
    })
}

/// One whole pack with its word lists.
fn compile(whole: &Whole, name: &str, lists: (&Large, &Lists), care: Care) -> Result<RulePack, Vec<Problem>> {
    let Chosen { digest, lists, opened } = Chosen::of(whole, name, lists)?;
    let lexicon = Lexicon::compile(lists.into_iter().cloned().collect())
        .map_err(|error| vec![bad_list(name, error.to_string())])?;
    whole.compile(name, (&digest, opened.into_iter().fold(lexicon, Lexicon::with)), care)
}

fn bad_list(pack: &str, message: String) -> Problem {
    Problem::unplaced(&format!("{RULES}/{pack}"), "word_list", message)
}

impl Whole {
    /// With what stands for its words.
    fn fingerprint(&self, digest: &str) -> Fingerprint {
        let pack = hex::encode(Sha256::new_with_prefix(&self.sha256).chain_update(digest).finalize());
        Fingerprint { pack, words: digest.chars().take(WORDS_DIGITS).collect() }
    }

    fn compile(
        &self,
        name: &str,
        (digest, lexicon): (&str, Lexicon),
        care: Care,
    ) -> Result<RulePack, Vec<Problem>> {
        let told = |errors: Vec<RulePackError>| -> Vec<Problem> {
            errors.iter().map(|error| self.places.problem(&format!("{RULES}/{name}"), error)).collect()
        };
        let pack = RulePack::compile(self.source.clone(), lexicon, self.fingerprint(digest)).map_err(told)?;
        match care {
            Care::Published => Ok(pack),
            Care::Full => {
                let errors = pack.check();
                if errors.is_empty() { Ok(pack) } else { Err(told(errors)) }
            }
        }
    }
}
