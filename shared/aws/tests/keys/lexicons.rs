use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use sluice_aws::{Look, SettingsError, SettingsSource, Words};
use sluice_domain::failure::FailureKind;
use sluice_domain::id::TenantId;
use sluice_domain::lexicon::{Compiler, Severity, WordList};
use sluice_emulators::proxy::{Fault, Rule};
use sluice_settings::CurrentSettings as _;

use crate::settings::{Bench, bench, named, shipped};

/// Enough words for three parts of 8 MiB.
const MANY: u32 = 900_000;

fn compiled(word: &str, others: u32) -> Vec<u8> {
    let list = WordList {
        id: "large".into(),
        category: "large".into(),
        severity: Severity::High,
        origin: "test".into(),
        words: vec![],
        cues: vec![],
        contexts: vec![],
        allow: vec![],
        forms: vec![],
    };
    let han = |number: u32| char::from_u32(0x4E00 + number % 20_000).unwrap();
    let others = (0..others).map(|number| {
        let mixed = number.wrapping_mul(2_654_435_761);
        [han(mixed), han(mixed >> 7), han(number), han(mixed >> 13), han(number / 20_000)].iter().collect()
    });
    let words: Vec<String> = others.chain([word.to_owned()]).collect();
    let mut compiler = Compiler::new();
    compiler.add_words(&list, words.iter().map(String::as_str)).unwrap();
    let (built, description) = compiler.build().unwrap();
    built.into_bytes(description)
}

/// The shipped configuration under another name, of which every tenant's pack has a compiled lexicon.
fn with_lexicon(name: &str, bytes: &[u8]) -> tempfile::TempDir {
    let dir = named(name);
    std::fs::write(dir.path().join("lexicons/large.slx"), bytes).unwrap();
    let pack = dir.path().join("rules/platform.yaml");
    let text = std::fs::read_to_string(&pack).unwrap();
    std::fs::write(&pack, text.replacen("lexicons:\n", "lexicons:\n  - large\n", 1)).unwrap();
    dir
}

fn finds(source: &SettingsSource, text: &str) -> bool {
    let settings = source.current();
    let lexicon = settings.tenants[&TenantId::new("demo-mcn").unwrap()].rules.lexicon();
    lexicon.scan(text).hits.iter().any(|hit| hit.category == "large")
}

/// Without words and rules: should it look all the same, nobody can say what a text holds.
fn passes_nothing(source: &SettingsSource) -> bool {
    let settings = source.current();
    let tenant = &settings.tenants[&TenantId::new("demo-mcn").unwrap()];
    let decision = tenant.rules.scan_outgoing("你好", &tenant.links, sluice_domain::time::UnixMillis(0));
    !decision.verdict.allows() && !tenant.rules.lexicon().scan("你好").hits.is_empty()
}

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

impl Bench {
    /// The key of the only compiled lexicon.
    async fn lexicon_key(&self) -> String {
        let list = self.stack.s3().list_objects_v2().bucket(self.stack.bucket("config"));
        let listed = list.prefix("live/lexicons/").send().await.unwrap();
        let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
        assert_eq!(keys.len(), 1, "{keys:?}");
        keys[0].to_owned()
    }

    async fn exchange(&self, key: &str, bytes: Vec<u8>) {
        let put = self.stack.s3().put_object().bucket(self.stack.bucket("config")).key(key);
        let _put = put.body(ByteStream::from(bytes)).send().await.unwrap();
    }
}

#[tokio::test]
async fn a_compiled_lexicon_is_fetched_in_parts_before_its_version_is_in_force_and_then_shared() {
    let bench = bench().await;
    bench.publish(&shipped(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    assert!(!finds(&source, "稀·奇古怪"));
    let lexicon = compiled("稀奇古怪", MANY);
    let parts = lexicon.len().div_ceil(8 << 20);
    assert!(parts >= 3, "{} bytes", lexicon.len());
    bench.publish(with_lexicon("一", &lexicon).path(), "two").await.unwrap();
    bench.stack.proxy.forget();
    assert_eq!(bench.look(&source).await, Look::Changed);
    assert!(finds(&source, "稀·奇古怪"));
    // The pointer, the compiled file, the parts.
    assert_eq!(bench.stack.calls("GetObject"), 2 + parts);
    assert_eq!(files(bench.kept.path()).len(), 1);
    // Another version with the same list: it is neither stored nor fetched again.
    bench.publish(with_lexicon("二", &lexicon).path(), "three").await.unwrap();
    let _the_only_one = bench.lexicon_key().await;
    bench.stack.proxy.forget();
    assert_eq!(bench.look(&source).await, Look::Changed);
    assert!(finds(&source, "稀·奇古怪"));
    assert_eq!(bench.stack.calls("GetObject"), 2);
    // A version without it, which whoever began with the one before does not notice.
    let before = source.current();
    bench.publish(with_lexicon("三", &compiled("别的什么", 1)).path(), "four").await.unwrap();
    assert_eq!(bench.look(&source).await, Look::Changed);
    assert!(finds(&source, "别的什么") && !finds(&source, "稀·奇古怪"));
    assert_eq!(files(bench.kept.path()).len(), 1);
    let tenant = &before.tenants[&TenantId::new("demo-mcn").unwrap()];
    assert!(tenant.rules.lexicon().scan("稀·奇古怪").hits.iter().any(|hit| hit.category == "large"));
}

#[tokio::test]
async fn a_decision_names_the_same_pack_wherever_its_lexicon_came_from() {
    let bench = bench().await;
    let dir = with_lexicon("一", &compiled("稀奇古怪", 1));
    bench.publish(dir.path(), "one").await.unwrap();
    let (fetched, read) = (bench.open().await.unwrap(), sluice_settings::load(dir.path()).unwrap());
    let withheld = bench.open_with(Words::Withheld).await.unwrap();
    for (id, tenant) in &read.tenants {
        let hash = tenant.rules.stamp();
        assert_eq!(fetched.current().tenants[id].rules.stamp(), hash);
        let current = withheld.current();
        let unread = &current.tenants[id].rules;
        assert_eq!(unread.stamp(), hash);
        assert_eq!((unread.rules().len(), unread.words()), (0, tenant.rules.words()));
    }
    assert!(passes_nothing(&withheld) && !passes_nothing(&fetched));
}

#[tokio::test]
async fn who_never_looks_at_a_text_fetches_none_and_passes_none() {
    let bench = bench().await;
    bench.publish(with_lexicon("一", &compiled("稀奇古怪", 1)).path(), "one").await.unwrap();
    bench.stack.proxy.forget();
    let source = bench.open_with(Words::Withheld).await.unwrap();
    assert_eq!(bench.stack.calls("GetObject"), 2);
    assert!(passes_nothing(&source));
    assert!(files(bench.kept.path()).is_empty());
}

/// The front door: words are its business only where somebody is welcomed.
#[tokio::test]
async fn who_looks_at_welcomes_alone_has_words_where_a_source_welcomes_people() {
    let bench = bench().await;
    let dir = with_lexicon("一", &compiled("稀奇古怪", 1));
    let words = || Words::KeptForWelcomes(bench.kept.path().to_owned());
    bench.publish(dir.path(), "one").await.unwrap();
    let source = bench.open_with(words()).await.unwrap();
    assert!(finds(&source, "稀奇古怪") && !finds(&source, "你好"));
    assert_eq!(files(bench.kept.path()).len(), 1);

    let main = dir.path().join("sluice.yaml");
    let text = std::fs::read_to_string(&main).unwrap();
    let welcome = "        welcome:\n          agent_id: 1000002\n          secret: demo-brand/wecom-app\n          script: welcome\n";
    assert!(text.contains(welcome));
    std::fs::write(&main, text.replace(welcome, "")).unwrap();
    bench.publish(dir.path(), "two").await.unwrap();
    let source = bench.open_with(words()).await.unwrap();
    assert!(passes_nothing(&source));
}

#[tokio::test]
async fn a_lexicon_that_is_not_the_published_one_leaves_the_last_good_version() {
    let bench = bench().await;
    bench.publish(&shipped(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    let lexicon = compiled("稀奇古怪", 1);
    bench.publish(with_lexicon("一", &lexicon).path(), "two").await.unwrap();
    let key = bench.lexicon_key().await;
    let mut flipped = lexicon.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for other in [flipped, lexicon[..lexicon.len() - 1].to_vec(), Vec::new()] {
        bench.exchange(&key, other).await;
        let Look::Failed(error) = bench.look(&source).await else { panic!("it was taken") };
        assert!(error.to_string().contains("is not the file that was published"), "{error}");
        assert_eq!(error.kind(), FailureKind::Configuration);
        assert!(!finds(&source, "稀奇古怪"));
        assert_eq!(bench.open().await.unwrap_err().kind(), FailureKind::Configuration);
    }
    // Nor is it published again over what is not it.
    let again = bench.publish(with_lexicon("二", &lexicon).path(), "three").await.unwrap_err();
    assert!(matches!(again, SettingsError::Unfit(_)), "{again}");
}

#[tokio::test]
async fn an_outage_between_parts_is_tried_again_at_the_next_look() {
    let bench = bench().await;
    bench.publish(&shipped(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    bench.publish(with_lexicon("一", &compiled("稀奇古怪", MANY)).path(), "two").await.unwrap();
    // The pointer, the compiled file and the first part come, the second does not, at none of its attempts.
    bench.stack.proxy.inject(Rule::new(Fault::Status(503)).operation("GetObject").times(4, u64::MAX));
    let Look::Failed(error) = bench.look(&source).await else { panic!("it was taken") };
    assert_eq!(error.kind(), FailureKind::Retry, "{error}");
    assert!(!finds(&source, "稀奇古怪"));
    bench.stack.proxy.heal();
    assert_eq!(bench.look(&source).await, Look::Changed);
    assert!(finds(&source, "稀奇古怪"));
    assert_eq!(files(bench.kept.path()).len(), 1);
}

#[tokio::test]
async fn a_version_that_names_lexicons_elsewhere_or_too_much_of_them_is_refused() {
    let bench = bench().await;
    let dir = with_lexicon("一", &compiled("稀奇古怪", 1));
    let good = sluice_settings::compile(&sluice_settings::Bundle::read(dir.path())).unwrap();
    let good = String::from_utf8(good).unwrap();
    bench.publish(&shipped(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    let settings = sluice_settings::CompiledSettings::read(good.as_bytes()).unwrap();
    let (_, lexicon) = settings.lexicons().next().unwrap();
    for (from, to, told) in [
        (lexicon.sha256.clone(), "../../elsewhere".to_owned(), "no SHA-256"),
        (format!("\"bytes\":{}", lexicon.bytes), format!("\"bytes\":{}", 300 << 20), "at most"),
    ] {
        assert!(good.contains(&from));
        let bad = good.replacen(&from, &to, 1);
        let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bad));
        bench.put("live/versions/bad/settings.json", &bad).await;
        let pointer = format!(r#"{{"version": "bad", "files": {{"settings.json": "{sha256}"}}}}"#);
        bench.put("live/current", &pointer).await;
        let Look::Failed(error) = bench.look(&source).await else { panic!("it was taken") };
        assert!(error.to_string().contains(told), "{error}");
    }
}
