//! Queues with their dead letters, in an account of the test's own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_sqs::config::{
    BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents, SharedInterceptor,
};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use aws_smithy_runtime_api::box_error::BoxError;
use sluice_aws::{Names, Queues, Resource};
use sluice_domain::time::UnixMillis;
use sluice_emulators::proxy::Proxy;
use sluice_emulators::{Endpoint, Ministack, until_async};
use sluice_ports::conformance::samples::NOON;
use sluice_ports::{Backlog as _, BuriedMessage, Clock, Inbox as _, Queue};

/// For what another process does.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// After so many receives SQS itself moves a message to the dead letters.
pub(crate) const MOST_RECEIVES: usize = 2;

/// A clock that stands at noon.
pub(crate) struct Noon;

impl Clock for Noon {
    fn now(&self) -> UnixMillis {
        NOON
    }
}

/// What the SDK wrote into its requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests(Arc<Mutex<Vec<serde_json::Value>>>);

impl Requests {
    pub(crate) fn last(&self) -> serde_json::Value {
        self.0.lock().unwrap().last().unwrap().clone()
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Requests {
    fn name(&self) -> &'static str {
        "requests"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request().body().bytes().unwrap_or_default();
        self.0.lock().unwrap().push(serde_json::from_slice(body)?);
        Ok(())
    }
}

/// Queues of one account.
pub(crate) struct World {
    pub(crate) queues: Queues,
    pub(crate) sqs: Client,
    pub(crate) names: Names,
    pub(crate) endpoint: Endpoint,
    /// Of [`World::queues`].
    pub(crate) requests: Requests,
}

impl World {
    /// As the template makes them, but that a received message comes back after a second.
    pub(crate) async fn fresh() -> Self {
        let endpoint = Ministack::shared().unwrap_or_else(|error| panic!("{error}")).fresh();
        let sqs = client(&endpoint, &endpoint.url, None);
        let mut names = Names::default();
        for queue in Queue::ALL {
            let dead = format!("{queue}-dead");
            let dead_url = sqs.create_queue().queue_name(&dead).send().await.unwrap().queue_url.unwrap();
            let arn = format!("arn:aws:sqs:{}:{}:{dead}", endpoint.region, endpoint.access_key);
            let redrive =
                format!("{{\"deadLetterTargetArn\":\"{arn}\",\"maxReceiveCount\":{MOST_RECEIVES}}}");
            let made = sqs
                .create_queue()
                .queue_name(queue.as_str())
                .attributes(QueueAttributeName::VisibilityTimeout, "1")
                .attributes(QueueAttributeName::RedrivePolicy, redrive);
            let url = made.send().await.unwrap().queue_url.unwrap();
            names = names.with(Resource::Queue(queue), url).with(Resource::DeadLetters(queue), dead_url);
        }
        let requests = Requests::default();
        let client = client(&endpoint, &endpoint.url, Some(requests.clone()));
        let queues = Queues::new(client, names.clone(), Arc::new(Noon));
        Self { queues, sqs, names, endpoint, requests }
    }

    /// The same queues, called through a proxy.
    pub(crate) async fn behind_proxy() -> (Self, Proxy) {
        let mut world = Self::fresh().await;
        let proxy = Proxy::start(world.endpoint.url.as_str()).await.unwrap();
        world.queues = world.another(&proxy.url());
        (world, proxy)
    }

    /// The same queues, as another process has them.
    pub(crate) fn another(&self, url: &str) -> Queues {
        let client = client(&self.endpoint, url, Some(self.requests.clone()));
        Queues::new(client, self.names.clone(), Arc::new(Noon))
    }

    pub(crate) fn url(&self, resource: Resource) -> &str {
        self.names.get(resource).unwrap()
    }

    /// One receive, with everything that goes along with a message.
    pub(crate) async fn receive(&self, resource: Resource, hidden_seconds: i32) -> Vec<Message> {
        self.sqs
            .receive_message()
            .queue_url(self.url(resource))
            .max_number_of_messages(10)
            .visibility_timeout(hidden_seconds)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .unwrap()
            .messages
            .unwrap_or_default()
    }

    /// Everything that can be received, taken off.
    pub(crate) async fn drain(&self, resource: Resource) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            let received = self.receive(resource, 60).await;
            if received.is_empty() {
                return all;
            }
            for message in &received {
                self.delete(resource, message).await;
            }
            all.extend(received);
        }
    }

    /// As [`World::drain`], the bodies alone, sorted.
    pub(crate) async fn bodies(&self, queue: Queue) -> Vec<String> {
        let drained = self.drain(Resource::Queue(queue)).await;
        let mut bodies: Vec<String> = drained.into_iter().map(|message| message.body.unwrap()).collect();
        bodies.sort();
        bodies
    }

    pub(crate) async fn delete(&self, resource: Resource, message: &Message) {
        let handle = message.receipt_handle().unwrap();
        self.sqs.delete_message().queue_url(self.url(resource)).receipt_handle(handle).send().await.unwrap();
    }

    pub(crate) async fn delete_queue(&self, resource: Resource) {
        self.sqs.delete_queue().queue_url(self.url(resource)).send().await.unwrap();
    }

    /// How many messages are visible, and how many hidden.
    pub(crate) async fn counts(&self, resource: Resource) -> (u64, u64) {
        let (visible, hidden) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let asked = self.sqs.get_queue_attributes().queue_url(self.url(resource));
        let asked = asked.attribute_names(visible.clone()).attribute_names(hidden.clone());
        let counts: HashMap<_, _> = asked.send().await.unwrap().attributes.unwrap();
        let count = |name| counts.get(name).unwrap().parse().unwrap();
        (count(&visible), count(&hidden))
    }

    /// Buries letters of these numbers.
    pub(crate) async fn bury(&self, queue: Queue, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.queues.bury(queue, buried(number)).await.unwrap();
        }
    }

    /// Receives the messages of a queue so often that SQS moves them to the dead letters; gives the letters.
    pub(crate) async fn use_receives_up(
        &self,
        queue: Queue,
        letters: usize,
    ) -> Vec<sluice_domain::reconciliation::DeadLetter> {
        let moved = until_async(DEADLINE, async || {
            self.receive(Resource::Queue(queue), 0).await;
            let found = self.queues.given_up(queue, None).await.unwrap().items;
            (found.len() == letters).then_some(found)
        });
        moved.await.unwrap()
    }
}

/// A letter with a trace.
pub(crate) fn buried(number: u32) -> BuriedMessage {
    BuriedMessage {
        body: sluice_ports::conformance::samples::body(number),
        trace_id: Some(sluice_ports::conformance::samples::trace(number)),
        code: "malformed_message".into(),
        detail: "expected an event, got a number".into(),
    }
}

/// A message attribute's text.
pub(crate) fn text<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.message_attributes()?.get(name)?.string_value()
}

fn client(endpoint: &Endpoint, url: &str, requests: Option<Requests>) -> Client {
    let credentials =
        Credentials::new(endpoint.access_key.as_str(), endpoint.secret_key.as_str(), None, None, "test");
    let mut config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(endpoint.region.clone()))
        .credentials_provider(credentials)
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    if let Some(requests) = requests {
        config.push_interceptor(SharedInterceptor::new(requests));
    }
    Client::from_conf(config.build())
}
