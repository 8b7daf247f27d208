//! What a consent must hold, what ends it, and what the platform's signals change.

use std::collections::BTreeSet;

use sluice_domain::audit::Disposition;
use sluice_domain::consent::{
    Age, Evidence, Kind, Method, Notice, RecipientEntry, RecipientRole, Separate, SeparateBox, Standing,
};
use sluice_domain::event::{EventKind, PersonalField, Subject};
use sluice_domain::id::FormId;
use sluice_domain::settings::Tenant;
use sluice_domain::source::Form;

use crate::gate::Gate;
use crate::sample::{CARD, Made, RECEIVED, lead, message, unauthorize};

fn card(tenant: &mut Tenant) -> &mut Form {
    tenant.forms.get_mut(&FormId::new(CARD).unwrap()).unwrap()
}

/// Makes the recipient of the card another company, which handles these kinds.
fn another_handler(tenant: &mut Tenant, kinds: &[&str]) {
    let kinds: BTreeSet<_> = kinds.iter().map(|kind| Kind::new(*kind).unwrap()).collect();
    let entry = RecipientEntry {
        id: card(tenant).recipient.clone(),
        name: "示例代运营".into(),
        contact: "privacy@example.com".into(),
        role: RecipientRole::Handler,
        methods: BTreeSet::from([Method::new("phone_call").unwrap()]),
        kinds: kinds.clone(),
        region: "CN".into(),
    };
    card(tenant).notice = Some(Notice {
        methods: entry.methods.clone(),
        kinds,
        receiver: Some(entry.receiver()),
        retention_days: Some(180),
        rights: None,
        region: None,
    });
    tenant.recipients.insert(entry.id.clone(), entry);
}

fn answered(message: &'static str, label: &str, answer: &'static str) -> Made {
    let mut made = lead(message);
    made.personal.push((PersonalField::Form(label.into()), answer));
    made
}

fn ask(about: Separate, field: &str) -> Vec<SeparateBox> {
    vec![SeparateBox { about, field: Some(field.into()) }]
}

#[tokio::test]
async fn data_goes_to_another_handler_only_when_the_person_agreed_apart() {
    let change = |tenant: &mut Tenant| {
        another_handler(tenant, &["name", "phone"]);
        card(tenant).separate = ask(Separate::Sharing, "同意提供给第三方");
    };
    let gate = Gate::open_with(change);
    let decision = gate.decide(lead("lead-1")).await;
    assert_eq!(decision.main_code(), "consent_sharing_missing");
    let decision = gate.decide(Made { trace: 2, ..answered("lead-2", "同意提供给第三方", "否") }).await;
    assert_eq!(decision.main_code(), "consent_sharing_missing");
    assert!(gate.cleared().await.is_empty());

    let gate = Gate::open_with(change);
    let decision = gate.decide(answered("lead-3", "同意提供给第三方", "同意")).await;
    assert_eq!(decision.main_code(), "consented_lead");
    let record = gate.consent("sales_contact", "wecom_sales").await.unwrap();
    assert_eq!(record.separate, BTreeSet::from([Separate::Sharing]));
    assert_eq!(record.notice.unwrap().receiver.unwrap().name, "示例代运营");
}

#[tokio::test]
async fn a_gate_outside_the_mainland_needs_a_consent_to_that() {
    let gate = Gate::open_with(|tenant| tenant.region = "HK".into());
    assert_eq!(gate.decide(lead("lead-1")).await.main_code(), "consent_cross_border_missing");
    let gate = Gate::open_with(|tenant| {
        tenant.region = "HK".into();
        card(tenant).separate = vec![SeparateBox { about: Separate::CrossBorder, field: None }];
    });
    assert_eq!(gate.decide(lead("lead-1")).await.main_code(), "consented_lead");
}

#[tokio::test]
async fn a_recipient_that_does_more_than_was_told_needs_a_new_consent() {
    let gate = Gate::open_with(|tenant| {
        another_handler(tenant, &["name"]);
        let id = card(tenant).recipient.clone();
        let entry = tenant.recipients.get_mut(&id).unwrap();
        entry.role = RecipientRole::Own;
        entry.kinds.insert(Kind::new("phone").unwrap());
    });
    let decision = gate.decide(lead("lead-1")).await;
    assert_eq!(decision.main_code(), "consent_outdated");
    assert_eq!(decision.consent.unwrap().standing, Standing::Outdated);
}

#[tokio::test]
async fn a_child_is_not_contacted_without_a_guardian_whatever_they_agreed_to() {
    let change = |tenant: &mut Tenant| {
        card(tenant).age_field = Some("年龄".into());
        card(tenant).guardian_field = Some("监护人同意".into());
    };
    let gate = Gate::open_with(change);
    let join = || {
        let subject = Subject::Form { form_id: FormId::new("life_member").unwrap(), labels: vec![] };
        Made { subject, ..lead("join-1") }
    };
    assert_eq!(gate.decide(join()).await.main_code(), "consented_lead");
    let decision = gate.decide(answered("lead-1", "年龄", "12岁")).await;
    assert_eq!(decision.main_code(), "guardian_missing");
    assert_eq!(gate.consent("sales_contact", "wecom_sales").await.unwrap().age, Age::Under14);
    // Another form, another recipient: the same child.
    assert_eq!(gate.decide(message("m-1", "你好")).await.main_code(), "guardian_missing");

    let gate = Gate::open_with(change);
    let mut made = answered("lead-2", "年龄", "12岁");
    made.personal.push((PersonalField::Form("监护人同意".into()), "是"));
    assert_eq!(gate.decide(made).await.main_code(), "consented_lead");

    let gate = Gate::open_with(change);
    assert_eq!(gate.decide(answered("lead-3", "年龄", "36")).await.main_code(), "consented_lead");
    let record = gate.consent("sales_contact", "wecom_sales").await.unwrap();
    assert_eq!(record.age, Age::Over14);
    assert!(!serde_json::to_string(&record).unwrap().contains("36岁"));
}

#[tokio::test]
async fn evidence_names_channel_time_and_the_pseudonym_of_the_address() {
    let gate = Gate::open_with(|tenant| card(tenant).address_field = Some("ip".into()));
    assert_eq!(gate.decide(answered("lead-1", "ip", "203.0.113.7")).await.main_code(), "consented_lead");
    let record = gate.consent("sales_contact", "wecom_sales").await.unwrap();
    let Evidence::Event { channel, address, .. } = &record.evidence else { panic!("{:?}", record.evidence) };
    assert_eq!((channel.as_str(), address.as_ref().unwrap().len()), ("im_receive_msg", 32));
    assert!(!serde_json::to_string(&record).unwrap().contains("203.0.113"));
}

#[tokio::test]
async fn a_person_who_writes_to_stop_has_withdrawn_everything() {
    for text in ["退订", " td ", "请不要联系我了"] {
        let gate = Gate::open();
        assert_eq!(gate.decide(lead("lead-1")).await.main_code(), "consented_lead");
        let record = gate.take(message("m-1", text)).await;
        assert_eq!(record.disposition, Disposition::recorded("opted_out"), "{text}");
        let consent = gate.consent("sales_contact", "wecom_sales").await.unwrap();
        let evidence = consent.withdrawn.unwrap().evidence;
        assert!(matches!(evidence, Evidence::Event { kind: EventKind::DirectMessage, .. }), "{text}");
    }
    let gate = Gate::open();
    gate.decide(lead("lead-1")).await;
    let outgoing = Made { subject: crate::sample::conversation(true, false), ..message("m-1", "退订") };
    gate.take(outgoing).await;
    assert_eq!(gate.consent("sales_contact", "wecom_sales").await.unwrap().withdrawn, None);
}

/// `im_authorize`: the platform's own page, whose text the company writes down as a form.
fn proactive(tenant: &mut Tenant) {
    let form = Form { id: FormId::new("scope:im.authorize_message").unwrap(), ..card(tenant).clone() };
    tenant.forms.insert(form.id.clone(), form);
}

fn authorisation(message: &'static str, kind: EventKind, at: i64) -> Made {
    let subject = Subject::Authorization {
        scopes: vec!["im.authorize_message".into()],
        expires_at: Some(RECEIVED.plus_ms(5_000)),
    };
    Made { subject, occurred_at: Some(RECEIVED.plus_ms(at)), ..Made::new(message, kind, "im_authorize") }
}

#[tokio::test]
async fn an_authorisation_is_a_consent_until_it_ends_where_its_text_is_configured() {
    let gate = Gate::open_with(proactive);
    let record = gate.take(authorisation("a-1", EventKind::Authorize, -5_000)).await;
    assert_eq!(record.disposition, Disposition::recorded("consent_granted"));
    let consent = gate.consent("sales_contact", "wecom_sales").await.unwrap();
    assert_eq!((consent.valid_until, consent.withdrawn), (Some(RECEIVED.plus_ms(5_000)), None));

    let record = gate.take(authorisation("a-2", EventKind::Unauthorize, -1_000)).await;
    assert_eq!(record.disposition, Disposition::recorded("consent_withdrawn"));
    assert!(gate.consent("sales_contact", "wecom_sales").await.unwrap().withdrawn.is_some());

    let plain = Gate::open();
    let record = plain.take(authorisation("a-1", EventKind::Authorize, -5_000)).await;
    assert_eq!(record.disposition, Disposition::recorded("authorized"));
    assert_eq!(plain.consent("sales_contact", "wecom_sales").await, None);
}

#[tokio::test]
async fn the_end_of_one_authorisation_leaves_other_consents_alone_and_an_unknown_one_ends_all() {
    let gate = Gate::open_with(proactive);
    let subject = Subject::Form { form_id: FormId::new("life_member").unwrap(), labels: vec![] };
    gate.decide(Made { subject, ..lead("join-1") }).await;
    gate.take(authorisation("a-2", EventKind::Unauthorize, -1_000)).await;
    assert_eq!(gate.consent("sales_contact", "feishu_leads").await.unwrap().withdrawn, None);
    gate.take(unauthorize("u-1")).await;
    assert!(gate.consent("sales_contact", "feishu_leads").await.unwrap().withdrawn.is_some());
}

#[tokio::test]
async fn an_event_that_erases_is_recorded_as_due() {
    let gate = Gate::open_with(|tenant| tenant.erase_on = vec![EventKind::Unauthorize]);
    gate.decide(lead("lead-1")).await;
    let record = gate.take(unauthorize("u-1")).await;
    assert_eq!(record.disposition, Disposition::recorded("erasure_due"));
    assert!(gate.consent("sales_contact", "wecom_sales").await.unwrap().withdrawn.is_some());
}
