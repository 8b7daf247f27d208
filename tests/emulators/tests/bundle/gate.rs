//! The whole gate in this process over the adapters of AWS: every handler with a connection of its own through one proxy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use bucket_assignment::BucketAssignment;
use channel_dispatch::ChannelDispatch;
use compliance_check::ComplianceCheck;
use content_safety::ContentSafety;
use nightly_reconciliation::NightlyReconciliation;
use serde_json::{Value, json};
use sluice::demo::callbacks::{CONSENTS, Callback, Tamper};
use sluice::demo::world::{World, standing_consent};
use sluice_aws::{
    Connection, ConnectionParts, KeyPlace, KmsHeadSigner, KmsKeyRing, Making, ManagedSecrets, Names, Patience,
};
use sluice_aws::{LockMode, Queues, ReportsPlace, Resource, S3Reports, Store, Tables};
use sluice_censor::Censor;
use sluice_channels::{Channels, Endpoints, HyperClient};
use sluice_domain::id::TenantId;
use sluice_domain::link::customer_channel;
use sluice_domain::review::{Ballot, ReviewerName, Says, StateName, Voter, Why};
use sluice_domain::settings::Settings;
use sluice_domain::time::BusinessDay;
use sluice_embedded::SystemEntropy;
use sluice_emulators::proxy::Proxy;
use sluice_emulators::{Dynoxide, Endpoint, Ministack, Wire};
use sluice_ports::{AuditLog as _, Clock, ConsentStore as _, Entropy, KeyRing as _, Queue};
use sluice_review::{Desk, View, Which};
use sluice_simulators::{Running, Simulators};
use sluice_steps::Stage;
use sluice_telemetry::Metrics;
use webhook_verify::{RawRequest, WebhookVerify};

use crate::clock::TestClock;
use crate::poller::{Poller, Remembering};
use crate::stack::Stack;

/// Attempts as on Lambda, but no long pauses: what is tested is what follows from a fault, not how long one waits.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(1),
    attempt: Duration::from_secs(1),
    operation: Duration::from_secs(5),
    pause: Duration::from_millis(2),
    idle: Duration::from_secs(50),
};
/// Rounds after which the queues must be empty; a message may fail eight times, and each failure takes a round.
const MOST_ROUNDS: usize = 200;

type AwsStore = Store<Queues>;
type Door =
    WebhookVerify<Arc<Settings>, AwsStore, KmsKeyRing, ManagedSecrets, TestClock, SystemEntropy, Sender>;
type Check = ComplianceCheck<AwsStore, KmsKeyRing, TestClock>;
type Assign = BucketAssignment<AwsStore, KmsKeyRing, TestClock>;
type Safety = ContentSafety<AwsStore, KmsKeyRing, TestClock, HyperClient, ManagedSecrets>;
type PlatformCensor = Censor<HyperClient, ManagedSecrets, TestClock>;
type Sender = Channels<HyperClient, ManagedSecrets, TestClock>;
type Dispatch = ChannelDispatch<AwsStore, KmsKeyRing, Sender, TestClock, SystemEntropy>;
type Night = NightlyReconciliation<AwsStore, S3Reports, KmsHeadSigner, TestClock>;

pub(crate) struct Gate {
    pub(crate) proxy: Proxy,
    pub(crate) stack: Stack,
    pub(crate) simulators: Running,
    pub(crate) clock: TestClock,
    pub(crate) settings: Arc<Settings>,
    pub(crate) wire: Wire,
    world: World,
    door: Door,
    check: Check,
    assign: Assign,
    dispatch: Dispatch,
    safety: Safety,
    night: Night,
    pollers: BTreeMap<Queue, Poller>,
    dynamodb: Dynoxide,
}

/// What one function's handler is made of.
struct Parts {
    connection: Connection,
    names: Names,
    store: AwsStore,
    keys: KmsKeyRing,
    secrets: ManagedSecrets,
}

/// The sender of one function.
fn sender(simulators: &Running, parts: &Parts, clock: &TestClock) -> Sender {
    let Running { feishu_url, wecom_url, wechat_url, .. } = simulators;
    let endpoints = Endpoints::new(&**feishu_url, &**wecom_url, &**wechat_url).unwrap();
    let http = HyperClient::new().unwrap();
    let (store, keys) = (parts.store.clone(), parts.keys.clone());
    Channels::new(endpoints, http, parts.secrets.clone(), clock.clone()).sharing(store, keys, SystemEntropy)
}

fn censor(simulators: &Running, secrets: ManagedSecrets, clock: &TestClock) -> PlatformCensor {
    let endpoints = sluice_censor::Endpoints::new(&simulators.douyin_url, &simulators.toutiao_url).unwrap();
    Censor::new(endpoints, HyperClient::new().unwrap(), secrets, clock.clone())
}

impl Gate {
    /// A fresh account with everything in it, the demo's secrets and standing consents, and cold handlers.
    pub(crate) async fn set() -> Self {
        let (gate, account) = Self::set_without_consents().await;
        gate.grant_standing_consents(&account).await;
        gate.proxy.forget();
        gate
    }

    /// As [`Gate::set`], before anybody consented or called: no tenant has keys yet.
    pub(crate) async fn set_without_consents() -> (Self, Endpoint) {
        Self::set_with(sluice_settings::load_bundle(&sluice::builtin::bundle()).unwrap()).await
    }

    /// As [`Gate::set_without_consents`], with another configuration than the demo's.
    pub(crate) async fn set_with(settings: Settings) -> (Self, Endpoint) {
        let ministack = Ministack::shared().unwrap().fresh();
        let dynamodb = Dynoxide::start().unwrap();
        let wire = Wire::new(ministack.clone());
        let stack = Stack::make(&Wire::new(dynamodb.endpoint()), &wire).await;
        let tables = (sluice_emulators::proxy::Service::DynamoDb, dynamodb.url().to_owned());
        let proxy = Proxy::start_with(ministack.url.clone(), [tables]).await.unwrap();
        let settings = Arc::new(settings);
        let world = World::new(&settings, &SystemEntropy);
        let simulators = Simulators::start(world.platforms(&settings)).await.unwrap();
        let clock = TestClock(simulators.clock());
        for (tenant, name, secret) in world.secrets() {
            keep_secret(&wire, &format!("sluice/{tenant}/{name}"), secret).await;
        }
        let parts = |function: &str, making| {
            Parts::of(function, making, PATIENCE, &stack, &proxy, &ministack, &clock)
        };
        let metrics = Metrics::default;
        let door = parts("webhook-verify", Making::OnFirstUse);
        let check = parts("compliance-check", Making::Never);
        let assign = parts("bucket-assignment", Making::Never);
        let dispatch = parts("channel-dispatch", Making::Never);
        let safety = parts("content-safety", Making::Never);
        let night = parts("nightly-reconciliation", Making::Never);
        let (greeter, sender) = (sender(&simulators, &door, &clock), sender(&simulators, &dispatch, &clock));
        let (reports, signer) = (night.reports(&clock), night.head_signer(&clock));
        let settings_of = || Arc::clone(&settings);
        let gate = Self {
            door: WebhookVerify {
                settings: settings_of(),
                intake: door.store,
                keys: door.keys,
                secrets: door.secrets,
                clock: clock.clone(),
                entropy: SystemEntropy,
                greeter,
                metrics: metrics(),
            },
            check: ComplianceCheck {
                settings: settings_of(),
                store: check.store,
                keys: check.keys,
                clock: clock.clone(),
                metrics: metrics(),
            },
            assign: BucketAssignment {
                settings: settings_of(),
                store: assign.store,
                keys: assign.keys,
                clock: clock.clone(),
                metrics: metrics(),
            },
            dispatch: ChannelDispatch {
                settings: settings_of(),
                store: dispatch.store,
                keys: dispatch.keys,
                sender,
                clock: clock.clone(),
                entropy: SystemEntropy,
                metrics: metrics(),
            },
            safety: ContentSafety {
                settings: settings_of(),
                store: safety.store,
                keys: safety.keys,
                censor: censor(&simulators, safety.secrets, &clock),
                clock: clock.clone(),
                metrics: metrics(),
            },
            night: NightlyReconciliation::new(
                settings_of(),
                night.store,
                reports,
                signer,
                clock.clone(),
                metrics(),
            ),
            pollers: [
                (Queue::Events, "EventsQueue"),
                (Queue::Cleared, "ClearedQueue"),
                (Queue::Assigned, "AssignedQueue"),
                (Queue::Checks, "ChecksQueue"),
            ]
            .map(|(queue, id)| (queue, Poller::new(wire.clone(), stack.physical[id].clone())))
            .into(),
            proxy,
            stack,
            simulators,
            clock,
            settings,
            wire,
            world,
            dynamodb,
        };
        gate.proxy.shorten_polls();
        (gate, ministack)
    }

    /// Consents that stood before; written by somebody who is no function.
    pub(crate) async fn grant_standing_consents(&self, endpoint: &Endpoint) {
        let part = |function| {
            Parts::of(
                function,
                Making::OnFirstUse,
                Patience::STEP,
                &self.stack,
                &self.proxy,
                endpoint,
                &self.clock,
            )
        };
        let (operator, tables) = (part("webhook-verify"), part("compliance-check").store);
        for (tenant, person, recipient) in CONSENTS {
            let tenant = TenantId::new(tenant).unwrap();
            let person = operator.keys.keys(&tenant).await.unwrap().person(person);
            let record = standing_consent(tenant, person, recipient, self.clock.now()).unwrap();
            tables.grant(record).await.unwrap();
        }
    }

    /// Calls back as the platform does: signs, sends, and sends again until it is answered as it should be.
    pub(crate) async fn call(&self, callback: &Callback) {
        for _ in 0..10 {
            let (_, signed) = self.world.signed(&self.settings, callback, self.clock.now()).unwrap();
            let headers: Vec<_> =
                signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
            let query: Vec<_> = signed.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let (path, query) = (format!("/callbacks/{}", callback.source), query.join("&"));
            let request = RawRequest {
                method: callback.method,
                path: &path,
                query: &query,
                headers: &headers,
                body: &signed.body,
                source_ip: None,
            };
            // Boxed, as the programs do: it is large.
            let status = Box::pin(self.door.handle_raw(request)).await.status;
            if status == callback.status {
                return;
            }
            assert!(status >= 500, "`{}` is answered with {status}", callback.title);
            // The platform calls again a little later.
            self.clock.reach(self.clock.now().plus_ms(10_000));
        }
        panic!("`{}` was never taken", callback.title);
    }

    /// What a person is called in records.
    pub(crate) async fn person(&self, tenant: &str, open_id: &str) -> String {
        let keys = self.check.keys.keys(&TenantId::new(tenant).unwrap()).await.unwrap();
        keys.person(open_id).as_str().to_owned()
    }

    /// Opens the connections as the programs do when they start.
    pub(crate) async fn warm(&self) {
        self.door.intake.queues.warm(Queue::Events).await.unwrap();
        self.check.store.queues.warm(Queue::Events).await.unwrap();
        self.assign.store.queues.warm(Queue::Cleared).await.unwrap();
        self.dispatch.store.queues.warm(Queue::Assigned).await.unwrap();
        self.safety.store.queues.warm(Queue::Checks).await.unwrap();
    }

    /// Puts a message on a queue that no step can read.
    pub(crate) async fn poison(&self, queue: &str) {
        let body = json!({ "QueueUrl": self.stack.physical[queue], "MessageBody": "not what a step reads" });
        self.wire.json("sqs", "AmazonSQS.SendMessage", &body).await.unwrap();
    }

    /// Lets the steps work until nothing is left; what waits for a moment is waited for by the clock.
    pub(crate) async fn settle(&self) {
        for _ in 0..MOST_ROUNDS {
            let mut worked = false;
            for queue in Queue::ALL {
                worked |= self.work(queue).await;
            }
            if worked {
                continue;
            }
            let Some(due) = self.pollers.values().filter_map(Poller::next_due).min() else { return };
            self.clock.reach(due);
            for poller in self.pollers.values() {
                poller.release(self.clock.now()).await;
            }
        }
        panic!("the queues are not empty after {MOST_ROUNDS} rounds\n{}", self.proxy.recording());
    }

    /// One batch of one queue.
    pub(crate) async fn work(&self, queue: Queue) -> bool {
        match queue {
            Queue::Events => self.step(&self.check, &self.check.store).await,
            Queue::Cleared => self.step(&self.assign, &self.assign.store).await,
            Queue::Assigned => self.step(&self.dispatch, &self.dispatch.store).await,
            Queue::Checks => self.step(&self.safety, &self.safety.store).await,
        }
    }

    /// One batch of a stage's inbox; says whether there was one.
    async fn step<S: Stage>(&self, stage: &S, store: &AwsStore) -> bool {
        let poller = &self.pollers[&S::INBOX];
        let Some(event) = poller.receive().await else { return false };
        let inbox = Remembering { inbox: store, postponed: &poller.postponed, clock: &self.clock };
        let given: SqsEvent = event.clone();
        let metrics = Metrics::default();
        let run = sluice_steps::run(stage, &inbox, &self.clock, &metrics, given);
        let response = Box::pin(run).await;
        poller.settle(&event, &response, self.clock.now()).await;
        true
    }

    /// The night's run, repeated as the schedule repeats it; then the reports that it stored, by tenant.
    pub(crate) async fn reconcile(&self) -> Vec<Value> {
        self.reconcile_day(self.clock.now().business_day()).await
    }

    /// The night's run for a day.
    pub(crate) async fn reconcile_day(&self, today: BusinessDay) -> Vec<Value> {
        let event = json!({
            "version": "0", "id": "test", "detail-type": "Scheduled Event", "source": "sluice.operator", "account": "0",
            "time": "2026-11-21T00:00:00Z", "region": "us-east-1", "resources": [], "detail": { "day": today },
        });
        let mut failed = Vec::new();
        for _ in 0..4 {
            let scheduled = serde_json::from_value(event.clone()).unwrap();
            match Box::pin(self.night.handle_and_erase(scheduled, &SystemEntropy)).await {
                Ok(_) => {
                    let mut reports = Vec::new();
                    for tenant in self.settings.tenants.keys() {
                        let bucket = &self.stack.physical["ReportsBucket"];
                        let path = format!("/{bucket}/reports/{tenant}/{today}/report.json");
                        let report = self.wire.rest("s3", &http::Method::GET, &path, &[], "").await.unwrap();
                        reports.push(serde_json::from_slice(report.body()).unwrap());
                    }
                    return reports;
                }
                Err(error) => failed.push(error.to_string()),
            }
        }
        panic!("reconciliation failed four times: {failed:?}");
    }

    /// Receives the next batch of a queue and fails it whole, as a function that crashes does; says whether there was one.
    pub(crate) async fn crash(&self, queue: Queue) -> bool {
        let poller = &self.pollers[&queue];
        match poller.receive().await {
            Some(event) => poller.crash(&event).await,
            None => return false,
        }
        true
    }

    /// To the tables, past the proxy: for whoever has an administrator's role.
    pub(crate) fn tables(&self) -> Wire {
        Wire::new(self.dynamodb.endpoint())
    }

    /// What an auditor reads with, as the night does.
    pub(crate) fn auditor(&self, account: &Endpoint) -> (AwsStore, S3Reports, KmsHeadSigner) {
        let (stack, proxy, clock) = (&self.stack, &self.proxy, &self.clock);
        let parts =
            Parts::of("nightly-reconciliation", Making::Never, Patience::STEP, stack, proxy, account, clock);
        let (reports, signer) = (parts.reports(clock), parts.head_signer(clock));
        (parts.store, reports, signer)
    }

    /// A reviewer comes by and says yes or no to what `says` has an answer for; everything else goes on waiting. Gives what they saw.
    pub(crate) async fn review(&self, account: &Endpoint, says: impl Fn(&View) -> Option<Says>) -> Vec<View> {
        let (stack, proxy, clock) = (&self.stack, &self.proxy, &self.clock);
        let Parts { store, .. } =
            Parts::of("reviewer", Making::Never, Patience::STEP, stack, proxy, account, clock);
        let desk = Desk { store: &store, keys: &self.check.keys, now: clock.now() };
        let mut seen = Vec::new();
        for tenant in self.settings.tenants.keys() {
            for view in desk.list(tenant, StateName::Open).await.unwrap() {
                if let Some(says) = says(&view) {
                    let by = Voter::Person { name: ReviewerName::new("王芳").unwrap() };
                    let ballot = Ballot { by, says, why: Why::new("看过").unwrap() };
                    let which =
                        Which { tenant: tenant.clone(), trace: view.trace_id, point: Some(view.point) };
                    desk.vote(&which, ballot).await.unwrap();
                }
                seen.push(view);
            }
        }
        seen
    }

    /// Somebody whose event was decided adds a member of staff by the link of a message, and leaves again.
    pub(crate) async fn come_and_go(&self, account: &Endpoint) {
        let (stack, proxy, clock) = (&self.stack, &self.proxy, &self.clock);
        let Parts { store, .. } =
            Parts::of("reviewer", Making::Never, Patience::STEP, stack, proxy, account, clock);
        let tenant = TenantId::new("demo-brand").unwrap();
        let decided = store.audits(&tenant, clock.now().business_day(), None).await.unwrap().items;
        let trace = decided.iter().find(|record| record.person.is_some()).unwrap().trace_id;
        let state = customer_channel(&self.check.keys.keys(&tenant).await.unwrap(), trace);
        self.simulators.wecom_customer_adds("welcome-1");
        for (change, title) in
            [("add_external_contact", "contact added"), ("del_follow_user", "contact left")]
        {
            let body = format!(
                "<xml><CreateTime>{}</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>{change}</ChangeType><ExternalUserID>wo1</ExternalUserID><State>{state}</State><WelcomeCode>welcome-1</WelcomeCode></xml>",
                clock.now().as_secs()
            );
            let source = "wecom-contacts";
            let (method, tamper) = ("POST", Tamper::Genuine);
            let query = Vec::new();
            let callback =
                Callback { title, source, method, body, query, message_id: None, tamper, status: 200 };
            self.call(&callback).await;
            self.settle().await;
        }
        let welcomed = self.simulators.seen().into_iter().filter(|seen| seen.api == "welcome").count();
        assert_eq!(welcomed, 1, "before their callback was answered");
    }

    /// How many messages lie in a queue or dead-letter queue.
    pub(crate) async fn depth(&self, id: &str) -> u64 {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let asked = json!({ "QueueUrl": self.stack.physical[id], "AttributeNames": names });
        let answer: Value = self.wire.json("sqs", "AmazonSQS.GetQueueAttributes", &asked).await.unwrap();
        names.iter().map(|name| answer["Attributes"][name].as_str().unwrap().parse::<u64>().unwrap()).sum()
    }
}

impl Parts {
    fn of(
        function: &str,
        making: Making,
        patience: Patience,
        stack: &Stack,
        proxy: &Proxy,
        account: &Endpoint,
        clock: &TestClock,
    ) -> Self {
        let mut parts =
            ConnectionParts::at(proxy.url(), &*account.region, &*account.access_key, &*account.secret_key);
        parts.app_name = Some(function.to_owned());
        parts.patience = patience;
        let connection = Connection::new(parts).unwrap();
        let variables = stack.variables(function);
        let variable = |name: &str| variables.get(name).cloned();
        let names = Names::from_variables(&[], variable).unwrap();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let place = KeyPlace {
            table: names.get(Resource::KeysTable).unwrap_or_default().to_owned(),
            kms_key: names.get(Resource::KmsKey).unwrap_or_default().to_owned(),
            retired: Vec::new(),
        };
        let keys =
            KmsKeyRing::new(connection.kms(), connection.dynamodb(), place, making, Arc::clone(&shared));
        let secrets = ManagedSecrets::new(connection.secrets(), "sluice", Arc::clone(&shared));
        let tables = Tables::new(connection.dynamodb(), names.clone(), Arc::clone(&shared), entropy);
        let queues = Queues::new(connection.sqs(), names.clone(), shared);
        Self { store: Store { tables, queues }, connection, names, keys, secrets }
    }

    fn reports(&self, clock: &TestClock) -> S3Reports {
        let place = ReportsPlace {
            reports: self.names.get(Resource::ReportsBucket).unwrap().to_owned(),
            digests: self.names.get(Resource::DigestsBucket).unwrap().to_owned(),
            lock: LockMode::Governance,
            keep_days: 1,
        };
        S3Reports::new(self.connection.s3(), place, Arc::new(clock.clone()))
    }

    fn head_signer(&self, clock: &TestClock) -> KmsHeadSigner {
        let key = self.names.get(Resource::AuditKey).unwrap();
        KmsHeadSigner::new(self.connection.kms(), key, Vec::new(), Arc::new(clock.clone()))
    }
}

async fn keep_secret(wire: &Wire, name: &str, secret: &str) {
    let body = json!({ "Name": name, "SecretString": secret, "ClientRequestToken": "0".repeat(32) });
    wire.json("secretsmanager", "secretsmanager.CreateSecret", &body).await.unwrap();
}
