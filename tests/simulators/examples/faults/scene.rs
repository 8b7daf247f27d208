//! What exists: endpoints of every channel, destinations that lead there, and assigned events that name their own number.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use sluice_domain::consent::Recipient;
use sluice_domain::contact::ContactPolicy;
use sluice_domain::decision::{Decision, PackStamp, Reason, Verdict};
use sluice_domain::destination::{Channel, Destination, Route, SubscribeAccount};
use sluice_domain::event::{Event, EventKind, PersonalField, SEAL_TABLE, Subject};
use sluice_domain::id::{
    DestinationId, EventKey, MessageId, RuleId, RulePackId, ScriptId, SourceId, TenantId, TraceId,
};
use sluice_domain::progress::{Assigned, Assignment, Cleared, UncheckedAssigned};
use sluice_domain::sealed::DataKey;
use sluice_domain::settings::Settings;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;
use sluice_ports::{KeyRing, PortError, SecretStore, SecretVersions};
use sluice_simulators::{
    FeishuApp, FeishuBot, SimulatorOptions, WebhookReceiver, WechatAccount, WecomApp, WecomBot,
};
use zeroize::Zeroizing;

pub(crate) const KINDS: usize = 8;
pub(crate) const WECHAT: &str = "wx1";
pub(crate) const TEMPLATE: &str = "template-1";
const TENANT: &str = "demo-brand";
const SCRIPT: &str = "numbered";
const NUMBER: &str = "编号";
const OPEN_ID: &str = "wechat_openid";
/// Of the published vector.
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Secrets whose value is their name.
pub(crate) struct Named;

impl SecretStore for Named {
    async fn secret(&self, _: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
        Ok(SecretVersions { current: SecretString::from(name), previous: None })
    }
}

/// The same keys for every tenant.
#[derive(Clone, Copy)]
pub(crate) struct FixedKeys;

impl FixedKeys {
    fn of(tenant: &TenantId) -> TenantKeys {
        TenantKeys::new(tenant.clone(), Zeroizing::new([7; 32]), vec![DataKey::new(1, &[9; 32])])
    }
}

impl KeyRing for FixedKeys {
    async fn keys(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, PortError> {
        Ok(Arc::new(Self::of(tenant)))
    }
}

/// Messages by number: which channel each takes, to which of its endpoints.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) settings: Arc<Settings>,
    pub(crate) sends: usize,
    /// Of each channel.
    endpoints: usize,
    tenant: TenantId,
    keys: Arc<TenantKeys>,
}

impl Scene {
    /// The shipped configuration's company, with destinations of every channel in place of its own.
    pub(crate) fn new(sends: usize, endpoints: usize) -> Self {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
        let mut settings = sluice_settings::load(&config).unwrap();
        let tenant = TenantId::new(TENANT).unwrap();
        let company = Arc::make_mut(settings.tenants.get_mut(&tenant).unwrap());
        let recipient = Recipient::new("sales").unwrap();
        let mut destinations = Vec::new();
        for endpoint in 0..endpoints {
            for channel in channels(endpoint) {
                let id = destination_id(&channel, endpoint);
                destinations.push(id.clone());
                let destination = Destination {
                    id: id.clone(),
                    weight: 1,
                    recipient: recipient.clone(),
                    channel,
                    acquisition_link: None,
                    limits: Arc::default(),
                };
                company.destinations.insert(id, destination);
            }
        }
        let script = ScriptId::new(SCRIPT).unwrap();
        let purpose = company.routes.first().unwrap().purpose.clone();
        company.routes = vec![Route {
            kinds: vec![EventKind::FormSubmit],
            purpose,
            recipient,
            destinations,
            script: script.clone(),
            experiment: None,
            contact: None,
            fallback: None,
        }];
        company.contact = ContactPolicy::default();
        let numbered = serde_json::from_value(serde_json::json!({
            "id": SCRIPT, "version": 1,
            "text": format!("【{{{{ tenant }}}}】有客户提交了留资表单，并同意由销售团队联系。编号：{{{{ form[\"{NUMBER}\"] }}}}。客户表示拒绝的，请立即停止并登记退订。"),
            "fields": { "thing1": format!("{{{{ form[\"{NUMBER}\"] }}}}") },
        }));
        company.scripts.insert(script, numbered.unwrap());
        let keys = Arc::new(FixedKeys::of(&tenant));
        Self { settings: Arc::new(settings), sends, endpoints, tenant, keys }
    }

    /// Everything of it on the platforms' side.
    pub(crate) fn options(&self, seed: u64) -> SimulatorOptions {
        let every = || 0..self.endpoints;
        SimulatorOptions {
            feishu_bots: every()
                .map(|it| FeishuBot {
                    hook: format!("hook-{it}"),
                    signing: Some("sign".to_owned()),
                    keywords: Vec::new(),
                })
                .collect(),
            feishu_apps: vec![FeishuApp {
                app_id: "cli_1".to_owned(),
                app_secret: "app-secret".to_owned(),
                receivers: every().map(|it| format!("oc_{it}")).collect(),
            }],
            wecom_bots: every().map(|it| WecomBot { key: format!("key-{it}") }).collect(),
            wecom_apps: vec![WecomApp {
                corp_id: "ww1".to_owned(),
                agent_id: 7,
                secret: "corp-secret".to_owned(),
                members: every().map(|it| format!("member{it}")).collect(),
            }],
            wechat_accounts: vec![WechatAccount {
                app_id: WECHAT.to_owned(),
                secret: "wx-secret".to_owned(),
                followers: (0..self.sends).map(open_id).collect(),
            }],
            webhooks: every()
                .map(|it| WebhookReceiver { name: format!("crm{it}"), secret: WEBHOOK_SECRET.to_owned() })
                .collect(),
            seed,
            ..SimulatorOptions::default()
        }
    }

    /// The channel of a message.
    pub(crate) fn channel(&self, number: usize) -> Channel {
        channels(number / KINDS % self.endpoints).into_iter().nth(number % KINDS).unwrap()
    }

    /// The event behind a message.
    pub(crate) fn key(&self, number: usize) -> EventKey {
        EventKey {
            tenant: self.tenant.clone(),
            source: SourceId::new("open-platform").unwrap(),
            message: MessageId::new(label(number)).unwrap(),
        }
    }

    /// A message as it comes off the queue.
    pub(crate) fn assigned(&self, number: usize, at: UnixMillis) -> UncheckedAssigned {
        let channel = self.channel(number);
        let assignment = Assignment {
            experiment: None,
            bucket: None,
            variant: None,
            script: ScriptId::new(SCRIPT).unwrap(),
            script_version: 1,
            destination: destination_id(&channel, number / KINDS % self.endpoints),
        };
        let cleared = Cleared::by(&decision(), self.event(number, at), at, &self.keys).unwrap();
        let assigned = Assigned::of(cleared, assignment, &self.keys);
        serde_json::from_str(&serde_json::to_string(&assigned).unwrap()).unwrap()
    }

    fn event(&self, number: usize, at: UnixMillis) -> Event {
        let key = self.key(number);
        let bytes = u64::try_from(number).unwrap().to_be_bytes();
        let record = key.to_string();
        let fields = [(NUMBER, label(number)), (OPEN_ID, open_id(number))];
        let seal = |(place, (name, value)): (u8, (&str, String))| {
            // A nonce of its own for each field of each event: the key is fixed.
            let nonce = [bytes.as_slice(), &[place, 0, 0, 0]].concat().try_into().unwrap();
            let field = PersonalField::Form(name.to_owned());
            let sealed = self.keys.seal(SEAL_TABLE, &field.to_string(), &record, &value, nonce).unwrap();
            (field, sealed)
        };
        Event {
            trace_id: TraceId::from_parts(at, [bytes.as_slice(), &[0; 2]].concat().try_into().unwrap()),
            person: Some(self.keys.person(&open_id(number))),
            key,
            kind: EventKind::FormSubmit,
            name: "im_receive_msg".into(),
            occurred_at: None,
            received_at: at,
            payload_sha256: "00".repeat(32),
            account: None,
            subject: Subject::Nothing,
            personal: (0..).zip(fields).map(seal).collect(),
        }
    }
}

/// What a message calls itself, wherever it is seen.
fn label(number: usize) -> String {
    format!("N{number:06}")
}

/// The number of a message that somebody saw.
pub(crate) fn number_in(text: &str) -> usize {
    let mut digits = text.split('N').filter_map(|part| part.get(..6));
    digits.find_map(|digits| digits.parse().ok()).unwrap()
}

pub(crate) fn open_id(number: usize) -> String {
    format!("o{number:06}")
}

fn destination_id(channel: &Channel, endpoint: usize) -> DestinationId {
    DestinationId::new(format!("{}-{endpoint}", channel.as_str())).unwrap()
}

fn channels(endpoint: usize) -> [Channel; KINDS] {
    let (app_id, secret, openid_field) = (WECHAT.to_owned(), "wx-secret".to_owned(), OPEN_ID.to_owned());
    [
        Channel::FeishuApp {
            app_id: "cli_1".to_owned(),
            secret: "app-secret".to_owned(),
            receive_id_type: "chat_id".to_owned(),
            receive_id: format!("oc_{endpoint}"),
        },
        Channel::WecomApp {
            corp_id: "ww1".to_owned(),
            agent_id: 7,
            secret: "corp-secret".to_owned(),
            members: vec![format!("member{endpoint}")],
        },
        Channel::WechatTemplate {
            app_id: app_id.clone(),
            secret: secret.clone(),
            openid_field: openid_field.clone(),
            template_id: TEMPLATE.to_owned(),
            purposes: Vec::new(),
            mini_program: None,
        },
        Channel::Webhook {
            url: format!("https://crm.example.com/webhook/crm{endpoint}"),
            secret: WEBHOOK_SECRET.to_owned(),
            allow_private: false,
        },
        Channel::FeishuBot {
            hook: format!("hook-{endpoint}"),
            signing: Some("sign".to_owned()),
            uploads: None,
        },
        Channel::WecomBot { key: format!("key-{endpoint}") },
        Channel::WechatCustom {
            app_id: app_id.clone(),
            secret: secret.clone(),
            openid_field: openid_field.clone(),
        },
        Channel::WechatSubscribe {
            app_id,
            secret,
            openid_field,
            template_id: TEMPLATE.to_owned(),
            account: SubscribeAccount::Service,
            page: None,
        },
    ]
}

fn decision() -> Decision {
    let reason = Reason {
        code: "consent_stands".into(),
        title: "同意有效".into(),
        rule: RuleId::new("form-consented").unwrap(),
        exception: None,
        basis: vec![],
        evidence: vec![],
    };
    let pack =
        PackStamp { id: RulePackId::new("baseline").unwrap(), version: "1".into(), sha256: "ab".repeat(32) };
    Decision::of(Verdict::Allow, vec![reason], pack)
}
