//! Contacts who have just come are welcomed at once; whatever becomes of that, their callback is answered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use sluice_channels::{EndpointHealth, SendReport, Welcome};
use sluice_domain::audit::Receipt;
use sluice_domain::delivery::Outcome;
use sluice_domain::event::{Event, EventKind, Subject};
use sluice_domain::id::{ScriptId, TenantId};
use sluice_domain::scheme::{Credentials, Signed, ToSign, sign};
use sluice_domain::source::Source;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_domain::welcome::WelcomePolicy;
use sluice_embedded::SystemEntropy;
use sluice_ports::{Clock as _, Intake, KeyRing as _, Page, PortError};
use sluice_telemetry::{Metrics, Signal};
use webhook_verify::{Greeter, WebhookVerify};

use crate::gate::{Gate, Handler, posted, secrets};

/// Answers as told, then well; keeps what it was given.
#[derive(Clone, Default)]
pub(crate) struct Greets {
    answers: Arc<Mutex<Vec<Outcome>>>,
    pub(crate) given: Arc<Mutex<Vec<Welcome>>>,
    hangs: Arc<AtomicUsize>,
    unanswered: Arc<AtomicUsize>,
}

impl Greeter for Greets {
    async fn greet(&self, _: &TenantId, _: &Source, _: &WelcomePolicy, welcome: &Welcome) -> SendReport {
        self.given.lock().unwrap().push(welcome.clone());
        if self.hangs.load(Ordering::SeqCst) > 0 {
            std::future::pending::<()>().await;
        }
        let told = self.answers.lock().unwrap().pop();
        SendReport {
            outcome: told.unwrap_or(Outcome::Delivered { provider_id: None }),
            code: Some("0".to_owned()),
            message: None,
            provider_log_id: None,
            request_sha256: None,
            endpoint: None,
        }
    }

    async fn unanswered(&self, _: &TenantId, _: &Source, _: &WelcomePolicy) -> Option<EndpointHealth> {
        self.unanswered.fetch_add(1, Ordering::SeqCst);
        None
    }
}

const SECRET: &str = r#"{"token":"QDG6eK","encoding_aes_key":"jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"}"#;

fn wecom(welcome: Option<WelcomePolicy>) -> Source {
    let source = json!({ "id": "wecom", "scheme": "wecom-callback", "secret": "wecom", "app_id": "ww1" });
    Source { welcome, ..serde_json::from_value(source).unwrap() }
}

/// A gate with WeCom's callbacks beside the samples'.
async fn gate(welcome: Option<WelcomePolicy>) -> Gate {
    let mut gate = Gate::open().await;
    let mut settings = gate.handler.settings.as_ref().clone();
    let tenant = settings.tenants.values_mut().next().unwrap();
    let source = wecom(welcome);
    Arc::make_mut(tenant).sources.insert(source.id.clone(), source);
    gate.handler.secrets = secrets(&gate.manifest).with(&tenant.id, "wecom", SecretString::from(SECRET));
    gate.under(settings)
}

async fn welcoming() -> Gate {
    let script = ScriptId::new("welcome").unwrap();
    gate(Some(WelcomePolicy { agent_id: 7, secret: "app".to_owned(), script })).await
}

/// A contact comes, `ago` seconds ago by the platform's clock.
fn coming_at(now: UnixMillis, code: &str, ago: i64) -> Signed {
    let at = now.as_secs() - ago;
    let body = format!(
        "<xml><CreateTime>{at}</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType><ExternalUserID>wo1</ExternalUserID><UserID>wang</UserID>{code}</xml>"
    );
    let (source, secret) = (wecom(None), SecretString::from(SECRET));
    let message = ToSign::post(body.as_bytes(), now);
    sign(source.scheme, message, &Credentials::of_source(&source, &secret, None)).unwrap()
}

/// Events in memory: nothing waits for a disk, so that the time may be paused.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Event>>>);

impl Intake for Kept {
    async fn accept(&self, events: Vec<Event>) -> Result<(), PortError> {
        self.0.lock().unwrap().extend(events);
        Ok(())
    }

    async fn arrived(&self, _: &[Event]) -> Result<(), PortError> {
        Ok(())
    }

    async fn receipts(
        &self,
        _: &TenantId,
        _: BusinessDay,
        _: Option<String>,
    ) -> Result<Page<Receipt>, PortError> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

/// A contact comes to a door whose greeter answers so, on paused time: what was kept, how often it was called, how long it took.
async fn on_paused_time(greeter: Greets) -> (Vec<Event>, usize, Duration) {
    let Gate { handler, .. } = welcoming().await;
    let Handler { settings, keys, secrets, clock, .. } = handler;
    let tenant = settings.tenants.keys().next().unwrap();
    // From now on they are in memory.
    let _opened = keys.keys(tenant).await.unwrap();
    let (kept, signed) = (Kept::default(), coming_at(clock.now(), CODE, 0));
    let handler = WebhookVerify {
        settings,
        intake: kept.clone(),
        keys,
        secrets,
        clock,
        entropy: SystemEntropy,
        greeter: greeter.clone(),
        metrics: Metrics::default(),
    };
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let answer = posted(&handler, "wecom", &signed).await;
    assert_eq!((answer.status, answer.body), taken());
    let events = kept.0.lock().unwrap().clone();
    let calls = greeter.given.lock().unwrap().len();
    (events, calls, began.elapsed())
}

impl Gate {
    fn coming(&self, code: &str, ago: i64) -> Signed {
        coming_at(self.handler.clock.now(), code, ago)
    }

    async fn tell(&self, signed: &Signed) -> (u16, String) {
        let answer = posted(&self.handler, "wecom", signed).await;
        (answer.status, answer.body)
    }

    fn welcomed(&self, outcome: &str) -> u64 {
        self.counters.count(Signal::Welcomed { outcome })
    }
}

const CODE: &str = "<WelcomeCode><![CDATA[CALLBACK_CODE]]></WelcomeCode>";

fn taken() -> (u16, String) {
    (200, "success".to_owned())
}

#[tokio::test]
async fn a_contact_is_welcomed_with_the_script_and_their_code() {
    let gate = welcoming().await;
    assert_eq!(gate.tell(&gate.coming(CODE, 3)).await, taken());
    let given = gate.handler.greeter.given.lock().unwrap().clone();
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].code, "CALLBACK_CODE");
    assert!(given[0].text.starts_with("【示例品牌】您好"), "{}", given[0].text);
    let event_at = given[0].event_at.as_secs();
    assert_eq!(gate.handler.clock.now().as_secs() - event_at, 3, "the platform's clock counts");

    let events = gate.queued().await;
    assert_eq!(
        events.iter().map(|event| event.kind).collect::<Vec<_>>(),
        [EventKind::ContactAdded, EventKind::ChannelActivity]
    );
    assert_eq!(events[1].name, "send_welcome_msg 0");
    assert!(matches!(&events[1].subject, Subject::Activity { what, .. } if what == "welcome_delivered"));
    assert_eq!((events[1].person.as_ref(), events[1].personal.len()), (events[0].person.as_ref(), 0));
    let stored = serde_json::to_string(&events).unwrap();
    assert!(!stored.contains("CALLBACK_CODE"), "the code is kept nowhere");
}

#[tokio::test]
async fn without_a_code_or_without_a_script_nobody_is_welcomed() {
    let without = welcoming().await;
    assert_eq!(without.tell(&without.coming("", 0)).await, taken());
    let plain = gate(None).await;
    assert_eq!(plain.tell(&plain.coming(CODE, 0)).await, taken());
    for gate in [without, plain] {
        assert!(gate.handler.greeter.given.lock().unwrap().is_empty());
        assert_eq!(gate.queued().await.len(), 1);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_platform_that_hangs_leaves_time_for_the_record_and_the_answer() {
    let greeter = Greets::default();
    greeter.hangs.store(1, Ordering::SeqCst);
    let unanswered = Arc::clone(&greeter.unanswered);
    let (events, calls, took) = on_paused_time(greeter).await;
    assert!((3_500..3_600).contains(&took.as_millis()), "of the four seconds: {took:?}");
    assert_eq!(calls, 1, "what may have been taken is not repeated");
    assert_eq!(unanswered.load(Ordering::SeqCst), 1, "the breaker hears of it");
    assert_eq!(events[1].name, "send_welcome_msg welcome_timeout");
    assert!(matches!(&events[1].subject, Subject::Activity { what, .. } if what == "welcome_unclear"));
}

#[tokio::test(flavor = "current_thread")]
async fn only_what_was_surely_not_taken_is_tried_again() {
    let rows = [
        (vec![Outcome::Transient], 2, "welcome_delivered"),
        (vec![Outcome::Unclear], 1, "welcome_unclear"),
        (vec![Outcome::RecipientRefused { opt_out: false }], 1, "welcome_recipient_refused"),
        (vec![Outcome::EndpointRefused], 1, "welcome_endpoint_refused"),
    ];
    for (outcomes, expected, effect) in rows {
        let greeter = Greets { answers: Arc::new(Mutex::new(outcomes)), ..Greets::default() };
        let (events, calls, _) = on_paused_time(greeter).await;
        tokio::time::resume();
        assert_eq!(calls, expected, "{effect}");
        assert!(matches!(&events[1].subject, Subject::Activity { what, .. } if what == effect));
    }
}

/// Every 400 ms, until the time for another try is over.
#[tokio::test(flavor = "current_thread")]
async fn a_passing_fault_is_tried_again_until_the_time_is_up() {
    let answers = Arc::new(Mutex::new(vec![Outcome::Transient; 99]));
    let (events, calls, took) = on_paused_time(Greets { answers, ..Greets::default() }).await;
    assert_eq!(calls, 9);
    assert!((3_200..3_300).contains(&took.as_millis()), "{took:?}");
    assert!(matches!(&events[1].subject, Subject::Activity { what, .. } if what == "welcome_transient"));
}

/// What the channel says while the application's breaker is open.
#[tokio::test(flavor = "current_thread")]
async fn while_the_application_is_broken_nobody_is_welcomed_and_that_is_on_record() {
    let until = UnixMillis(i64::MAX);
    let answers = Arc::new(Mutex::new(vec![Outcome::Throttled { until }]));
    let (events, calls, took) = on_paused_time(Greets { answers, ..Greets::default() }).await;
    assert_eq!((calls, took.as_millis()), (1, 0), "it is not waited for");
    assert!(matches!(&events[1].subject, Subject::Activity { what, .. } if what == "welcome_throttled"));
}

#[tokio::test]
async fn a_text_that_the_rules_do_not_let_out_is_withheld_and_recorded() {
    let gate = welcoming().await;
    let settings = gate.handler.settings.clone();
    let mut changed = settings.as_ref().clone();
    for tenant in changed.tenants.values_mut() {
        let mut other = tenant.as_ref().clone();
        other.name = "另一家".to_owned();
        let script = other.scripts.get_mut(&ScriptId::new("welcome").unwrap()).unwrap();
        *script = serde_json::from_value(json!({
            "id": "welcome", "version": 2, "text": "您好，退订请回复。"
        }))
        .unwrap();
        *tenant = Arc::new(other);
    }
    let gate = gate.under(changed);
    assert_eq!(gate.tell(&gate.coming(CODE, 0)).await, taken());
    assert!(gate.handler.greeter.given.lock().unwrap().is_empty());
    assert_eq!(gate.welcomed("withheld"), 1);
    assert_eq!(gate.queued().await[1].name, "send_welcome_msg sender_not_stated");
}
