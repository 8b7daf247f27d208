//! What is refused, and how; what is taken, and what of it can be read afterwards.

use secrecy::{ExposeSecret as _, SecretString};
use sluice_domain::event::{EventKind, PersonalField, Subject};
use sluice_domain::id::{SourceId, TenantId};
use sluice_domain::scheme::{Credentials, Signed, ToSign, sign};
use sluice_domain::source::SchemeName;
use sluice_ports::KeyRing as _;
use webhook_verify::{LONGEST_BODY, RawRequest};

use crate::gate::{Gate, code, secrets, settings};

fn open_platform(body: &[u8]) -> Signed {
    let secret = SecretString::from("test_secret");
    let message = ToSign::post(body, sluice_domain::time::UnixMillis(0));
    sign(SchemeName::OpenPlatform, message, &Credentials::of_secret(&secret)).unwrap()
}

#[tokio::test]
async fn rejects_a_signature_of_an_altered_body_and_stores_nothing() {
    let gate = Gate::open().await;
    let mut signed = gate.signed("im-receive-msg");
    signed.body[20] ^= 1;
    let answer = gate.post("open-platform", &signed).await;
    assert_eq!((answer.status, code(&answer).as_str()), (401, "signature_mismatch"));
    assert!(gate.queued().await.is_empty());
    assert_eq!(gate.store.accepted().unwrap(), 0);
    assert_eq!(gate.counters.total("Rejected"), 1);
}

#[tokio::test]
async fn a_doubled_signature_header_is_refused() {
    let gate = Gate::open().await;
    let mut signed = gate.signed("im-receive-msg");
    let again = signed.headers.iter().find(|(name, _)| name == "X-Douyin-Signature").unwrap().clone();
    signed.headers.push(again);
    let answer = gate.post("open-platform", &signed).await;
    assert_eq!((answer.status, code(&answer).as_str()), (400, "header_duplicated"));
}

#[tokio::test]
async fn a_missing_signature_is_unauthorised() {
    let gate = Gate::open().await;
    let mut signed = gate.signed("im-receive-msg");
    signed.headers.clear();
    let answer = gate.post("open-platform", &signed).await;
    assert_eq!((answer.status, code(&answer).as_str()), (401, "header_missing"));
}

#[tokio::test]
async fn a_stale_timestamp_is_refused_where_the_scheme_signs_one() {
    let gate = Gate::open().await;
    gate.handler.clock.advance_ms(301_000);
    for sample in ["live-comment", "ocean-lead", "trade-payment", "secured-payment", "mini-encrypted-text"] {
        let source = &gate.manifest.samples.iter().find(|entry| entry.name == sample).unwrap().source;
        let answer = gate.post(source, &gate.signed(sample)).await;
        assert_eq!((answer.status, code(&answer).as_str()), (401, "timestamp_outside_window"), "{sample}");
    }
    assert_eq!(gate.post("open-platform", &gate.signed("im-receive-msg")).await.status, 200);
}

#[tokio::test]
async fn the_previous_secret_is_still_taken() {
    let mut gate = Gate::open().await;
    let tenant = TenantId::new(gate.manifest.tenant.clone()).unwrap();
    gate.handler.secrets =
        secrets(&gate.manifest).with_previous(&tenant, "open-platform", "new_secret", "test_secret");
    let answer = gate.post("open-platform", &gate.signed("im-receive-msg")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "success"));
    assert_eq!(gate.queued().await.len(), 1);
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_before_it_is_looked_at() {
    let gate = Gate::open().await;
    let answer = gate.post("open-platform", &open_platform(&vec![b'x'; LONGEST_BODY + 1])).await;
    assert_eq!((answer.status, code(&answer).as_str()), (413, "body_too_large"));
    let longest = gate.post("open-platform", &open_platform(&vec![b'x'; LONGEST_BODY])).await;
    assert_eq!((longest.status, code(&longest).as_str()), (400, "envelope_malformed"));
}

#[tokio::test]
async fn an_event_above_the_queues_limit_is_refused() {
    let gate = Gate::open().await;
    let text = "x".repeat(200 * 1024);
    let body = format!(r#"{{"event":"im_receive_msg","content":{{"text":"{text}"}}}}"#);
    let answer = gate.post("open-platform", &open_platform(body.as_bytes())).await;
    assert_eq!((answer.status, code(&answer).as_str()), (413, "event_too_large"));
    assert!(gate.queued().await.is_empty());
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let gate = Gate::open().await;
    for (method, path, status, expected) in [
        ("POST", "/", 404, "unknown_source"),
        ("POST", "/callbacks/", 404, "unknown_source"),
        ("POST", "/callbacks/open-platform/more", 404, "unknown_source"),
        ("GET", "/callbacks/open-platform", 405, "method_not_allowed"),
        ("DELETE", "/callbacks/ocean", 405, "method_not_allowed"),
        ("POST", "/prod/callbacks/open-platform/", 401, "header_missing"),
    ] {
        let request = RawRequest { method, path, query: "", headers: &[], body: b"", source_ip: None };
        let answer = gate.handler.handle_raw(request).await;
        assert_eq!((answer.status, code(&answer).as_str()), (status, expected), "{method} {path}");
    }
}

#[tokio::test]
async fn a_lead_card_is_queued_with_sealed_fields_that_open_again() {
    let gate = Gate::open().await;
    let answer = gate.post("open-platform", &gate.signed("lead-card")).await;
    assert_eq!(answer.status, 200);
    let event = gate.queued().await.remove(0);
    let json = serde_json::to_string(&event).unwrap();
    for personal in ["12345678901", "Tonality", "北京", "aaa-ae9b-4dbf-add1-bf67e4093fab"] {
        assert!(!json.contains(personal), "{personal} is readable in the queue");
    }
    let keys = gate.handler.keys.keys(&event.key.tenant).await.unwrap();
    let open = |field| event.open(&keys, &field).unwrap().map(|value| value.expose_secret().to_owned());
    assert_eq!(open(PersonalField::Phone).as_deref(), Some("12345678901"));
    assert_eq!(open(PersonalField::Name).as_deref(), Some("Tonality"));
    assert_eq!(open(PersonalField::Form("城市".to_owned())).as_deref(), Some("北京市北京市海淀区"));
    assert_eq!(open(PersonalField::OpenId).as_deref(), Some("aaa-ae9b-4dbf-add1-bf67e4093fab"));
    assert_eq!(open(PersonalField::Avatar), None);
    assert_eq!(event.person, Some(keys.person("aaa-ae9b-4dbf-add1-bf67e4093fab")));
    assert_eq!(event.key.message.as_str(), "sample-lead-card");
    let Subject::Form { form_id, labels } = &event.subject else { panic!("{:?}", event.subject) };
    assert_eq!((form_id.as_str(), labels.join(" ").as_str()), ("@72Mq-demo-card", "姓名 手机号 城市"));
}

#[tokio::test]
async fn a_replay_has_the_same_key_and_another_trace() {
    let gate = Gate::open().await;
    // One with a Msg-Id, one without.
    for (source, sample) in [("open-platform", "im-receive-msg"), ("life-webhook", "order-string-content")] {
        assert_eq!(gate.post(source, &gate.signed(sample)).await.status, 200);
        assert_eq!(gate.post(source, &gate.signed(sample)).await.status, 200);
        let events = gate.queued().await;
        let [first, second] = events.as_slice() else { panic!("{} events", events.len()) };
        assert_eq!(first.key, second.key);
        assert_ne!(first.trace_id, second.trace_id);
    }
}

#[tokio::test]
async fn overrides_of_a_source_rename_what_happened() {
    let gate = Gate::with_sources(|source| {
        source.events.insert("something_new".to_owned(), EventKind::QrScan);
    })
    .await;
    assert_eq!(gate.post("open-platform", &gate.signed("unknown-event")).await.status, 200);
    assert_eq!(gate.queued().await[0].kind, EventKind::QrScan);
}

#[tokio::test]
async fn a_source_without_a_secret_is_our_own_fault() {
    let mut gate = Gate::open().await;
    gate.handler.settings =
        settings(&gate.manifest, |source| "no such secret".clone_into(&mut source.secret));
    let answer = gate.post("doudian", &gate.signed("doudian-101")).await;
    assert_eq!((answer.status, code(&answer).as_str()), (503, "not_configured"));
    assert!(answer.body.contains(r#""msg":"fail""#));
    assert!(SourceId::new("doudian").is_ok());
}
