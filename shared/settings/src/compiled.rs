//! A configuration that was found good, as one JSON file: what the functions load.
//!
//! Reading YAML and checking everything against everything is work for whoever publishes a configuration, not for every cold start; and a
//! function that can not read YAML is a megabyte smaller (`docs/adr/0040-compiled-configuration.md`). Word lists are compiled, for that is most of what a
//! cold start would do. Rule packs are compiled from their sources all the same. Both are under the hashes of the files they came from, so a
//! decision names the same pack either way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_domain::image::Image;
use sluice_domain::rules::PackSource;
use sluice_domain::settings::Settings;

use crate::check::build;
use crate::file::{SettingsFile, TenantParts};
use crate::lexicon_file::CompiledLexicon;
use crate::packed_words::PackedWords;
use crate::packs::{self, Large};
use crate::{Bundle, Care, LoadError, MAIN_FILE, Problem, images, load_bundle, yaml};

/// The name of the file.
pub const COMPILED_FILE: &str = "settings.json";

/// Changes when a reader of the one can not make sense of the other.
const FORMAT: u32 = 2;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Compiled {
    format: u32,
    /// The packs that tenants use, each with everything of those below it, by file name.
    packs: BTreeMap<String, Pack>,
    /// The word lists of these packs, by what stands for them in a pack's hash.
    words: BTreeMap<String, PackedWords>,
    /// The compiled lexicons that these packs use, by file name without its ending. Their files are beside this one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lexicons: BTreeMap<String, CompiledLexicon>,
    /// The images that scripts send, by name. Their files are beside this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    images: Vec<Image>,
    tenants: Vec<TenantParts>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    /// Lower-case hex, over the files it was put together from.
    sha256: String,
    /// Lower-case hex, over its word lists and compiled lexicons.
    words: String,
    source: PackSource,
}

/// Makes the file of a configuration; the same configuration makes the same bytes. Compiled lexicons and images are named in it
/// ([`CompiledSettings::lexicons`], [`CompiledSettings::images`]); whoever puts it somewhere puts their files there, too.
///
/// # Errors
/// [`LoadError`] with every problem found: nothing is compiled that would not load.
pub fn compile(bundle: &Bundle) -> Result<Vec<u8>, LoadError> {
    load_bundle(bundle)?;
    let one = |problem| LoadError { problems: vec![problem] };
    let (mut file, _) = yaml::read::<SettingsFile>(bundle, MAIN_FILE).map_err(one)?;
    let mut problems = Vec::new();
    let images = images::attach(&mut file, bundle, &mut problems);
    let whole = packs::whole(bundle, &file.packs(), &mut problems);
    let lists = packs::word_lists(bundle, Care::Published, &mut problems);
    if !problems.is_empty() {
        return Err(LoadError { problems });
    }
    let (mut packs, mut words, mut lexicons) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (name, pack) in whole {
        let (digest, packed) = packs::words(&name, &pack, (bundle.lexicons(), &lists))
            .map_err(|problems| LoadError { problems })?;
        let (source, sha256) = pack;
        for wanted in source.lexicons.iter().filter(|wanted| !lists.contains_key(*wanted)) {
            if let Some(file) = bundle.lexicons().get(wanted).filter(|_| !lexicons.contains_key(wanted)) {
                let described = file.describe().map_err(|message| bad(wanted, message))?;
                lexicons.insert(wanted.clone(), described);
            }
        }
        words.insert(digest.clone(), packed);
        packs.insert(name, Pack { sha256, words: digest, source });
    }
    let tenants = file.tenants.into_iter().map(|tenant| tenant.value.into()).collect();
    let compiled = Compiled { format: FORMAT, packs, words, lexicons, images, tenants };
    let bytes = serde_json::to_vec(&compiled)
        .map_err(|error| one(Problem::unplaced(COMPILED_FILE, "not_json", error.to_string())))?;
    // What a function would refuse is refused here.
    CompiledSettings::read(&bytes)?
        .load(&Lexicons::At(&|name, _| bundle.lexicon(name).map(Path::to_owned).unwrap_or_default()))?;
    Ok(bytes)
}

/// Where the compiled lexicons of a compiled configuration are, and whether its word lists are put to use.
pub enum Lexicons<'a> {
    /// Each at a place of its own, by its name without an ending.
    At(&'a dyn Fn(&str, &CompiledLexicon) -> PathBuf),
    /// Nowhere: whoever loads this never decides. Should it all the same, nothing is allowed.
    Withheld,
}

/// A compiled configuration that was read, but not put to use: the lexicons that it names may have to be fetched first.
pub struct CompiledSettings(Compiled);

impl CompiledSettings {
    /// Reads the file.
    ///
    /// # Errors
    /// [`LoadError`], never with a value of the file.
    pub fn read(bytes: &[u8]) -> Result<Self, LoadError> {
        let compiled: Compiled = serde_json::from_slice(bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            unusable(
                "syntax",
                format!(
                    "not what this version of Sluice compiles, at line {line} column {column}; compile the configuration anew"
                ),
            )
        })?;
        if compiled.format != FORMAT {
            let got = compiled.format;
            return Err(unusable(
                "format",
                format!("expected format {FORMAT}, got {got}; compile the configuration anew"),
            ));
        }
        if compiled.tenants.is_empty() {
            return Err(unusable("no_tenants", "`tenants` is empty".to_owned()));
        }
        Ok(Self(compiled))
    }

    /// The compiled lexicons that it needs, by file name without its ending.
    pub fn lexicons(&self) -> impl Iterator<Item = (&str, &CompiledLexicon)> {
        self.0.lexicons.iter().map(|(name, lexicon)| (name.as_str(), lexicon))
    }

    /// The images that it sends: their files are in `images/` beside it.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.0.images.iter()
    }

    /// Does a source welcome people?
    pub fn welcomes(&self) -> bool {
        self.0.tenants.iter().flat_map(|tenant| &tenant.sources).any(|source| source.welcome.is_some())
    }

    /// Puts it to use, with the compiled lexicons in `lexicons/` of its directory.
    ///
    /// # Errors
    /// [`LoadError`], never with a value of the file.
    pub fn load_beside(self, directory: &Path) -> Result<Settings, LoadError> {
        let place = |name: &str, _: &CompiledLexicon| directory.join(format!("lexicons/{name}.slx"));
        self.load(&Lexicons::At(&place))
    }

    /// Puts it to use.
    ///
    /// # Errors
    /// [`LoadError`], never with a value of the file.
    pub fn load(self, lexicons: &Lexicons<'_>) -> Result<Settings, LoadError> {
        let compiled = self.0;
        let mut large = Large::new();
        if let Lexicons::At(place) = lexicons {
            for (name, lexicon) in compiled.lexicons {
                let file = lexicon.found(&place(&name, &lexicon)).map_err(|message| bad(&name, message))?;
                large.insert(name, file);
            }
        }
        let mut packs = BTreeMap::new();
        for (name, Pack { sha256, words, source }) in compiled.packs {
            let lexicon = match lexicons {
                Lexicons::At(_) => {
                    let packed = compiled.words.get(&words).ok_or_else(|| {
                        unusable("unknown_words", format!("no words `{words}`, which rule pack `{name}` has"))
                    })?;
                    let mut lexicon = packed.open().map_err(|message| unusable("words", message))?;
                    let opened = source.lexicons.iter().filter_map(|wanted| large.get_key_value(wanted));
                    for (wanted, file) in opened {
                        lexicon = lexicon.with(file.open().map_err(|message| bad(wanted, message))?);
                    }
                    Some(lexicon)
                }
                Lexicons::Withheld => None,
            };
            let pack = packs::compile_whole(&name, (source, sha256), &words, lexicon)
                .map_err(|problems| LoadError { problems })?;
            packs.insert(name, Arc::new(pack));
        }
        let mut settings = Settings::default();
        for mut tenant in compiled.tenants {
            for script in &mut tenant.scripts {
                let Some(name) = &script.image else { continue };
                let image = compiled.images.iter().find(|image| image.name == *name);
                let image = image.ok_or_else(|| unusable("image_missing", format!("no image `{name}`")))?;
                script.image_file = Some(image.clone());
            }
            let pack = |name: &String| {
                let pack = packs.get(name).map(Arc::clone);
                pack.ok_or_else(|| unusable("unknown_rule_pack", format!("no rule pack `{name}`")))
            };
            let (rules, shadow) = (pack(&tenant.rules)?, tenant.shadow.as_ref().map(pack).transpose()?);
            settings.tenants.insert(tenant.id.clone(), Arc::new(build(tenant, rules, shadow)));
        }
        Ok(settings)
    }
}

/// Loads such a file from its directory: compiled lexicons are in `lexicons/` there.
///
/// # Errors
/// [`LoadError`], never with a value of the file.
pub fn load_compiled(bytes: &[u8], directory: &Path) -> Result<Settings, LoadError> {
    CompiledSettings::read(bytes)?.load_beside(directory)
}

fn bad(lexicon: &str, message: String) -> LoadError {
    LoadError { problems: vec![packs::bad_lexicon(lexicon, message)] }
}

fn unusable(code: &'static str, message: String) -> LoadError {
    LoadError { problems: vec![Problem::unplaced(COMPILED_FILE, code, message)] }
}
