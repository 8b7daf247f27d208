//! Sluice's channels over their own HTTP client.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use secrecy::SecretString;
use sluice_channels::{Channels, Endpoints, HyperClient, Message};
use sluice_domain::consent::Recipient;
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{Channel, Destination, SubscribeAccount};
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::time::UnixMillis;
use sluice_ports::{
    HttpClient, HttpRequest, HttpResponse, PortError, SecretStore, SecretVersions, TransportError,
};
use sluice_simulators::SimulatorClock;

use crate::platform::{Platforms, Simulated, TEMPLATE, WEBHOOK_SECRET, open_id};

/// The clock goes on by so much before each send: no limit is ever reached, on either side.
const APART_MS: i64 = 12_000;
/// Around the full and half hour the platforms take less.
const HALF_HOUR_MS: i64 = 30 * 60_000;
const BUSY_MS: i64 = 90_000;
/// A message that no round sends.
const APART_FROM_ROUNDS: usize = 999_999;

/// Secrets whose value is their name.
struct Named;

impl SecretStore for Named {
    async fn secret(&self, _: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
        Ok(SecretVersions { current: SecretString::from(name), previous: None })
    }
}

/// The product's client, which remembers the last body it sent.
struct Watched {
    inner: HyperClient,
    last: Arc<Mutex<Bytes>>,
}

impl HttpClient for Watched {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        *self.last.lock().unwrap() = request.body.clone();
        self.inner.send(request).await
    }
}

/// One channel.
pub(crate) struct Sender {
    channels: Channels<Watched, Named, Simulated>,
    tenant: TenantId,
    destination: Destination,
    clock: SimulatorClock,
    last: Arc<Mutex<Bytes>>,
}

impl Sender {
    pub(crate) fn new(platforms: &Platforms, name: &str) -> Self {
        let channel = channels().into_iter().find(|channel| channel.as_str() == name).unwrap();
        let channel = match channel {
            Channel::Webhook { secret, allow_private, .. } => {
                Channel::Webhook { url: format!("{}/webhook/crm", platforms.url), secret, allow_private }
            }
            other => other,
        };
        let endpoints = Endpoints::new(&platforms.url, &platforms.url, &platforms.url).unwrap();
        let last = Arc::new(Mutex::new(Bytes::new()));
        let client = Watched { inner: HyperClient::new().unwrap(), last: Arc::clone(&last) };
        Self {
            channels: Channels::new(endpoints, client, Named, Simulated(platforms.clock.clone())),
            tenant: TenantId::new("acme").unwrap(),
            destination: Destination {
                id: DestinationId::new(name).unwrap(),
                weight: 1,
                recipient: Recipient::new("sales").unwrap(),
                channel,
                acquisition_link: None,
                limits: Arc::default(),
            },
            clock: platforms.clock.clone(),
            last,
        }
    }

    /// Sends one message, which must arrive.
    pub(crate) async fn send(&self, number: usize) {
        self.clock.advance_ms(APART_MS);
        let past = self.clock.now_ms().rem_euclid(HALF_HOUR_MS);
        if !(BUSY_MS..=HALF_HOUR_MS - BUSY_MS).contains(&past) {
            self.clock.advance_ms(2 * BUSY_MS);
        }
        let message = message(number);
        let report = self.channels.send(&self.tenant, &self.destination, &message).await;
        assert!(matches!(report.outcome, Outcome::Delivered { .. }), "{report:?}");
    }

    /// What a message of this channel looks like.
    pub(crate) async fn body(&self) -> Bytes {
        self.send(APART_FROM_ROUNDS).await;
        self.last.lock().unwrap().clone()
    }
}

fn message(number: usize) -> Message {
    Message {
        dispatch_id: format!("0193a0c0-0000-7000-8000-{number:012}"),
        title: Some("新线索".to_owned()),
        text: format!(
            "【示例品牌】有客户提交了留资表单，并同意由销售团队联系。编号：{number}。客户表示拒绝的，请立即停止并登记退订。"
        ),
        link: Some(("查看线索".to_owned(), "https://example.com/lead/1".to_owned())),
        image: None,
        recipient: Some(open_id(if number == APART_FROM_ROUNDS { 0 } else { number })),
        fields: [("thing1".to_owned(), format!("预约 {number}"))].into(),
        reply: None,
        at: UnixMillis(1_795_248_000_000),
    }
}

pub(crate) fn channels() -> [Channel; 8] {
    let (app_id, secret, openid_field) =
        ("wx1".to_owned(), "wx-secret".to_owned(), "wechat_openid".to_owned());
    [
        Channel::FeishuBot { hook: "hook".to_owned(), signing: Some("sign".to_owned()), uploads: None },
        Channel::FeishuApp {
            app_id: "cli_1".to_owned(),
            secret: "app-secret".to_owned(),
            receive_id_type: "chat_id".to_owned(),
            receive_id: "oc_1".to_owned(),
        },
        Channel::WecomBot { key: "key".to_owned() },
        Channel::WecomApp {
            corp_id: "ww1".to_owned(),
            agent_id: 7,
            secret: "corp-secret".to_owned(),
            members: vec!["zhangsan".to_owned()],
        },
        Channel::WechatCustom {
            app_id: app_id.clone(),
            secret: secret.clone(),
            openid_field: openid_field.clone(),
        },
        Channel::WechatTemplate {
            app_id: app_id.clone(),
            secret: secret.clone(),
            openid_field: openid_field.clone(),
            template_id: TEMPLATE.to_owned(),
            purposes: Vec::new(),
            mini_program: None,
        },
        Channel::WechatSubscribe {
            app_id,
            secret,
            openid_field,
            template_id: TEMPLATE.to_owned(),
            account: SubscribeAccount::Service,
            page: None,
        },
        Channel::Webhook { url: String::new(), secret: WEBHOOK_SECRET.to_owned(), allow_private: true },
    ]
}
