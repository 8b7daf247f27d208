//! A person is erased while their data lies everywhere, and nothing readable is left in any file of the data directory.

use std::path::Path;
use std::sync::Arc;

use bucket_assignment::BucketAssignment;
use channel_dispatch::{ChannelDispatch, Sender};
use clap::Parser as _;
use compliance_check::ComplianceCheck;
use secrecy::SecretString;
use serde_json::Value;
use sluice::cli::{Cli, Place};
use sluice::exit::Exit;
use sluice::output::{Json, Output};
use sluice::state::{self, State};
use sluice_channels::{Form, Idempotency, Message, SendReport};
use sluice_domain::audit::AuditRecord;
use sluice_domain::consent::{Evidence, Standing, standing};
use sluice_domain::delivery::{DeliveryState, Outcome};
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::event::{Event, EventKind, PersonalField, Subject, Unsealed};
use sluice_domain::id::{ExperimentId, FormId, MessageId, PersonId, SourceId, TenantId, TraceId};
use sluice_domain::money::Fen;
use sluice_domain::order::OrderState;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_embedded::{ManualClock, SystemEntropy};
use sluice_ports::{
    AuditLog as _, BuriedMessage, Clock as _, ConsentStore as _, Deliveries as _, Exposures as _, Inbox as _,
    Intake as _, KeyRing as _, OrderBook as _, Queue,
};
use sluice_steps::Stage as _;
use sluice_telemetry::Metrics;

const NOON: UnixMillis = UnixMillis(1_795_248_000_000);
const CARD: &str = "@72Mq-demo-card";

const OPEN_ID: &str = "open-7b1e-to-be-erased";
const PLAIN: [&str; 4] = [OPEN_ID, "13987654321", "欧阳必忘", "我住在忘川路七号"];

fn tenant() -> TenantId {
    TenantId::new("demo-brand").unwrap()
}

/// An event of somebody; with everything that a form and a message can give away.
fn event(keys: &TenantKeys, number: u8, open_id: &str, kind: EventKind) -> Event {
    let subject = match kind {
        EventKind::FormSubmit => {
            Subject::Form { form_id: FormId::new(CARD).unwrap(), labels: vec!["姓名".into()] }
        }
        EventKind::OrderPaid => Subject::Order(OrderState {
            order_id: format!("order-{number}"),
            part_id: None,
            action: "pay_success".into(),
            status: None,
            amount: Some(Fen(100)),
            changed_at: None,
        }),
        _ => Subject::Nothing,
    };
    let fields = [
        (PersonalField::OpenId, open_id),
        (PersonalField::Phone, PLAIN[1]),
        (PersonalField::Name, PLAIN[2]),
        (PersonalField::Form("地址".into()), PLAIN[3]),
    ];
    let made = Unsealed {
        message: MessageId::new(format!("erase-{number}")).unwrap(),
        kind,
        name: "im_receive_msg".into(),
        occurred_at: None,
        payload_sha256: format!("{number:064x}"),
        person: Some(SecretString::from(open_id)),
        account: None,
        subject,
        personal: fields.into_iter().map(|(field, text)| (field, SecretString::from(text))).collect(),
        welcome_code: None,
    };
    let mut nonce = 0_u8;
    let nonces = || {
        nonce += 1;
        [[number, nonce].as_slice(), &[0; 10]].concat().try_into().unwrap()
    };
    let trace = TraceId::from_parts(NOON, [number; 10]);
    made.seal(&SourceId::new("open-platform").unwrap(), keys, nonces, trace, NOON).unwrap()
}

/// What must not be found any more: sealed values as they are written.
fn sealed(event: &Event) -> Vec<String> {
    let fields = serde_json::to_value(&event.personal).unwrap();
    fields.as_object().unwrap().values().map(|value| value.as_str().unwrap().to_owned()).collect()
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

/// A text that is in every message.
fn anybody() -> PersonId {
    PersonId::new("erase-").unwrap()
}

/// In which files a text is.
fn holders(data: &Path, text: &str) -> Vec<String> {
    let mut all = Vec::new();
    files(data, &mut all);
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    all.into_iter().filter(|(_, bytes)| holds(bytes)).map(|(name, _)| name).collect()
}

#[derive(Clone)]
struct Takes;

impl Sender for Takes {
    fn idempotency(&self, channel: &Channel, form: Form) -> Idempotency {
        sluice_channels::idempotency(channel, form)
    }

    async fn send(&self, _: &TenantId, _: &Destination, _: &Message) -> SendReport {
        SendReport {
            outcome: Outcome::Delivered { provider_id: None },
            code: Some("0".into()),
            message: None,
            provider_log_id: None,
            request_sha256: None,
            endpoint: None,
        }
    }
}

struct World {
    state: State,
    clock: Arc<ManualClock>,
}

impl World {
    async fn open(data: &Path) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let place = Place { config: None, data: data.to_owned(), secrets: None };
        let state = state::open(&place, Arc::<ManualClock>::clone(&clock)).await.unwrap();
        Self { state, clock }
    }

    /// Takes `take` messages of a person off a queue and works on them; the others stay.
    async fn work<T, F>(
        &self,
        queue: Queue,
        (person, take): (&PersonId, usize),
        handle: impl FnOnce(Vec<T>) -> F,
    ) where
        T: serde::de::DeserializeOwned,
        F: Future<Output = usize>,
    {
        let store = &self.state.store;
        let received = store.receive(queue, 100, 1_000).await.unwrap();
        let (mut mine, others): (Vec<_>, Vec<_>) =
            received.into_iter().partition(|message| message.body.contains(person.as_str()));
        let rest = mine.split_off(take.min(mine.len()));
        for message in others.iter().chain(&rest) {
            store.fail(queue, &message.receipt_handle, 0).await.unwrap();
        }
        let inputs = mine.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect();
        assert_eq!(handle(inputs).await, mine.len());
        let handles = mine.into_iter().map(|message| message.receipt_handle).collect();
        store.delete(queue, handles).await.unwrap();
    }

    async fn check(&self, whose: (&PersonId, usize)) {
        let State { settings, store, keys, clock, .. } = self.state.clone();
        let step = ComplianceCheck { settings, store, keys, clock, metrics: Metrics::default() };
        self.work(Queue::Events, whose, async |batch| step.handle(batch).await.into_iter().flatten().count())
            .await;
    }

    async fn assign(&self, whose: (&PersonId, usize)) {
        let State { settings, store, keys, clock, .. } = self.state.clone();
        let step = BucketAssignment { settings, store, keys, clock, metrics: Metrics::default() };
        self.work(Queue::Cleared, whose, async |batch| {
            step.handle(batch).await.into_iter().flatten().count()
        })
        .await;
    }

    async fn dispatch(&self, whose: (&PersonId, usize)) {
        let State { settings, store, keys, clock, .. } = self.state.clone();
        let (sender, entropy) = (Takes, SystemEntropy);
        let step =
            ChannelDispatch { settings, store, keys, sender, clock, entropy, metrics: Metrics::default() };
        self.work(Queue::Assigned, whose, async |batch| {
            step.handle(batch).await.into_iter().flatten().count()
        })
        .await;
    }

    async fn run(&self, argv: &[&str]) -> Output {
        let cli = Cli::parse_from([&["sluice"], argv].concat());
        sluice::command::on_state(&cli.command, None, &self.state).await.unwrap()
    }

    async fn audit(&self, event: &Event) -> AuditRecord {
        self.state.store.audit(&event.key).await.unwrap().unwrap()
    }

    /// The data of a person lies in every table and on every queue, some of it dead.
    async fn live(&self, keys: &TenantKeys, open_id: &str, first: u8) -> Vec<Event> {
        let store = &self.state.store;
        let kinds = [
            EventKind::FormSubmit,
            EventKind::FormSubmit,
            EventKind::FormSubmit,
            EventKind::OrderPaid,
            EventKind::FormSubmit,
            EventKind::FormSubmit,
        ];
        let events: Vec<_> =
            (first..).zip(kinds).map(|(number, kind)| event(keys, number, open_id, kind)).collect();
        store.accept(events[..4].to_vec()).await.unwrap();
        let person = keys.person(open_id);
        self.check((&person, 4)).await;
        self.assign((&person, 2)).await;
        self.dispatch((&person, 1)).await;
        store.accept(vec![events[4].clone()]).await.unwrap();
        let body = serde_json::to_string(&events[5]).unwrap();
        let (code, detail) = ("max_receives".to_owned(), "test".to_owned());
        let letter = BuriedMessage { body, trace_id: Some(events[5].trace_id), code, detail };
        store.bury(Queue::Events, letter).await.unwrap();
        store.flush().await.unwrap();
        events
    }
}

fn report(output: &Output) -> &Value {
    let Json::One(report) = &output.json else { panic!("{:?}", output.json) };
    report
}

#[tokio::test]
async fn nothing_readable_of_an_erased_person_is_left_in_any_file() {
    let data = tempfile::tempdir().unwrap();
    let world = World::open(data.path()).await;
    let keys = world.state.keys.keys(&tenant()).await.unwrap();
    let events = world.live(&keys, OPEN_ID, 1).await;
    let person = keys.person(OPEN_ID);
    let other = world.live(&keys, "open-somebody-else", 101).await;
    // The search finds what is there.
    let waiting: Vec<_> = [1, 2, 4, 5].into_iter().flat_map(|place| sealed(&events[place])).collect();
    for value in &waiting {
        assert_eq!(holders(data.path(), value).len(), 1);
    }
    let audits = [world.audit(&events[0]).await, world.audit(&events[3]).await];

    let file = data.path().join("erasure.json");
    let output = world
        .run(&[
            "consent",
            "erase",
            "--tenant",
            "demo-brand",
            "--open-id",
            OPEN_ID,
            "--report",
            file.to_str().unwrap(),
        ])
        .await;
    output.deliver(true).unwrap();
    assert_eq!(output.exit, Exit::Ok, "{}", output.text);

    for value in events.iter().flat_map(sealed) {
        assert_eq!(holders(data.path(), &value), Vec::<String>::new(), "a sealed value is left");
    }
    for value in PLAIN {
        assert_eq!(holders(data.path(), value), Vec::<String>::new(), "{value}");
    }
    let theirs: Vec<_> = [1, 2, 4, 5].into_iter().flat_map(|place| sealed(&other[place])).collect();
    for value in &theirs {
        assert_eq!(holders(data.path(), value).len(), 1, "another person's data is gone");
    }
    // The report names nobody, and leads to what was put away.
    assert!(!std::fs::read_to_string(&file).unwrap().contains(person.as_str()));
    let report = report(&output);
    let reference = PersonId::new(report["reference"].as_str().unwrap()).unwrap();
    assert_eq!(report["destroyed"]["exposures"], 1);
    assert_eq!(report["emptied_messages"]["queue_events"], 1);
    assert_eq!(report["emptied_messages"]["queue_cleared"], 1);
    assert_eq!(report["emptied_messages"]["queue_assigned"], 1);
    assert_eq!(report["emptied_messages"]["dead_events"], 1);

    unlinked(&world, &events, &person, &reference).await;
    assert_eq!(
        audits,
        [world.audit(&events[0]).await, world.audit(&events[3]).await],
        "evidence was changed"
    );
}

/// Nothing but evidence answers to the person's name; what law says to keep answers to the reference.
async fn unlinked(world: &World, events: &[Event], person: &PersonId, reference: &PersonId) {
    let store = &world.state.store;
    assert_eq!(store.consents_of(&tenant(), person).await.unwrap(), []);
    let kept = store.consents_of(&tenant(), reference).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(standing(kept.first(), world.clock.now()), Standing::Withdrawn);
    assert!(matches!(&kept[0].evidence, Evidence::Event { .. }) && !kept[0].text.sha256.is_empty());
    let experiment = ExperimentId::new("lead-card-2026q4").unwrap();
    assert_eq!(store.exposure(&tenant(), &experiment, person).await.unwrap(), None);
    let delivery = store.delivery(&events[0].key).await.unwrap().unwrap();
    assert_eq!((&delivery.person, delivery.state), (reference, DeliveryState::Delivered));
    let orders = store.orders(&tenant(), NOON.business_day(), None).await.unwrap().items;
    let order = orders.iter().find(|entry| entry.key == events[3].key).unwrap();
    assert_eq!(order.person.as_ref(), Some(reference));
}

#[tokio::test]
async fn what_lay_on_the_queues_runs_out_and_nothing_is_sent() {
    let data = tempfile::tempdir().unwrap();
    let world = World::open(data.path()).await;
    let keys = world.state.keys.keys(&tenant()).await.unwrap();
    let events = world.live(&keys, OPEN_ID, 1).await;
    let output = world.run(&["consent", "erase", "--tenant", "demo-brand", "--open-id", OPEN_ID]).await;
    let reference = PersonId::new(report(&output)["reference"].as_str().unwrap()).unwrap();
    world.check((&anybody(), 10)).await;
    let record = serde_json::to_string(&world.audit(&events[4]).await).unwrap();
    assert!(record.contains("person_unknown"), "{record}");
    world.assign((&reference, 10)).await;
    world.dispatch((&reference, 10)).await;
    for event in &events[1..3] {
        let delivery = world.state.store.delivery(&event.key).await.unwrap().unwrap();
        assert_eq!(delivery.state, DeliveryState::Refused);
        let withheld = Outcome::Withheld { code: "person_erased".into() };
        assert_eq!(delivery.attempts[0].outcome, Some(withheld));
    }
    assert!(world.state.store.consents_of(&tenant(), &keys.person(OPEN_ID)).await.unwrap().is_empty());
}

/// The open platform signs neither id nor time: the same bytes can come again under another id.
#[tokio::test]
async fn a_captured_callback_does_not_bring_an_erased_person_back_and_a_new_form_does() {
    let data = tempfile::tempdir().unwrap();
    let world = World::open(data.path()).await;
    let keys = world.state.keys.keys(&tenant()).await.unwrap();
    let events = world.live(&keys, OPEN_ID, 1).await;
    let erase = ["consent", "erase", "--tenant", "demo-brand", "--open-id", OPEN_ID];
    world.run(&erase).await;
    world.check((&anybody(), 10)).await;
    assert_eq!(world.run(&erase).await.exit, Exit::No, "again there is nothing");
    world.clock.advance_ms(60_000);
    let again = |number: u8, payload: &str| {
        let event = event(&keys, number, OPEN_ID, EventKind::FormSubmit);
        Event { payload_sha256: payload.to_owned(), received_at: world.clock.now(), ..event }
    };
    for (number, payload, verdict) in
        [(50, events[0].payload_sha256.as_str(), "consent_withdrawn"), (51, "ff", "consented_lead")]
    {
        let event = again(number, payload);
        world.state.store.accept(vec![event.clone()]).await.unwrap();
        world.check((&anybody(), 10)).await;
        world.clock.advance_ms(1_000);
        let record = serde_json::to_string(&world.audit(&event).await).unwrap();
        assert!(record.contains(verdict), "{payload}: {record}");
    }
    // They came back; a second erasure takes the first one's captured payloads along.
    assert_eq!(world.run(&erase).await.exit, Exit::Ok);
    world.clock.advance_ms(60_000);
    let event = again(52, events[0].payload_sha256.as_str());
    world.state.store.accept(vec![event.clone()]).await.unwrap();
    world.check((&anybody(), 10)).await;
    let record = serde_json::to_string(&world.audit(&event).await).unwrap();
    assert!(record.contains("consent_withdrawn"), "{record}");
}
