//! What becomes of people on the channels comes back through the same door: attribution, and the end of a consent.

use http::StatusCode;
use secrecy::SecretString;
use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::consent::{ConsentKey, Purpose, Recipient, Standing, standing};
use sluice_domain::id::TenantId;
use sluice_domain::link::customer_channel;
use sluice_domain::scheme::{Credentials, Signed, ToSign, sign};
use sluice_ports::{AuditLog as _, ConsentStore as _, KeyRing as _};
use sluice_simulators::{FaultEffect, Platform};
use sluice_telemetry::{Counters, Metrics, Signal};

use crate::day::{Day, MIDNIGHT, ad_lead, lead};

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

impl Day {
    /// As the channel's platform signs and seals it.
    fn sealed(&self, source: &str, method: &str, body: &str) -> Signed {
        let (tenant, configured) = self.settings.source(source).unwrap();
        let secret = SecretString::from(self.world.secret(&tenant.id, &configured.secret));
        let message = ToSign { method, ..ToSign::post(body.as_bytes(), self.clock.now()) };
        sign(configured.scheme, message, &Credentials::of_source(configured, &secret, None)).unwrap()
    }

    /// What the platform hears.
    async fn hears(&self, source: &str, method: &str, body: &str) -> (StatusCode, String) {
        let answer = self.client.send(source, method, self.sealed(source, method, body)).await.unwrap();
        (answer.status, String::from_utf8(answer.body.to_vec()).unwrap())
    }

    /// An event of WeCom or WeChat.
    async fn tells(&self, source: &str, fields: &[(&str, &str)]) {
        let inside = fields.iter().fold(String::new(), |inside, (name, value)| {
            inside + &format!("<{name}><![CDATA[{value}]]></{name}>")
        });
        let at = self.clock.now().as_secs();
        let body = format!("<xml><CreateTime>{at}</CreateTime><MsgType>event</MsgType>{inside}</xml>");
        assert_eq!(self.hears(source, "POST", &body).await, (StatusCode::OK, "success".to_owned()));
    }

    /// A person adds a member by the link of this message.
    async fn adds(&self, state: &str) {
        let change = [("Event", "change_external_contact"), ("ChangeType", "add_external_contact")];
        let who = [("UserID", "sales.wang"), ("ExternalUserID", "wo1"), ("State", state)];
        self.tells("wecom-contacts", &[change.as_slice(), &who].concat()).await;
    }

    /// A person adds a member and may be welcomed; says by which code, and whether the platform has seen a welcome when the callback is answered.
    async fn comes(&self, contact: &str, code: &str) -> (String, bool) {
        self.platforms.wecom_customer_adds(code);
        self.comes_with(contact, code).await;
        let seen = self.platforms.seen();
        (code.to_owned(), seen.iter().any(|seen| seen.api == "welcome" && seen.recipient == code))
    }

    async fn comes_with(&self, contact: &str, code: &str) {
        let change = [("Event", "change_external_contact"), ("ChangeType", "add_external_contact")];
        let who = [("UserID", "sales.wang"), ("ExternalUserID", contact), ("WelcomeCode", code)];
        self.tells("wecom-contacts", &[change.as_slice(), &who].concat()).await;
    }

    async fn records(&self, name: &str) -> Vec<AuditRecord> {
        let day = self.clock.now().business_day();
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.state.store.audits(&tenant(name), day, cursor).await.unwrap();
            found.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return found;
            }
        }
    }

    async fn record_of(&self, name: &str, source: &str, event: &str) -> AuditRecord {
        let records = self.records(name).await;
        let mut found = records.into_iter().filter(|it| it.key.source.as_str() == source && it.name == event);
        found.next_back().unwrap_or_else(|| panic!("no record of {source} {event}"))
    }

    async fn standing(&self, name: &str, known_by: &str, recipient: &str) -> Standing {
        let tenant = tenant(name);
        let keys = self.state.keys.keys(&tenant).await.unwrap();
        let key = ConsentKey {
            person: keys.person(known_by),
            tenant,
            purpose: Purpose::new("sales_contact").unwrap(),
            recipient: Recipient::new(recipient).unwrap(),
        };
        let found = self.state.store.consents(&[key]).await.unwrap();
        standing(found[0].as_ref(), self.clock.now())
    }
}

/// Some of everything that channels tell.
pub(crate) async fn channels_tell(day: &Day) {
    let records = day.records("demo-brand").await;
    let cleared = records.iter().find(|record| record.disposition.label() == "allow_masked").unwrap();
    let keys = day.state.keys.keys(&tenant("demo-brand")).await.unwrap();
    day.adds(&customer_channel(&keys, cleared.trace_id)).await;
    let (code, welcomed) = day.comes("wo2", "day").await;
    assert_eq!((code.as_str(), welcomed), ("day", true));
    let warning = [("Event", "customer_acquisition"), ("ChangeType", "balance_low")];
    day.tells("wecom-contacts", &warning).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_who_adds_the_member_is_attributed_and_who_leaves_is_not_written_to_again() {
    let data = tempfile::tempdir().unwrap();
    let day = Day::begin(data.path(), |_| Metrics::new(Counters::default())).await;
    day.post("open-platform", "m-1", &lead(1, MIDNIGHT), false).await;
    day.settle().await;
    let decided = day.record_of("demo-brand", "open-platform", "im_receive_msg").await;
    assert_eq!(day.standing("demo-brand", "person-1", "wecom_sales").await, Standing::Granted);

    let keys = day.state.keys.keys(&tenant("demo-brand")).await.unwrap();
    day.adds(&customer_channel(&keys, decided.trace_id)).await;
    day.settle().await;
    let added = day.record_of("demo-brand", "wecom-contacts", "add_external_contact").await;
    let about = Some(decided.trace_id);
    assert_eq!(added.disposition, Disposition::Recorded { effect: "contact_added".into(), about });

    day.tells(
        "wecom-contacts",
        &[("Event", "change_external_contact"), ("ChangeType", "del_follow_user"), ("ExternalUserID", "wo1")],
    )
    .await;
    day.settle().await;
    assert_eq!(day.standing("demo-brand", "person-1", "wecom_sales").await, Standing::Withdrawn);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_unsubscribes_from_the_account_that_wrote_to_them_has_taken_their_consent_back() {
    let data = tempfile::tempdir().unwrap();
    let day = Day::begin(data.path(), |_| Metrics::new(Counters::default())).await;
    day.platforms.wechat_person_writes("wx00demo00000000", "openid-zhaoliu");
    day.platforms.clock().advance_ms(10 * 3_600_000);
    day.post("ocean", "a-2", &ad_lead(2, MIDNIGHT), false).await;
    day.settle().await;
    assert_eq!(day.standing("demo-mcn", "ad-2", "mcn_service").await, Standing::Granted);
    assert!(day.platforms.seen().iter().any(|seen| seen.recipient == "openid-zhaoliu"), "it was written to");

    day.tells("wechat-push", &[("FromUserName", "openid-zhaoliu"), ("Event", "unsubscribe")]).await;
    day.settle().await;
    assert_eq!(day.standing("demo-mcn", "ad-2", "mcn_service").await, Standing::Withdrawn);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_consoles_questions_are_answered_and_forgeries_are_not() {
    let data = tempfile::tempdir().unwrap();
    let day = Day::begin(data.path(), |_| Metrics::new(Counters::default())).await;
    let echo = day.hears("wecom-contacts", "GET", "1616140317555161061").await;
    assert_eq!(echo, (StatusCode::OK, "1616140317555161061".to_owned()));
    let asked = r#"{"challenge":"ajls384kdjxxxx","token":"@","type":"url_verification"}"#;
    let (tenant, source) = day.settings.source("feishu-events").unwrap();
    let secret: serde_json::Value =
        serde_json::from_str(day.world.secret(&tenant.id, &source.secret)).unwrap();
    let asked = asked.replace('@', secret["verification_token"].as_str().unwrap());
    let answer = day.hears("feishu-events", "POST", &asked).await;
    assert_eq!(answer, (StatusCode::OK, r#"{"challenge":"ajls384kdjxxxx"}"#.to_owned()));

    let mut forged = day.sealed("wecom-contacts", "POST", "<xml><MsgType>event</MsgType></xml>");
    for (name, value) in &mut forged.query {
        if name == "msg_signature" {
            *value = "0".repeat(40);
        }
    }
    let answer = day.client.send("wecom-contacts", "POST", forged).await.unwrap();
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(day.records("demo-brand").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_who_comes_is_welcomed_before_the_callback_is_answered_and_it_is_on_record() {
    let data = tempfile::tempdir().unwrap();
    let counters = Counters::default();
    let day = Day::begin(data.path(), |_| Metrics::new(counters.clone())).await;
    // In the middle of the night, too: they wait for an answer.
    day.platforms.clock().advance_ms(3 * 3_600_000);
    let (code, welcomed) = day.comes("wo1", "CALLBACK_CODE-1").await;
    assert!(welcomed);
    let seen = day.platforms.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].text.contains("【示例品牌】您好，感谢添加"), "{}", seen[0].text);
    day.settle().await;
    let added = day.record_of("demo-brand", "wecom-contacts", "add_external_contact").await;
    let record = day.record_of("demo-brand", "wecom-contacts", "send_welcome_msg 0").await;
    let effect = "welcome_delivered".to_owned();
    assert_eq!(record.disposition, Disposition::Recorded { effect, about: None });
    assert_eq!(record.key.message.as_str(), format!("{}:welcome", added.key.message));
    assert_eq!((record.person.is_some(), &record.person), (true, &added.person));
    assert_ne!(record.trace_id, added.trace_id);

    // The platform did not hear our answer, and tells again: the code is used, nobody is greeted twice, and the record stands.
    day.comes_with("wo1", &code).await;
    day.settle().await;
    assert_eq!(day.platforms.seen().len(), 1);
    let name = "send_welcome_msg 0";
    let records = day.records("demo-brand").await;
    assert_eq!(records.iter().filter(|record| record.name.starts_with("send_welcome_msg")).count(), 1);
    assert!(records.iter().any(|record| record.name == name));
    day.platforms.clock().advance_ms(86_400_000);
    drop(day);
    no_byte_of(&code, data.path());
}

/// What was stored holds nothing of a text.
fn no_byte_of(text: &str, directory: &std::path::Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_byte_of(text, &path);
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(text.len()).any(|part| part == text.as_bytes());
            assert!(!found, "{} holds the code", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_welcome_that_fails_is_on_record_and_the_callback_is_answered_all_the_same() {
    let data = tempfile::tempdir().unwrap();
    let counters = Counters::default();
    let day = Day::begin(data.path(), |_| Metrics::new(counters.clone())).await;
    // Nobody has that code any more.
    day.comes_with("wo1", "long-gone").await;
    // Somebody else is at it first, then not.
    day.trouble(Platform::Wecom, FaultEffect::Code { code: 41_096, status: 200 }, 1);
    assert!(day.comes("wo2", "second-try").await.1);
    // The answer is lost: it may have been shown, and is not sent again.
    day.trouble(Platform::Wecom, FaultEffect::ResetAfterCommit, 1);
    assert!(day.comes("wo3", "lost").await.1);
    day.settle().await;
    let count = |outcome| counters.count(Signal::Welcomed { outcome });
    assert_eq!((count("recipient_refused"), count("delivered"), count("unclear")), (1, 1, 1));
    let mut effects: Vec<_> = day.records("demo-brand").await.into_iter().collect();
    effects.retain(|record| record.name.starts_with("send_welcome_msg"));
    let mut effects: Vec<_> = effects.iter().map(|it| (it.name.as_str(), &it.disposition)).collect();
    effects.sort_by_key(|(name, _)| *name);
    let recorded = |effect: &str| Disposition::Recorded { effect: effect.to_owned(), about: None };
    let expected = [
        ("send_welcome_msg 0", &recorded("welcome_delivered")),
        ("send_welcome_msg 41050", &recorded("welcome_recipient_refused")),
        ("send_welcome_msg no_answer", &recorded("welcome_unclear")),
    ];
    assert_eq!(effects, expected);
}
