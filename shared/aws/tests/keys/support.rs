use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_kms::primitives::Blob;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use sluice_aws::{Connection, ConnectionParts, KeyOperator, KeyPlace, KmsKeyRing, Making};
use sluice_domain::id::TenantId;
use sluice_domain::time::UnixMillis;
use sluice_emulators::proxy::{Proxy, Service};
use sluice_emulators::{Account, Dynoxide, Endpoint, Ministack, Moto};
use sluice_ports::Clock;

pub(crate) const NOON: UnixMillis = UnixMillis(1_795_250_000_000);

/// A clock that stands still until it is told to move.
pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn at(at: UnixMillis) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(at.0)))
    }

    pub(crate) fn later(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// How to call an emulator at `url` as `access_key`.
pub(crate) fn config(url: &str, access_key: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(Endpoint::REGION))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            access_key, "local", None, None, "test",
        )))
        .retry_config(RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1)))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(url)
        .build()
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

/// A ministack account behind a proxy of its own.
pub(crate) struct Stack {
    pub(crate) proxy: Proxy,
    pub(crate) config: SdkConfig,
    pub(crate) clock: Arc<Hand>,
    account: Account,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        let proxy = Proxy::start(Ministack::shared().unwrap().url()).await.unwrap();
        let account = Account::fresh();
        let config = config(&proxy.url(), account.number());
        Self { proxy, config, clock: Hand::at(NOON), account }
    }

    /// Our own client, which the adapters use.
    pub(crate) fn ours(&self) -> sluice_aws::S3 {
        let patience =
            sluice_aws::Patience { pause: std::time::Duration::from_millis(1), ..sluice_aws::Patience::STEP };
        let parts = ConnectionParts::at(self.proxy.url(), Endpoint::REGION, self.account.number(), "local");
        Connection::new(ConnectionParts { patience, ..parts }).unwrap().s3()
    }

    /// AWS's client, which looks at what ours did, and does what ours can not.
    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// Bucket names are everybody's.
    pub(crate) fn bucket(&self, name: &str) -> String {
        format!("{name}-{}", self.account.number())
    }

    /// How many calls of this operation there were.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        calls(&self.proxy, operation)
    }
}

pub(crate) fn calls(proxy: &Proxy, operation: &str) -> usize {
    proxy.recording().calls().iter().filter(|recorded| recorded.call.operation == operation).count()
}

/// A keys table on dynoxide and a key of moto, behind one proxy.
pub(crate) struct Keys {
    _dynoxide: Dynoxide,
    pub(crate) proxy: Proxy,
    pub(crate) clock: Arc<Hand>,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) kms_key: String,
}

impl Keys {
    pub(crate) async fn start() -> Self {
        let (dynoxide, moto) = (Dynoxide::start().unwrap(), Moto::shared().unwrap());
        let proxy = Proxy::start_with(dynoxide.url(), [(Service::Kms, moto.url().to_owned())]).await.unwrap();
        let config = config(&proxy.url(), Account::fresh().number());
        let (kms, dynamodb) = (aws_sdk_kms::Client::new(&config), aws_sdk_dynamodb::Client::new(&config));
        make_table(&dynamodb).await;
        let kms_key = make_key(&kms).await;
        proxy.forget();
        Self { _dynoxide: dynoxide, proxy, clock: Hand::at(NOON), kms, dynamodb, kms_key }
    }

    pub(crate) fn place(&self) -> KeyPlace {
        KeyPlace { table: "keys".into(), kms_key: self.kms_key.clone(), retired: vec![] }
    }

    /// A function of its own, with an empty cache.
    pub(crate) fn ring(&self, making: Making) -> KmsKeyRing {
        self.ring_at(self.place(), making)
    }

    pub(crate) fn ring_at(&self, place: KeyPlace, making: Making) -> KmsKeyRing {
        KmsKeyRing::new(self.kms.clone(), self.dynamodb.clone(), place, making, self.clock.clone())
    }

    pub(crate) fn operator(&self, place: KeyPlace) -> KeyOperator {
        KeyOperator::new(self.kms.clone(), self.dynamodb.clone(), place, self.clock.clone())
    }

    pub(crate) fn calls(&self, operation: &str) -> usize {
        calls(&self.proxy, operation)
    }

    pub(crate) async fn wrapped(&self, tenant: &str, version: &str) -> Vec<u8> {
        let found = self.dynamodb.get_item().table_name("keys").set_key(Some(row(tenant, version)));
        let item = found.send().await.unwrap().item.unwrap();
        item["wrapped"].as_b().unwrap().as_ref().to_vec()
    }

    /// Puts other bytes in a row, as whoever can write the table could.
    pub(crate) async fn forge(&self, tenant: &str, version: &str, wrapped: &[u8]) {
        let update = self.dynamodb.update_item().table_name("keys").set_key(Some(row(tenant, version)));
        let update = update
            .update_expression("SET #wrapped = :wrapped")
            .expression_attribute_names("#wrapped", "wrapped")
            .expression_attribute_values(
                ":wrapped",
                AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(wrapped)),
            );
        let _done = update.send().await.unwrap();
    }

    pub(crate) async fn rows(&self) -> usize {
        self.dynamodb.scan().table_name("keys").send().await.unwrap().items().len()
    }
}

fn row(tenant: &str, version: &str) -> std::collections::HashMap<String, AttributeValue> {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    [("tenant".to_owned(), text(tenant)), ("version".to_owned(), text(version))].into()
}

/// As `template.yaml` has it.
pub(crate) async fn make_table(client: &aws_sdk_dynamodb::Client) {
    let mut table = client.create_table().table_name("keys").billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("tenant", KeyType::Hash), ("version", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap();
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
        table = table.attribute_definitions(attribute).key_schema(key);
    }
    let _made = table.send().await.unwrap();
}

pub(crate) async fn make_key(kms: &aws_sdk_kms::Client) -> String {
    let made = kms.create_key().send().await.unwrap();
    made.key_metadata.unwrap().arn.unwrap()
}

/// Asks KMS directly; the code of its refusal.
pub(crate) async fn decrypt_refusal(
    kms: &aws_sdk_kms::Client,
    wrapped: &[u8],
    context: &[(&str, &str)],
) -> String {
    let mut call = kms.decrypt().ciphertext_blob(Blob::new(wrapped));
    for (name, value) in context {
        call = call.encryption_context(*name, *value);
    }
    let error = call.send().await.unwrap_err().into_service_error();
    error.meta().code().unwrap().to_owned()
}

/// A key pair of moto that signs, behind a proxy.
pub(crate) async fn make_signing_key(kms: &aws_sdk_kms::Client) -> String {
    let made = kms
        .create_key()
        .key_spec(aws_sdk_kms::types::KeySpec::EccNistP256)
        .key_usage(aws_sdk_kms::types::KeyUsageType::SignVerify)
        .send()
        .await
        .unwrap();
    made.key_metadata.unwrap().arn.unwrap()
}
