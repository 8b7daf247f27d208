//! Word lists as a compiled configuration has them: compiled, deflated, in Base64.
//!
//! Compiling the shipped lists was 27 of the 47 million instructions before channel-dispatch's first event; unpacking them is five of 19. Half of an
//! index is a table of characters that is mostly zero, so it is deflated to less than a fifth.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use serde::{Deserialize, Serialize};
use sluice_domain::lexicon::index::Bytes;
use sluice_domain::lexicon::{Compiler, Lexicon, LexiconError, WordList};

/// The most effort: it is spent once, where a configuration is compiled.
const LEVEL: u8 = 9;
/// The longest index, unpacked: some bytes may claim to be a thousand times as many. Larger ones are files of their own (`lexicons/NAME.slx`).
const LONGEST: usize = 32 * 1_024 * 1_024;

/// The word lists of a rule pack.
///
/// Raw DEFLATE (RFC 1951) of their index, in Base64 (RFC 4648 §4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackedWords(String);

impl PackedWords {
    /// Compiles word lists, in this order; none at all are fine.
    pub(crate) fn of(lists: &[&WordList]) -> Result<Self, String> {
        Self::pack(&index(lists).map_err(|error| error.to_string())?)
    }

    fn pack(index: &[u8]) -> Result<Self, String> {
        if index.len() > LONGEST {
            return Err(format!(
                "word lists of at most {LONGEST} bytes, compiled, were expected, got {}: build a file of the long ones with `sluice lexicon build`",
                index.len()
            ));
        }
        Ok(Self(STANDARD.encode(compress_to_vec(index, LEVEL))))
    }

    /// Unpacks the lists; all checksums are compared.
    pub(crate) fn open(&self) -> Result<Lexicon, String> {
        let packed = STANDARD.decode(&self.0).map_err(|error| format!("words are no Base64: {error}"))?;
        let index = decompress_to_vec_with_limit(&packed, LONGEST)
            .map_err(|error| format!("words can not be unpacked: {error}"))?;
        Lexicon::open(Bytes::new(index))
            .map_err(|error| format!("words: {error}; compile the configuration anew"))
    }
}

fn index(lists: &[&WordList]) -> Result<Vec<u8>, LexiconError> {
    let mut compiler = Compiler::new();
    lists.iter().try_for_each(|list| compiler.add(list))?;
    let (built, description) = compiler.build()?;
    Ok(built.into_bytes(description))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_domain::lexicon::Severity;

    fn list(words: &[&str]) -> WordList {
        WordList {
            id: "spam".into(),
            category: "spam".into(),
            severity: Severity::High,
            origin: "test".into(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            cues: vec![],
            contexts: vec![],
            allow: vec![],
            forms: vec![],
        }
    }

    #[test]
    fn what_is_unpacked_is_what_compiling_gives() {
        let list = list(&["刷单", "返现"]);
        let packed = PackedWords::of(&[&list]).unwrap();
        assert_eq!(
            packed.open().unwrap().scan("刷·单").hits,
            Lexicon::compile(vec![list]).unwrap().scan("刷·单").hits
        );
        assert_eq!(packed.open().unwrap().scan("刷·单").hits.len(), 1);
    }

    #[test]
    fn no_lists_leave_what_is_found_by_its_shape() {
        let lexicon = PackedWords::of(&[]).unwrap().open().unwrap();
        assert_eq!(lexicon.scan("13800138000").hits.len(), 1);
    }

    #[test]
    fn what_is_cut_changed_or_swollen_is_told() {
        let good = PackedWords::of(&[&list(&["刷单"])]).unwrap();
        let told = |index: String| PackedWords(index).open().unwrap_err();
        assert!(told("not/base64!".to_owned()).contains("no Base64"));
        let bytes = STANDARD.decode(&good.0).unwrap();
        assert!(told(STANDARD.encode(&bytes[..bytes.len() / 2])).contains("can not be unpacked"));
        let mut index = decompress_to_vec_with_limit(&bytes, LONGEST).unwrap();
        *index.last_mut().unwrap() ^= 1;
        assert!(told(STANDARD.encode(compress_to_vec(&index, 1))).contains("damaged"));
        let swollen = compress_to_vec(&vec![0; LONGEST + 1], 1);
        assert!(swollen.len() < LONGEST / 100);
        assert!(told(STANDARD.encode(swollen)).contains("can not be unpacked"));
    }
    #[test]
    fn an_index_that_would_not_be_unpacked_is_not_packed() {
        let message = PackedWords::pack(&vec![0; LONGEST + 1]).unwrap_err();
        assert!(message.contains("got 33554433") && message.contains("sluice lexicon build"), "{message}");
    }
}
