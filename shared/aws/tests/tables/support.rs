//! Tables made from the schema, a queue in memory, and the store over both.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use sluice_aws::{Names, Store, Table, Tables};
use sluice_domain::time::UnixMillis;
use sluice_emulators::proxy::Proxy;
use sluice_emulators::{Dynoxide, Endpoint, Ministack};
use sluice_ports::conformance::samples::NOON;
use sluice_ports::{Clock, Entropy, OutboundMessage, Outbox, PortError, Queue, SendFailure};

/// A clock that stands at noon.
pub(crate) struct Noon;

impl Clock for Noon {
    fn now(&self) -> UnixMillis {
        NOON
    }
}

/// Bytes that nobody else has, in this process.
#[derive(Default)]
pub(crate) struct Counted;

static NUMBER: AtomicU64 = AtomicU64::new(1);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().rev().zip(number.iter().rev()).for_each(|(to, from)| *to = *from);
    }
}

/// Queues that keep what they are sent.
#[derive(Clone, Default)]
pub(crate) struct MemoryQueues {
    pub(crate) messages: Arc<Mutex<BTreeMap<Queue, Vec<OutboundMessage>>>>,
    /// Fails the next so many sends.
    pub(crate) failures: Arc<AtomicU64>,
}

impl Outbox for MemoryQueues {
    async fn send(&self, queue: Queue, messages: Vec<OutboundMessage>) -> Vec<SendFailure> {
        let broken = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        let mut failures = Vec::new();
        for (index, message) in messages.into_iter().enumerate() {
            let (limit, got) = (256 * 1024, message.body.len());
            let error = if broken {
                PortError::Unavailable { what: "queue", cause: "test".into() }
            } else if got > limit {
                PortError::TooLarge { what: "queue message", limit, got }
            } else {
                self.messages.lock().unwrap().entry(queue).or_default().push(message);
                continue;
            };
            failures.push(SendFailure { index, error });
        }
        failures
    }
}

impl MemoryQueues {
    pub(crate) fn fail_next(&self) {
        self.failures.store(1, Ordering::SeqCst);
    }

    pub(crate) fn drain(&self, queue: Queue) -> Vec<String> {
        let mut queues = self.messages.lock().unwrap();
        let messages = queues.entry(queue).or_default();
        let (delayed, visible) =
            std::mem::take(messages).into_iter().partition(|message| message.delay_seconds > 0);
        *messages = delayed;
        let visible: Vec<OutboundMessage> = visible;
        visible.into_iter().map(|message| message.body).collect()
    }
}

/// Which engine a store runs on, kept alive with it.
pub(crate) enum Engine {
    Own { _dynoxide: Dynoxide },
    Shared,
}

/// A store over fresh tables.
pub(crate) struct World {
    pub(crate) store: Store<MemoryQueues>,
    pub(crate) client: Client,
    pub(crate) endpoint: Endpoint,
    _engine: Engine,
}

impl World {
    /// The same tables, called through a proxy.
    pub(crate) async fn behind_proxy(mut self) -> (Self, Proxy) {
        let proxy = Proxy::start(self.endpoint.url.as_str()).await.unwrap();
        self.store = store_with(client_at(&self.endpoint, &proxy.url()));
        (self, proxy)
    }

    /// The same tables, as another process has them.
    pub(crate) fn another_store(&self) -> Store<MemoryQueues> {
        store_with(client_of(&self.endpoint))
    }
}

pub(crate) fn client_of(endpoint: &Endpoint) -> Client {
    client_at(endpoint, &endpoint.url)
}

/// A client of an endpoint by another way, such as a proxy.
pub(crate) fn client_at(endpoint: &Endpoint, url: &str) -> Client {
    let credentials =
        Credentials::new(endpoint.access_key.as_str(), endpoint.secret_key.as_str(), None, None, "test");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(endpoint.region.clone()))
        .credentials_provider(credentials)
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

fn name_of(table: Table) -> String {
    format!("test-{}", table.as_str())
}

fn names() -> Names {
    Table::ALL.into_iter().fold(Names::default(), |names, table| names.with(table.resource(), name_of(table)))
}

pub(crate) fn store_with(client: Client) -> Store<MemoryQueues> {
    let tables = Tables::new(client, names(), Arc::new(Noon), Arc::new(Counted));
    Store { tables, queues: MemoryQueues::default() }
}

/// On dynoxide, in this process.
pub(crate) async fn fresh_on_dynoxide() -> World {
    let dynoxide = Dynoxide::start().unwrap();
    let endpoint = dynoxide.endpoint();
    world(endpoint, Engine::Own { _dynoxide: dynoxide }).await
}

/// On ministack, in an account of its own.
pub(crate) async fn fresh_on_ministack() -> World {
    let endpoint = Ministack::shared().unwrap_or_else(|error| panic!("{error}")).fresh();
    world(endpoint, Engine::Shared).await
}

async fn world(endpoint: Endpoint, engine: Engine) -> World {
    let client = client_of(&endpoint);
    for table in Table::ALL {
        create(&client, table).await;
    }
    World { store: store_with(client.clone()), client, endpoint, _engine: engine }
}

fn element(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

fn keys(partition: &str, sort: Option<&str>) -> Vec<KeySchemaElement> {
    let mut keys = vec![element(partition, KeyType::Hash)];
    keys.extend(sort.map(|sort| element(sort, KeyType::Range)));
    keys
}

/// Makes a table as the schema says.
pub(crate) async fn create(client: &Client, table: Table) {
    let schema = table.schema();
    let mut attributes: Vec<&str> = [Some(schema.partition), schema.sort].into_iter().flatten().collect();
    attributes.extend(schema.index.into_iter().flat_map(|index| [index.partition, index.sort]));
    attributes.sort_unstable();
    attributes.dedup();
    let definition = |name: &str| {
        let string = ScalarAttributeType::S;
        AttributeDefinition::builder().attribute_name(name).attribute_type(string).build().unwrap()
    };
    let index = schema.index.map(|index| {
        let projection = ProjectionType::from(index.projection.as_str());
        GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(keys(index.partition, Some(index.sort))))
            .projection(Projection::builder().projection_type(projection).build())
            .build()
            .unwrap()
    });
    let name = name_of(table);
    client
        .create_table()
        .table_name(&name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.into_iter().map(definition).collect()))
        .set_key_schema(Some(keys(schema.partition, schema.sort)))
        .set_global_secondary_indexes(index.map(|index| vec![index]))
        .send()
        .await
        .unwrap();
    if let Some(expires) = schema.expires {
        let ttl = TimeToLiveSpecification::builder().attribute_name(expires).enabled(true).build().unwrap();
        client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await.unwrap();
    }
}
