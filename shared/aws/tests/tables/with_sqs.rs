//! The store as a function has it: tables on one engine, queues at SQS.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::sync::Arc;

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use sluice_aws::{Names, Queues, Resource, Store};
use sluice_emulators::{Endpoint, Ministack};
use sluice_ports::Queue;
use sluice_ports::conformance::Harness;

use crate::support::{Noon, World, fresh_on_dynoxide, fresh_on_ministack};

/// A store over fresh tables and fresh queues.
pub(crate) struct WithSqs {
    store: Store,
    sqs: aws_sdk_sqs::Client,
    names: Names,
    _tables: World,
}

impl Harness for WithSqs {
    type Store = Store;

    fn store(&self) -> &Store {
        &self.store
    }

    async fn drain(&self, queue: Queue) -> Vec<String> {
        let url = self.names.get(Resource::Queue(queue)).unwrap();
        let mut bodies = Vec::new();
        loop {
            let received = self.sqs.receive_message().queue_url(url).max_number_of_messages(10);
            let received = received.visibility_timeout(60).send().await.unwrap().messages.unwrap_or_default();
            if received.is_empty() {
                return bodies;
            }
            for message in received {
                let handle = message.receipt_handle.unwrap();
                self.sqs.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
                bodies.push(message.body.unwrap());
            }
        }
    }
}

fn client_of(endpoint: &Endpoint) -> aws_sdk_sqs::Client {
    let credentials =
        Credentials::new(endpoint.access_key.as_str(), endpoint.secret_key.as_str(), None, None, "test");
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(endpoint.region.clone()))
        .credentials_provider(credentials)
        .endpoint_url(&endpoint.url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

async fn with_sqs(tables: World) -> WithSqs {
    let endpoint = Ministack::shared().unwrap_or_else(|error| panic!("{error}")).fresh();
    let sqs = client_of(&endpoint);
    let mut names = Names::default();
    for queue in Queue::ALL {
        for (resource, name) in [
            (Resource::Queue(queue), format!("{queue}")),
            (Resource::DeadLetters(queue), format!("{queue}-dead")),
        ] {
            let made = sqs.create_queue().queue_name(name).send().await.unwrap();
            names = names.with(resource, made.queue_url.unwrap());
        }
    }
    let queues = Queues::new(sqs.clone(), names.clone(), Arc::new(Noon));
    WithSqs { store: Store { tables: tables.store.tables.clone(), queues }, sqs, names, _tables: tables }
}

/// dynoxide and ministack's SQS.
pub(crate) async fn fresh_on_dynoxide_and_sqs() -> WithSqs {
    with_sqs(fresh_on_dynoxide().await).await
}

/// Everything of ministack.
pub(crate) async fn fresh_on_ministack_and_sqs() -> WithSqs {
    with_sqs(fresh_on_ministack().await).await
}
