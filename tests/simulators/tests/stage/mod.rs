//! The simulators and the real sender, wired to each other.

#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses its part of the stage")]

use bytes::Bytes;
use secrecy::SecretString;
use sluice_channels::{Channels, Endpoints, HyperClient, Message, Reply, SendReport};
use sluice_domain::consent::Recipient;
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{ACKNOWLEDGEMENT, Channel, Destination, SubscribeAccount};
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::image::{Image, ImageName};
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, ImageFiles, PortError, SecretStore, SecretVersions};
use sluice_simulators::{
    DouyinAccount, Fault, FaultEffect, FaultTimes, FeishuApp, FeishuBot, Place, Platform, Running,
    SimulatorClock, SimulatorOptions, Simulators, WebhookReceiver, WechatAccount, WecomApp, WecomBot,
};

/// Secrets whose value is their name.
pub(crate) struct Named;

impl SecretStore for Named {
    async fn secret(&self, _: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
        if name == "missing" {
            return Err(PortError::Missing { what: "secret", cause: name.to_owned() });
        }
        Ok(SecretVersions { current: SecretString::from(name), previous: None })
    }
}

/// The sample images, by their hash.
pub(crate) struct Vectors;

pub(crate) const PNG: &[u8] = include_bytes!("../../../vectors/images/card.png");
pub(crate) const JPEG: &[u8] = include_bytes!("../../../vectors/images/card.jpg");

impl ImageFiles for Vectors {
    async fn image(&self, image: &Image) -> Result<Bytes, PortError> {
        let found = [PNG, JPEG].into_iter().find(|bytes| image.is(bytes)).map(Bytes::from_static);
        found.ok_or_else(|| PortError::Missing { what: "images", cause: image.name.to_string() })
    }
}

/// The message of an image.
pub(crate) fn picture(number: u32, name: &str, bytes: &[u8]) -> Message {
    let image = Image::inspect(ImageName::new(name).unwrap(), bytes).unwrap();
    Message { title: None, link: None, text: String::new(), image: Some(image), ..message(number) }
}

pub(crate) struct Simulated(pub(crate) SimulatorClock);

impl Clock for Simulated {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.now_ms())
    }
}

pub(crate) struct Stage {
    pub(crate) simulators: Running,
    pub(crate) channels: Channels<HyperClient, Named, Simulated>,
    pub(crate) tenant: TenantId,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let simulators = Simulators::start(options()).await.unwrap();
        let endpoints =
            Endpoints::new(&simulators.feishu_url, &simulators.wecom_url, &simulators.wechat_url).unwrap();
        let channels =
            Channels::new(endpoints, HyperClient::new().unwrap(), Named, Simulated(simulators.clock()))
                .showing(Vectors);
        simulators.douyin_person_writes("@m==");
        for _ in 0..20 {
            simulators.wechat_person_allows("wx1", "o1", TEMPLATE);
        }
        Self { simulators, channels, tenant: TenantId::new("acme").unwrap() }
    }

    pub(crate) async fn send(&self, channel: &Channel, message: &Message) -> SendReport {
        self.channels.send(&self.tenant, &destination(channel), message).await
    }

    pub(crate) async fn outcome(&self, channel: &Channel, message: &Message) -> Outcome {
        self.send(channel, message).await.outcome
    }

    pub(crate) fn fault(&self, platform: Platform, place: Place, effect: FaultEffect) {
        self.simulators.inject(Fault { platform, place, effect, times: FaultTimes::Next(1) });
    }

    pub(crate) fn minutes(&self, minutes: i64) {
        self.simulators.clock().advance_ms(minutes * 60_000);
    }
}

pub(crate) fn options() -> SimulatorOptions {
    SimulatorOptions {
        feishu_bots: vec![FeishuBot {
            hook: "hook".to_owned(),
            signing: Some("sign".to_owned()),
            keywords: Vec::new(),
        }],
        feishu_apps: vec![FeishuApp {
            app_id: "cli_1".to_owned(),
            app_secret: "app-secret".to_owned(),
            receivers: vec!["oc_1".to_owned()],
        }],
        wecom_bots: vec![WecomBot { key: "key".to_owned() }],
        wecom_apps: vec![WecomApp {
            corp_id: "ww1".to_owned(),
            agent_id: 7,
            secret: "corp-secret".to_owned(),
            members: vec!["ZhangSan".to_owned(), "lisi".to_owned()],
        }],
        wechat_accounts: vec![WechatAccount {
            app_id: "wx1".to_owned(),
            secret: "wx-secret".to_owned(),
            followers: vec!["o1".to_owned()],
        }],
        douyin_accounts: vec![DouyinAccount {
            client_key: "aw1".to_owned(),
            refresh_token: "rft.1".to_owned(),
            open_id: "merchant".to_owned(),
        }],
        webhooks: vec![WebhookReceiver { name: "crm".to_owned(), secret: WEBHOOK_SECRET.to_owned() }],
        ..SimulatorOptions::default()
    }
}

/// Of the published vector.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const TEMPLATE: &str = "template-1";

pub(crate) fn destination(channel: &Channel) -> Destination {
    Destination {
        id: DestinationId::new(channel.as_str()).unwrap(),
        weight: 1,
        recipient: Recipient::new("sales").unwrap(),
        channel: channel.clone(),
        acquisition_link: None,
        limits: std::sync::Arc::default(),
    }
}

pub(crate) fn feishu_bot() -> Channel {
    Channel::FeishuBot { hook: "hook".to_owned(), signing: Some("sign".to_owned()), uploads: None }
}

pub(crate) fn feishu_app() -> Channel {
    Channel::FeishuApp {
        app_id: "cli_1".to_owned(),
        secret: "app-secret".to_owned(),
        receive_id_type: "chat_id".to_owned(),
        receive_id: "oc_1".to_owned(),
    }
}

pub(crate) fn wecom_bot() -> Channel {
    Channel::WecomBot { key: "key".to_owned() }
}

pub(crate) fn wecom_app(members: &[&str]) -> Channel {
    Channel::WecomApp {
        corp_id: "ww1".to_owned(),
        agent_id: 7,
        secret: "corp-secret".to_owned(),
        members: members.iter().map(|member| (*member).to_owned()).collect(),
    }
}

pub(crate) fn wechat() -> Channel {
    Channel::WechatCustom {
        app_id: "wx1".to_owned(),
        secret: "wx-secret".to_owned(),
        openid_field: "openid".to_owned(),
    }
}

pub(crate) fn wechat_template() -> Channel {
    Channel::WechatTemplate {
        app_id: "wx1".to_owned(),
        secret: "wx-secret".to_owned(),
        openid_field: "openid".to_owned(),
        template_id: TEMPLATE.to_owned(),
        purposes: Vec::new(),
        mini_program: None,
    }
}

pub(crate) fn wechat_subscribe(account: SubscribeAccount) -> Channel {
    Channel::WechatSubscribe {
        app_id: "wx1".to_owned(),
        secret: "wx-secret".to_owned(),
        openid_field: "openid".to_owned(),
        template_id: TEMPLATE.to_owned(),
        account,
        page: None,
    }
}

pub(crate) fn douyin_message() -> Channel {
    Channel::DouyinMessage {
        client_key: "aw1".to_owned(),
        refresh_token: "rft.1".to_owned(),
        acknowledge: ACKNOWLEDGEMENT.to_owned(),
    }
}

pub(crate) fn webhook(base: &str) -> Channel {
    let url = format!("{base}/webhook/crm");
    Channel::Webhook { url, secret: WEBHOOK_SECRET.to_owned(), allow_private: true }
}

pub(crate) fn all() -> [Channel; 5] {
    [feishu_bot(), feishu_app(), wecom_bot(), wecom_app(&["zhangsan"]), wechat()]
}

pub(crate) fn applications() -> [(Channel, Platform); 3] {
    [
        (feishu_app(), Platform::Feishu),
        (wecom_app(&["zhangsan"]), Platform::Wecom),
        (wechat(), Platform::Wechat),
    ]
}

pub(crate) fn message(number: u32) -> Message {
    Message {
        dispatch_id: format!("0193a0c0-0000-7000-8000-{number:012}"),
        title: Some("新线索".to_owned()),
        text: format!("张先生 138****0001 想了解课程 {number}"),
        link: Some(("查看".to_owned(), "https://example.com/lead/1".to_owned())),
        image: None,
        recipient: Some("o1".to_owned()),
        fields: [("thing1".to_owned(), format!("预约 {number}"))].into(),
        reply: Some(Reply::Message {
            account: "merchant".to_owned(),
            conversation_id: "@c==".to_owned(),
            message_id: "@m==".to_owned(),
            until: UnixMillis(i64::MAX),
        }),
        at: UnixMillis(1_795_248_000_000),
    }
}

pub(crate) fn is_delivered(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Delivered { .. })
}

pub(crate) fn platform_of(channel: &Channel) -> Platform {
    match channel {
        Channel::FeishuBot { .. } | Channel::FeishuApp { .. } => Platform::Feishu,
        Channel::WecomBot { .. } | Channel::WecomApp { .. } => Platform::Wecom,
        Channel::WechatCustom { .. } | Channel::WechatTemplate { .. } | Channel::WechatSubscribe { .. } => {
            Platform::Wechat
        }
        Channel::DouyinMessage { .. } | Channel::DouyinComment { .. } => Platform::Douyin,
        Channel::Webhook { .. } => Platform::Webhook,
    }
}
