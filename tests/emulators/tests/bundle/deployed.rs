//! The stack as `template.yaml` says it, run by ministack: callbacks in over HTTP, real event source mappings between the steps,
//! simulated platforms at the end. The demo comes to the same totals as in one process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::workload::{assert_seen_once, callbacks_of, sum};
use serde_json::{Value, json};
use sluice::client::GateClient;
use sluice::demo::callbacks::{self, CONSENTS, Callback};
use sluice::demo::world::{World, standing_consent};
use sluice::output::Json;
use sluice_aws::{Connection, ConnectionParts, KeyPlace, KmsKeyRing, Making, Names, Queues, Store, Tables};
use sluice_domain::audit::{PublicKey, SignedHead, TrustedKeys};
use sluice_domain::id::TenantId;
use sluice_domain::settings::Settings;
use sluice_domain::time::BusinessDay;
use sluice_embedded::{SystemClock, SystemEntropy};
use sluice_emulators::deploy::{Binaries, Deployment, deploy, workspace};
use sluice_emulators::front::{Front, invoke};
use sluice_emulators::proxy::{Fault, Proxy, Rule, Service};
use sluice_emulators::{Endpoint, Ministack, Wire, until_async};
use sluice_ports::{Clock as _, ConsentStore as _, KeyRing as _};
use sluice_simulators::{
    Fault as ChannelFault, FaultEffect, FaultTimes, Place, Platform, Running, Simulators,
};

/// The queues between the steps, by their logical ids.
const QUEUES: [&str; 4] = ["ChecksQueue", "EventsQueue", "ClearedQueue", "AssignedQueue"];
const DEAD_LETTERS: [&str; 4] =
    ["ChecksDeadLetters", "EventsDeadLetters", "ClearedDeadLetters", "AssignedDeadLetters"];
/// Everything that is played must be settled by then; one message waits a minute for its platform.
const SETTLED_WITHIN: Duration = Duration::from_secs(170);

/// The deployed stack and its surroundings.
pub(crate) struct Bundle {
    pub(crate) deployed: Deployment,
    proxy: Proxy,
    pub(crate) simulators: Running,
    pub(crate) settings: Arc<Settings>,
    world: World,
    gate: GateClient,
    wire: Wire,
    ministack: Ministack,
    pub(crate) account: Endpoint,
    _front: Front,
}

impl Bundle {
    pub(crate) async fn deploy() -> Self {
        let settings = Arc::new(sluice_settings::load_bundle(&sluice::builtin::bundle()).unwrap());
        let world = World::new(&settings, &SystemEntropy);
        let simulators = Simulators::start(world.platforms(&settings)).await.unwrap();
        // The functions inherit ministack's environment, so both addresses must be known before it starts.
        let proxy = Proxy::start("http://127.0.0.1:9").await.unwrap();
        let Running { feishu_url, wecom_url, wechat_url, douyin_url, toutiao_url, .. } = &simulators;
        let channels = format!("feishu={feishu_url},wecom={wecom_url},wechat={wechat_url}");
        let ministack = Ministack::start(&[
            ("AWS_ENDPOINT_URL".to_owned(), proxy.url()),
            ("SLUICE_CHANNEL_ENDPOINTS".to_owned(), channels),
            ("SLUICE_CENSOR_ENDPOINTS".to_owned(), format!("douyin={douyin_url},toutiao={toutiao_url}")),
        ]);
        let ministack = ministack.unwrap();
        proxy.forward_to(ministack.url());
        let account = ministack.fresh();
        // ministack mounts no layer at /opt, so the configuration comes from the stack's own bucket: a parameter of the template.
        let parameters = [("ConfigurationFrom", "bucket"), ("SecretsPrefix", "sluice")];
        let deployed = deploy(&account, "sluice", &Binaries::build().unwrap(), &parameters).await.unwrap();
        let wire = Wire::new(account.clone());
        for (tenant, name, secret) in world.secrets() {
            let body = json!({
                "Name": format!("sluice/{tenant}/{name}"), "SecretString": secret, "ClientRequestToken": "0".repeat(32),
            });
            wire.json("secretsmanager", "secretsmanager.CreateSecret", &body).await.unwrap();
        }
        let front = Front::start(&account, deployed.resource("WebhookVerify")).await.unwrap();
        let gate = GateClient::new(front.url());
        let bundle = Self {
            deployed,
            proxy,
            simulators,
            settings,
            world,
            gate,
            wire,
            ministack,
            account,
            _front: front,
        };
        bundle.publish_configuration().await;
        bundle.grant_standing_consents().await;
        bundle
    }

    fn connection(account: &Endpoint) -> Connection {
        let Endpoint { url, region, access_key, secret_key } = account;
        Connection::new(ConnectionParts::at(url, region, access_key, secret_key)).unwrap()
    }

    async fn publish_configuration(&self) {
        let address = format!("s3://{}/config", self.deployed.resource("ConfigBucket"));
        let s3 = Self::connection(&self.account).s3();
        let directory = workspace().join("config");
        sluice_aws::settings::publish(&directory, &address, "test-1", s3, SystemClock.now()).await.unwrap();
    }

    async fn grant_standing_consents(&self) {
        let account = &self.account;
        let connection = Self::connection(account);
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let of = |id| self.deployed.resource(id).to_owned();
        let key = format!("arn:aws:kms:{}:{}:key/{}", account.region, account.access_key, of("Key"));
        let variable = |name: &str| match name {
            "SLUICE_TABLE_CONSENT" => Some(of("ConsentTable")),
            _ => None,
        };
        let names = Names::from_variables(&[], variable).unwrap();
        let place = KeyPlace { table: of("KeysTable"), kms_key: key, retired: Vec::new() };
        let (kms, dynamodb) = (connection.kms(), connection.dynamodb());
        let keys = KmsKeyRing::new(kms, dynamodb, place, Making::OnFirstUse, clock.clone());
        let tables = Tables::new(connection.dynamodb(), names.clone(), clock.clone(), entropy);
        let store = Store { tables, queues: Queues::new(connection.sqs(), names, clock) };
        for (tenant, person, recipient) in CONSENTS {
            let tenant = TenantId::new(tenant).unwrap();
            let person = keys.keys(&tenant).await.unwrap().person(person);
            let record = standing_consent(tenant, person, recipient, SystemClock.now()).unwrap();
            store.grant(record).await.unwrap();
        }
    }

    /// Calls back, as often as it takes: a platform repeats what was answered with 5xx.
    pub(crate) async fn call(&self, callback: &Callback) {
        for _ in 0..10 {
            let (_, signed) = self.world.signed(&self.settings, callback, SystemClock.now()).unwrap();
            let answer = self.gate.send(callback.source, callback.method, signed).await.unwrap();
            let status = answer.status.as_u16();
            if status == callback.status {
                return;
            }
            assert!(
                status >= 500,
                "`{}` is answered with {status}: {}",
                callback.title,
                self.ministack.last_words()
            );
        }
        panic!("`{}` was never taken\n{}", callback.title, self.ministack.last_words());
    }

    pub(crate) async fn play(&self, plan: &[Callback]) {
        for callback in plan {
            self.call(callback).await;
        }
    }

    /// Messages of a queue: visible and received.
    async fn depth(&self, queue: &str) -> [u64; 2] {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let asked = json!({ "QueueUrl": self.deployed.resource(queue), "AttributeNames": names });
        let answer = self.wire.json("sqs", "AmazonSQS.GetQueueAttributes", &asked).await.unwrap();
        names.map(|name| answer["Attributes"][name].as_str().unwrap().parse().unwrap())
    }

    /// Waits until the queues hold nothing but, at most, `held` messages that wait for their moment.
    pub(crate) async fn settled(&self, held: u64) {
        let mut calm = 0;
        let settled = until_async(SETTLED_WITHIN, async || {
            let mut waiting = 0;
            for queue in QUEUES {
                let [visible, received] = self.depth(queue).await;
                // A step that works leaves its message received until it is done, so only the last queue may hold some.
                waiting += if queue == "AssignedQueue" {
                    visible * 1_000 + received
                } else {
                    (visible + received) * 1_000
                };
            }
            // Once may be the moment between one queue's send and the other's delete.
            calm = if waiting <= held { calm + 1 } else { 0 };
            (calm > 10).then_some(())
        });
        if settled.await.is_none() {
            let mut depths = BTreeMap::new();
            for queue in QUEUES.into_iter().chain(DEAD_LETTERS) {
                depths.insert(queue, self.depth(queue).await);
            }
            panic!("not settled: {depths:?}\n{}\n{}", self.proxy.recording(), self.ministack.last_words());
        }
    }

    /// Invokes the night for every day from this one to today; the reports as they lie in the bucket.
    pub(crate) async fn nights(&self, since: BusinessDay) -> Vec<Value> {
        let (mut days, today) = (vec![since], SystemClock.now().business_day());
        if today != since {
            days.push(today);
        }
        let mut reports = Vec::new();
        for day in days {
            self.night(&json!({ "day": day })).await;
            for tenant in self.settings.tenants.keys() {
                reports
                    .push(self.object("ReportsBucket", &format!("reports/{tenant}/{day}/report.json")).await);
            }
        }
        reports
    }

    /// Invokes the night as the schedule does; `detail` may name another day than yesterday.
    pub(crate) async fn night(&self, detail: &Value) -> Value {
        let event = json!({
            "version": "0", "id": "test", "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": "0",
            "time": SystemClock.now().to_string(), "region": "us-east-1", "resources": [], "detail": detail,
        });
        let outcome =
            invoke(&self.wire, self.deployed.resource("NightlyReconciliation"), &event).await.unwrap();
        assert_eq!(
            outcome["tenants"].as_array().map(Vec::len),
            Some(self.settings.tenants.len()),
            "{outcome}"
        );
        outcome
    }

    /// A document in one of the stack's buckets.
    async fn object(&self, bucket: &str, key: &str) -> Value {
        serde_json::from_slice(&self.bytes(bucket, key).await).unwrap()
    }

    async fn bytes(&self, bucket: &str, key: &str) -> Vec<u8> {
        let path = format!("/{}/{key}", self.deployed.resource(bucket));
        let object = self.wire.rest("s3", &http::Method::GET, &path, &[], "").await.unwrap();
        object.body().to_vec()
    }

    /// The key that whoever checks heads was given.
    async fn audit_key(&self) -> TrustedKeys {
        let asked = json!({ "KeyId": self.deployed.resource("AuditKey") });
        let key = self.wire.json("kms", "TrentService.GetPublicKey", &asked).await.unwrap();
        TrustedKeys::new(vec![PublicKey::from_text(key["PublicKey"].as_str().unwrap()).unwrap()])
    }

    /// The next send to WeCom is answered with 45009: wait at least a minute.
    fn throttle_wecom(&self) {
        self.simulators.inject(ChannelFault {
            platform: Platform::Wecom,
            place: Place::Send,
            effect: FaultEffect::Code { code: 45_009, status: 200 },
            times: FaultTimes::Next(1),
        });
    }
}

/// What the demo comes to in one process.
async fn demo_in_one_process() -> BTreeMap<String, u64> {
    let output = sluice::demo::run(&sluice::cli::Demo { keep: None, html: None }, true).await.unwrap();
    let Json::One(json) = output.json else { panic!("the demo answers with one document") };
    assert_eq!(json["ok"], true, "{json}");
    let mut totals: BTreeMap<String, u64> = serde_json::from_value(json["totals"].clone()).unwrap();
    // Nobody reviews what waits in the deployed bundle but the platform's own check.
    for event in json["events"].as_array().unwrap() {
        if event["reason"] == "text_to_check" {
            continue;
        }
        let part = match event["decision"].as_str().unwrap() {
            "review, cleared" | "allow_masked, message cleared" => "delivered",
            "review, rejected" => "rejected",
            _ => continue,
        };
        *totals.get_mut(part).unwrap() -= 1;
        *totals.get_mut("review").unwrap() += 1;
    }
    totals
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_comes_to_the_same_totals_as_in_one_process() {
    let bundle = Bundle::deploy().await;
    let (now, day) = (SystemClock.now().0, SystemClock.now().business_day());
    // First what waits a minute, so that the rest goes on meanwhile.
    bundle.throttle_wecom();
    bundle.play(&callbacks::throttled(now)).await;
    bundle.settled(1).await;
    bundle.play(&callbacks::all(now)).await;
    bundle.settled(1).await;
    bundle.play(&callbacks::endings()).await;
    bundle.settled(1).await;
    bundle.play(&callbacks::afterwards(now)).await;
    bundle.settled(0).await;
    let reports = bundle.nights(day).await;
    assert_eq!(sum(&reports), demo_in_one_process().await, "{reports:#?}");
    let breaks: usize = reports.iter().map(|report| report["breaks"].as_array().unwrap().len()).sum();
    assert_eq!(breaks, 0, "{reports:#?}");
    for queue in DEAD_LETTERS {
        assert_eq!(bundle.depth(queue).await, [0, 0], "{queue}");
    }

    // One message that no step can read, among nine that it can.
    let poison = json!({ "QueueUrl": bundle.deployed.resource("EventsQueue"), "MessageBody": "not what a step reads" });
    bundle.wire.json("sqs", "AmazonSQS.SendMessage", &poison).await.unwrap();
    bundle.settled(0).await;
    assert_eq!(bundle.depth("EventsDeadLetters").await, [1, 0]);

    // The night as it comes by itself is yesterday's; of a day that is over its audit records are sealed.
    let yesterday = SystemClock.now().business_day().previous();
    assert_eq!(bundle.night(&json!({})).await["day"], json!(yesterday));
    let over = yesterday.previous();
    bundle.night(&json!({ "day": over })).await;
    let trusted = bundle.audit_key().await;
    for tenant in bundle.settings.tenants.keys() {
        let digest = bundle.object("DigestsBucket", &format!("digests/{tenant}/{over}.json")).await;
        assert_eq!(digest["head"]["day"], json!(over), "{digest}");
        let signed: SignedHead = serde_json::from_value(digest).unwrap();
        assert_eq!(signed.verify(&trusted), Ok(()));
        let leaves = format!("digests/.leaves/{tenant}/{over}.{}", signed.head.leaves);
        assert_eq!(bundle.bytes("DigestsBucket", &leaves).await, b"sluice-leaves-1\n");
    }

    let schedule = bundle
        .wire
        .rest("scheduler", &http::Method::GET, "/schedules/sluice-nightly", &[], "")
        .await
        .unwrap();
    let schedule: Value = serde_json::from_slice(schedule.body()).unwrap();
    assert_eq!(schedule["ScheduleExpression"], "cron(0 2 * * ? *)", "{schedule}");
    // ministack forgets the time zone; the template's checks hold it.
    assert!(schedule["Target"]["Arn"].as_str().unwrap().contains("nightly-reconciliation"), "{schedule}");
}

/// Every call of every deployed function may fail; queues give messages back after two seconds, so that the test need not wait as long
/// as AWS would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_over_the_deployed_bundle_loses_nothing() {
    let bundle = Bundle::deploy().await;
    for queue in QUEUES {
        let body = json!({ "QueueUrl": bundle.deployed.resource(queue), "Attributes": { "VisibilityTimeout": "2" } });
        bundle.wire.json("sqs", "AmazonSQS.SetQueueAttributes", &body).await.unwrap();
    }
    let storm = [Fault::Throttle, Fault::Status(500), Fault::Reset, Fault::LostAnswer];
    for (number, fault) in (0..).zip(storm) {
        for service in [Service::DynamoDb, Service::Sqs] {
            bundle.proxy.inject(Rule::new(fault).service(service).share(0.05, 40 + number));
        }
    }
    let (now, day) = (SystemClock.now().0, SystemClock.now().business_day());
    bundle.play(&callbacks_of(now)).await;
    bundle.settled(0).await;
    assert!(bundle.proxy.struck() >= 5, "{}", bundle.proxy.recording());
    bundle.proxy.heal();
    let reports = bundle.nights(day).await;
    let sums = sum(&reports);
    for part in ["missing", "waiting", "in_progress", "dead_lettered"] {
        assert_eq!(sums[part], 0, "{part}: {reports:#?}");
    }
    assert!(sums["delivered"] + sums["in_doubt"] >= 5, "{reports:#?}");
    assert_seen_once(&bundle.settings, &bundle.simulators, &reports, "a storm");
    for queue in DEAD_LETTERS {
        assert_eq!(bundle.depth(queue).await, [0, 0], "{queue}");
    }
}
