//! What becomes of people on the channels comes back through the same door: attribution, and the end of a consent.

use http::StatusCode;
use secrecy::SecretString;
use sluice_domain::audit::{AuditRecord, Disposition};
use sluice_domain::consent::{ConsentKey, Purpose, Recipient, Standing, standing};
use sluice_domain::id::TenantId;
use sluice_domain::link::customer_channel;
use sluice_domain::scheme::{Credentials, Signed, ToSign, sign};
use sluice_ports::{AuditLog as _, ConsentStore as _, KeyRing as _};
use sluice_telemetry::{Counters, Metrics};

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
