//! A callback from its bytes to the words in it, beside what many would write. One JSON line per figure: `cargo xtask bench compliance`
//! prepares the data and makes the table; thread CPU time, engines in turn, medians of rounds.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a benchmark over callbacks it made itself, which prints"
)]

#[path = "../../lexicon/benches/matching/data.rs"]
#[expect(dead_code, reason = "the lists of a million words are for the words alone")]
mod data;
#[path = "../../lexicon/benches/matching/measure.rs"]
#[expect(dead_code, reason = "there are times alone here")]
mod measure;

use std::error::Error;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha1::{Digest as _, Sha1};
use sluice_domain::event::{PersonalField, Reading, normalise};
use sluice_domain::lexicon::index::{Bytes, Mode, Scratch};
use sluice_domain::lexicon::{Compiler, Lexicon, LexiconError, Severity, WordList};
use sluice_domain::scheme::{Credentials, Received, ToSign, sign, verify};
use sluice_domain::source::{SchemeName, Source};
use sluice_domain::time::UnixMillis;
use subtle::ConstantTimeEq as _;
use unicode_normalization::UnicodeNormalization as _;

use data::{Sources, Texts};
use measure::{Engine, run};

const NOW: UnixMillis = UnixMillis(1_795_219_200_000);
const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Bytes of a body.
const BODY: usize = 4_096;

fn main() -> Result<(), Box<dyn Error>> {
    let mut rounds = 5;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--rounds" => rounds = args.next().unwrap_or_default().parse()?,
            // What `cargo bench` adds.
            "--bench" => {}
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let sources = Sources::read()?;
    let words = data::ten_thousand(&sources);
    let bodies: Vec<String> = Texts::of(&sources).long.iter().take(128).map(|text| body(text)).collect();
    let signatures: Vec<String> = bodies.iter().map(|body| signature(body)).collect();
    let lexicon = lexicon(&words)?;
    let automaton: daachorse::CharwiseDoubleArrayAhoCorasick<u32> =
        daachorse::CharwiseDoubleArrayAhoCorasickBuilder::new()
            .match_kind(daachorse::MatchKind::LeftmostLongest)
            .build(&words)
            .expect("distinct words");
    let mut read = Sluice::new(&signatures);
    let mut find = (Sluice::new(&signatures), Scratch::default());
    let mut scan = (Sluice::new(&signatures), Scratch::default());
    let mut peer = Straightforward { signatures: signatures.iter().cycle() };
    let mut other = Straightforward { signatures: signatures.iter().cycle() };
    let view = lexicon.indexes().next().expect("one list").view()?;
    let mut engines = [
        Engine {
            name: "sluice",
            find: Box::new(|body| {
                let text = find.0.text(body);
                view.find(&text, Mode::LeftmostLongest, &mut find.1).expect("just built").1.len()
            }),
        },
        Engine {
            name: "sluice, every detector, with evidence",
            find: Box::new(|body| lexicon.scan_with(&scan.0.text(body), &mut scan.1).hits.len()),
        },
        Engine {
            name: "straightforward: SHA-1, serde_json, NFKC, lower case, daachorse charwise",
            find: Box::new(|body| {
                let text = peer.text(body).nfkc().collect::<String>().to_lowercase();
                automaton.leftmost_find_iter(&text).count()
            }),
        },
        Engine {
            name: "sluice, without the words",
            find: Box::new(|body| usize::from(read.text(body).is_empty())),
        },
        Engine {
            name: "straightforward, without the words",
            find: Box::new(|body| usize::from(other.text(body).is_empty())),
        },
    ];
    run("10k", "verify, parse, fold and match a body of 4 KB", &bodies, rounds, &mut engines);
    Ok(())
}

/// A message with a text that fills it up; its content is JSON in JSON, as the platform sends it.
fn body(text: &str) -> String {
    let of = |text: &str| {
        let content = serde_json::json!({
            "conversation_short_id": "@9Vxc1/yDU8sqaS+gN4koEc7912foPPiLPZVyrQmgKVQabPH460zdRmYqig357zEBMaXjKvvhvwY02ISB7llsWQ==",
            "server_message_id": "@9Vxc1/yDU8sqaS+gN4koEc7912foPPyAPpF2rgykLFgafbb560zdRmYqig357zEBmWXVPshhwyd/y/7BQpXy/w==",
            "conversation_type": 1, "create_time": 1_681_303_285_997_i64, "message_type": "text", "source": "",
            "scene_type": 100, "text": text,
            "user_infos": [
                { "open_id": "user-1", "nick_name": "刘东", "avatar": "https://p3.douyinpic.com/a" },
                { "open_id": "account-1", "nick_name": "示例品牌", "avatar": "https://p3.douyinpic.com/b" },
            ],
        });
        let body = serde_json::json!({
            "event": "im_receive_msg", "client_key": "k", "from_user_id": "user-1", "to_user_id": "account-1",
            "content": content.to_string(),
        });
        body.to_string()
    };
    let room = BODY - of("").len();
    of(text.get(..text.floor_char_boundary(room)).expect("a boundary"))
}

fn signature(body: &str) -> String {
    let secret = SecretString::from(SECRET);
    let message = ToSign::post(body.as_bytes(), NOW);
    let signed = sign(SchemeName::OpenPlatform, message, &Credentials::of_secret(&secret)).expect("signed");
    let header = signed.headers.into_iter().find(|(name, _)| name == "X-Douyin-Signature");
    header.expect("the signature's header").1
}

fn lexicon(words: &[String]) -> Result<Lexicon, LexiconError> {
    let list = WordList {
        id: "words".to_owned(),
        category: "word".to_owned(),
        severity: Severity::Medium,
        origin: "drawn for this benchmark".to_owned(),
        words: Vec::new(),
        cues: Vec::new(),
        contexts: Vec::new(),
        allow: Vec::new(),
        forms: Vec::new(),
    };
    let mut compiler = Compiler::new();
    compiler.add_words(&list, words.iter().map(String::as_str))?;
    let (built, description) = compiler.build()?;
    Lexicon::open(Bytes::new(built.into_bytes(description)))
}

/// Gets a message's text out of a callback the way the functions do.
struct Sluice<'a> {
    source: Source,
    secret: SecretString,
    signatures: std::iter::Cycle<std::slice::Iter<'a, String>>,
}

impl<'a> Sluice<'a> {
    fn new(signatures: &'a [String]) -> Self {
        let source =
            serde_json::json!({ "id": "open-platform", "scheme": "open-platform", "secret": "name" });
        Self {
            source: serde_json::from_value(source).expect("a source"),
            secret: SecretString::from(SECRET),
            signatures: signatures.iter().cycle(),
        }
    }

    fn text(&mut self, body: &str) -> String {
        let signature = self.signatures.next().expect("as many as bodies");
        let headers = [("X-Douyin-Signature", signature.as_bytes()), ("Msg-Id", b"bench-1")];
        let received = Received::new("POST", headers, body.as_bytes());
        let credentials = Credentials::of_source(&self.source, &self.secret, None);
        let verified = verify(SchemeName::OpenPlatform, &received, &credentials, NOW).expect("genuine");
        let Ok(Reading::Events(events)) = normalise(&verified, &self.source) else {
            unreachable!("one event")
        };
        let text = events[0].personal.iter().find(|(field, _)| *field == PersonalField::Text);
        text.expect("a text").1.expose_secret().to_owned()
    }
}

/// The same without anything that is Sluice's own.
struct Straightforward<'a> {
    signatures: std::iter::Cycle<std::slice::Iter<'a, String>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "event")]
    _event: &'a str,
    content: String,
}

#[derive(Deserialize)]
struct Content {
    text: String,
}

impl Straightforward<'_> {
    fn text(&mut self, body: &str) -> String {
        let signature = self.signatures.next().expect("as many as bodies");
        let digest = Sha1::new().chain_update(SECRET).chain_update(body).finalize();
        let given = hex::decode(signature).expect("hex");
        assert!(bool::from(digest.as_slice().ct_eq(&given)), "genuine");
        // From bytes, as they come.
        let envelope: Envelope<'_> = serde_json::from_slice(body.as_bytes()).expect("an envelope");
        serde_json::from_str::<Content>(&envelope.content).expect("a content").text
    }
}
