use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use sluice_aws::settings::publish;
use sluice_aws::{Look, SettingsError, SettingsSource, Words};
use sluice_domain::failure::FailureKind;
use sluice_domain::id::TenantId;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_settings::{Bundle, COMPILED_FILE, CurrentSettings as _, compile};
use sluice_telemetry::{Counters, Metrics, Signal};

use crate::support::{NOON, Stack};

pub(crate) struct Bench {
    pub(crate) stack: Stack,
    address: String,
    counters: Counters,
    /// Where compiled lexicons are kept.
    pub(crate) kept: tempfile::TempDir,
}

pub(crate) fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

pub(crate) async fn bench() -> Bench {
    let stack = Stack::start().await;
    let bucket = stack.bucket("config");
    let _made = stack.s3().create_bucket().bucket(&bucket).send().await.unwrap();
    let kept = tempfile::tempdir().unwrap();
    Bench { stack, address: format!("s3://{bucket}/live"), counters: Counters::default(), kept }
}

/// The shipped configuration under another company name.
pub(crate) fn named(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["", "rules", "lexicons"] {
        std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        for entry in std::fs::read_dir(shipped().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "yaml") {
                let text = std::fs::read_to_string(&path).unwrap().replace("示例机构", name);
                std::fs::write(dir.path().join(folder).join(path.file_name().unwrap()), text).unwrap();
            }
        }
    }
    dir
}

impl Bench {
    pub(crate) async fn publish(&self, dir: &Path, version: &str) -> Result<(), SettingsError> {
        publish(dir, &self.address, version, self.stack.ours(), NOON).await
    }

    pub(crate) async fn open(&self) -> Result<SettingsSource, SettingsError> {
        self.open_with(Words::Kept(self.kept.path().to_owned())).await
    }

    pub(crate) async fn open_with(&self, words: Words) -> Result<SettingsSource, SettingsError> {
        let metrics = Metrics::new(self.counters.clone());
        let (address, clock) = (&self.address, self.stack.clock.clone());
        SettingsSource::open(address, || self.stack.ours(), words, clock, metrics).await
    }

    pub(crate) async fn put(&self, key: &str, text: &str) {
        let put = self.stack.s3().put_object().bucket(self.stack.bucket("config")).key(key);
        let _put = put.body(ByteStream::from(text.as_bytes().to_vec())).send().await.unwrap();
    }

    pub(crate) fn failures(&self) -> u64 {
        self.counters.count(Signal::SettingsReloadFailure)
    }

    /// A minute later.
    pub(crate) async fn look(&self, source: &SettingsSource) -> Look {
        self.stack.clock.later(60_000);
        source.refresh().await
    }
}

fn name_in(source: &SettingsSource) -> String {
    source.current().tenants[&TenantId::new("demo-mcn").unwrap()].name.clone()
}

#[tokio::test]
async fn a_directory_never_changes() {
    let directory = tempfile::tempdir().unwrap();
    let address = directory.path().display().to_string();
    let clock = crate::support::Hand::at(NOON);
    let none = || -> sluice_aws::S3 { panic!("a directory needs no client") };
    let missing = SettingsSource::open(&address, none, Words::Withheld, clock.clone(), Metrics::default())
        .await
        .unwrap_err();
    assert!(missing.to_string().contains("`sluice config compile`"), "{missing}");
    let compiled = compile(&Bundle::read(&shipped())).unwrap();
    std::fs::write(directory.path().join(COMPILED_FILE), compiled).unwrap();
    let source = SettingsSource::open(&address, none, Words::Withheld, clock.clone(), Metrics::default())
        .await
        .unwrap();
    clock.later(600_000);
    assert_eq!(source.refresh().await, Look::Unchanged);
    assert_eq!(name_in(&source), "示例机构");
}

#[tokio::test]
async fn a_new_version_comes_into_force_within_a_minute_and_looking_is_cheap() {
    let bench = bench().await;
    bench.publish(&shipped(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    // Each file was read back when it was published; opening took the pointer and the compiled file.
    let opened = bench.stack.calls("GetObject");
    let _another = bench.open().await.unwrap();
    assert_eq!(bench.stack.calls("GetObject"), opened + 2);
    bench.publish(named("另一机构").path(), "two").await.unwrap();
    bench.stack.proxy.forget();
    bench.stack.clock.later(59_999);
    assert_eq!(source.refresh().await, Look::Unchanged);
    assert_eq!((bench.stack.calls("GetObject"), name_in(&source).as_str()), (0, "示例机构"));
    let before = source.current();
    bench.stack.clock.later(1);
    assert_eq!(source.refresh().await, Look::Changed);
    assert_eq!(name_in(&source), "另一机构");
    assert!(!Arc::ptr_eq(&before, &source.current()));
    bench.stack.proxy.forget();
    assert_eq!(bench.look(&source).await, Look::Unchanged);
    assert_eq!(bench.stack.calls("GetObject"), 1);
}

#[tokio::test]
async fn a_bad_version_leaves_the_last_good_one_and_is_counted_until_it_is_mended() {
    let bench = bench().await;
    bench.publish(&shipped(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    // It can not be published by the tool, but by hand.
    assert!(matches!(bench.publish(named("").path(), "two").await, Err(SettingsError::Load(_))));
    let bad = r#"{"format": 1, "packs": {}, "lists": {}, "tenants": []}"#;
    let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bad));
    bench.put("live/versions/bad/settings.json", bad).await;
    bench
        .put("live/current", &format!(r#"{{"version": "bad", "files": {{"settings.json": "{sha256}"}}}}"#))
        .await;
    for failures in 1..=2 {
        assert!(matches!(bench.look(&source).await, Look::Failed(SettingsError::Load(_))));
        assert_eq!((name_in(&source).as_str(), bench.failures()), ("示例机构", failures));
    }
    let error = bench.open().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration);
    bench.publish(named("另一机构").path(), "three").await.unwrap();
    assert_eq!(bench.look(&source).await, Look::Changed);
    assert_eq!((name_in(&source).as_str(), bench.failures()), ("另一机构", 2));
}

#[tokio::test]
async fn a_file_that_was_exchanged_is_not_used() {
    let bench = bench().await;
    bench.publish(&shipped(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    bench.publish(named("另一机构").path(), "two").await.unwrap();
    bench.put("live/versions/two/settings.json", "{}").await;
    let Look::Failed(error) = bench.look(&source).await else { panic!("it was taken") };
    assert!(error.to_string().contains("`settings.json` is not the file that was published"), "{error}");
    assert_eq!(name_in(&source), "示例机构");
}

#[tokio::test]
async fn pointers_that_name_too_much_or_elsewhere_are_refused() {
    let bench = bench().await;
    bench.publish(&shipped(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    let many: Vec<_> = (0..65).map(|number| format!(r#""rules/{number}.yaml": """#)).collect();
    for pointer in [
        "no json".to_owned(),
        r#"{"version": "../two", "files": {}}"#.to_owned(),
        r#"{"version": "two", "files": {"../../other/sluice.yaml": ""}}"#.to_owned(),
        r#"{"version": "two", "files": {"secrets.json": ""}}"#.to_owned(),
        // As published before there were compiled files.
        r#"{"version": "two", "files": {"sluice.yaml": ""}}"#.to_owned(),
        format!(r#"{{"version": "two", "files": {{{}}}}}"#, many.join(",")),
        format!(r#"{{"version": "two", "files": {{}}}}{}"#, " ".repeat(65 * 1024)),
    ] {
        bench.put("live/current", &pointer).await;
        let look = bench.look(&source).await;
        assert!(matches!(look, Look::Failed(SettingsError::Unfit(_))), "{look:?}");
    }
}

#[tokio::test]
async fn an_outage_keeps_what_is_there_and_lets_nothing_new_begin() {
    let bench = bench().await;
    bench.publish(&shipped(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    bench.stack.proxy.inject(Rule::new(Fault::Status(503)));
    assert!(matches!(bench.look(&source).await, Look::Failed(SettingsError::Port(_))));
    assert_eq!((name_in(&source).as_str(), bench.failures()), ("示例机构", 1));
    assert_eq!(bench.open().await.unwrap_err().kind(), FailureKind::Retry);
    bench.stack.proxy.heal();
    assert_eq!(bench.look(&source).await, Look::Unchanged);
}

#[tokio::test]
async fn without_a_published_configuration_nothing_opens() {
    let bench = bench().await;
    let error = bench.open().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration);
    assert!(error.to_string().contains("config publish"), "{error}");
    for address in ["", "s3://", "s3:///live"] {
        let clock = bench.stack.clock.clone();
        let source =
            SettingsSource::open(address, || bench.stack.ours(), Words::Withheld, clock, Metrics::default())
                .await;
        assert!(matches!(source, Err(SettingsError::Address(_))), "{address}");
    }
}
