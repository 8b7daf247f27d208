use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use sluice_aws::{Look, SettingsError, SettingsSource, Words};
use sluice_domain::failure::FailureKind;
use sluice_domain::id::{ScriptId, TenantId};
use sluice_domain::image::Image;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_ports::{ImageFiles as _, PortError};
use sluice_settings::{Bundle, COMPILED_FILE, CurrentSettings as _, compile};
use sluice_telemetry::Metrics;

use crate::settings::{Bench, bench, named};
use crate::support::{Hand, NOON};

const PNG: &[u8] = include_bytes!("../../../../tests/vectors/images/card.png");
const JPEG: &[u8] = include_bytes!("../../../../tests/vectors/images/card.jpg");

/// The shipped configuration under another name, with a script that is an image.
fn with_image(name: &str, file: &str, bytes: &[u8]) -> tempfile::TempDir {
    let dir = named(name);
    std::fs::create_dir(dir.path().join("images")).unwrap();
    std::fs::write(dir.path().join("images").join(file), bytes).unwrap();
    let main = dir.path().join("sluice.yaml");
    let text = std::fs::read_to_string(&main).unwrap();
    let script =
        format!("    scripts:\n      - {{ id: promo, version: 1, image: {file}, image_text: 到店有礼 }}\n");
    std::fs::write(main, text.replacen("    scripts:\n", &script, 1)).unwrap();
    dir
}

fn image_of(source: &SettingsSource) -> Image {
    let settings = source.current();
    let script =
        &settings.tenants[&TenantId::new("demo-brand").unwrap()].scripts[&ScriptId::new("promo").unwrap()];
    script.image_file.clone().unwrap()
}

impl Bench {
    async fn image_keys(&self) -> Vec<String> {
        let list = self.stack.s3().list_objects_v2().bucket(self.stack.bucket("config"));
        let listed = list.prefix("live/images/").send().await.unwrap();
        listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }

    async fn exchange_image(&self, key: &str, bytes: &[u8]) {
        let put = self.stack.s3().put_object().bucket(self.stack.bucket("config")).key(key);
        let _put = put.body(ByteStream::from(bytes.to_vec())).send().await.unwrap();
    }
}

#[tokio::test]
async fn an_image_is_stored_by_its_hash_and_fetched_once_it_is_sent() {
    let bench = bench().await;
    bench.publish(with_image("一", "card.png", PNG).path(), "one").await.unwrap();
    bench.stack.proxy.forget();
    let source = bench.open_with(Words::Withheld).await.unwrap();
    assert_eq!(bench.stack.calls("GetObject"), 2, "the pointer and the compiled file");
    let image = image_of(&source);
    assert_eq!(bench.image_keys().await, [format!("live/images/{}", image.sha256)]);
    // Ten messages of a batch, one call.
    let asked = (0..10).map(|_| source.image(&image));
    for bytes in futures_util::future::join_all(asked).await {
        assert_eq!(bytes.unwrap(), PNG);
    }
    assert_eq!(bench.stack.calls("GetObject"), 3);

    // Another version with the same image stores nothing; one with another image has both, for whoever is still at the first.
    bench.publish(with_image("二", "card.png", PNG).path(), "two").await.unwrap();
    assert_eq!(bench.image_keys().await.len(), 1);
    bench.publish(with_image("三", "card.jpg", JPEG).path(), "three").await.unwrap();
    assert_eq!(bench.look(&source).await, Look::Changed);
    assert_eq!(source.image(&image_of(&source)).await.unwrap(), JPEG);
    assert_eq!(source.image(&image).await.unwrap(), PNG);
}

#[tokio::test]
async fn an_image_that_is_not_the_published_one_is_not_sent() {
    let bench = bench().await;
    let dir = with_image("一", "card.png", PNG);
    bench.publish(dir.path(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    let image = image_of(&source);
    let key = format!("live/images/{}", image.sha256);
    for other in [JPEG, &PNG[..100], &[]] {
        bench.exchange_image(&key, other).await;
        let error = source.image(&image).await.unwrap_err();
        assert!(error.to_string().contains("is not the file that was published"), "{error}");
        assert_eq!(error.kind(), FailureKind::Configuration);
    }
    // Nor is it published again over what is not it.
    let again = bench.publish(dir.path(), "two").await.unwrap_err();
    assert!(matches!(again, SettingsError::Port(PortError::Missing { .. })), "{again}");
    // A hash that is none never becomes the name of an object.
    let elsewhere = Image { sha256: "../current".into(), ..image.clone() };
    assert!(source.image(&elsewhere).await.is_err());
    bench.exchange_image(&key, PNG).await;
    assert_eq!(source.image(&image).await.unwrap(), PNG);
}

#[tokio::test]
async fn an_outage_at_an_image_passes() {
    let bench = bench().await;
    bench.publish(with_image("一", "card.png", PNG).path(), "one").await.unwrap();
    let source = bench.open().await.unwrap();
    let image = image_of(&source);
    bench.stack.proxy.inject(Rule::new(Fault::Status(503)).operation("GetObject").times(1, u64::MAX));
    assert_eq!(source.image(&image).await.unwrap_err().kind(), FailureKind::Retry);
    bench.stack.proxy.heal();
    assert_eq!(source.image(&image).await.unwrap(), PNG);
}

#[tokio::test]
async fn a_layer_has_its_images_beside_its_compiled_file() {
    let dir = with_image("一", "card.png", PNG);
    let compiled = compile(&Bundle::read(dir.path())).unwrap();
    std::fs::write(dir.path().join(COMPILED_FILE), compiled).unwrap();
    let none = || -> sluice_aws::S3 { panic!("a directory needs no client") };
    let (address, clock) = (dir.path().display().to_string(), Hand::at(NOON));
    let open = SettingsSource::open(&address, none, Words::Withheld, clock as Arc<_>, Metrics::default());
    let source = open.await.unwrap();
    let image = image_of(&source);
    assert_eq!(source.image(&image).await.unwrap(), PNG);
    std::fs::write(Path::new(&address).join("images/card.png"), JPEG).unwrap();
    // It was read, and is known by its hash.
    assert_eq!(source.image(&image).await.unwrap(), PNG);
    let other = Image { sha256: "0".repeat(64), ..image };
    assert!(matches!(source.image(&other).await, Err(PortError::Missing { .. })));
}
