use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::id::{DestinationId, TenantId};
use sluice_ports::{Clock, HttpClient, SecretStore};

use crate::application::Application;
use crate::blocks::Blocks;
use crate::call;
use crate::refusal::Refusal;
use crate::tokens::Tokens;
use crate::{Endpoints, Idempotency, Message, SendReport, feishu, wecom};

/// Sends messages to destinations; keeps tokens and known block windows in memory.
///
/// One per process. It never repeats a message whose fate is unclear; it repeats at most once, and only what a platform has
/// refused for a dead token or a stale sign.
#[derive(Debug)]
pub struct Channels<Http, Secrets, Time> {
    pub(crate) endpoints: Endpoints,
    pub(crate) http: Http,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Time,
    pub(crate) tokens: Tokens,
    pub(crate) blocks: Blocks,
    pub(crate) pace: wecom::pace::Pace,
}

/// What is sent, where to, for whom.
#[derive(Clone, Copy)]
pub(crate) struct Errand<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) endpoint: &'a DestinationId,
    pub(crate) message: &'a Message,
}

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Channels<Http, Secrets, Time> {
    /// With empty caches.
    pub fn new(endpoints: Endpoints, http: Http, secrets: Secrets, clock: Time) -> Self {
        Self {
            endpoints,
            http,
            secrets,
            clock,
            tokens: Tokens::default(),
            blocks: Blocks::default(),
            pace: wecom::pace::Pace::default(),
        }
    }

    /// Sends one message once. Every fault is in the report: configuration faults are [`Outcome::EndpointRefused`] with a code.
    ///
    /// Inside a block window that the platform has announced, nothing is sent; the report says [`Outcome::Throttled`] with the
    /// code `blocked`. The same where WeCom would drop the message in silence, with the code `paced`.
    pub async fn send(&self, tenant: &TenantId, destination: &Destination, message: &Message) -> SendReport {
        let errand = Errand { tenant, endpoint: &destination.id, message };
        let report = match self.route(errand, &destination.channel).await {
            Ok(report) => report,
            Err(refusal) => refusal.into_report(),
        };
        if report.outcome == Outcome::EndpointRefused {
            let (channel, code) = (destination.channel.as_str(), report.code.as_deref().unwrap_or_default());
            tracing::error!(%tenant, destination = %destination.id, channel, code, "endpoint refused: {code}");
        }
        report
    }

    /// What the channel promises about repeats.
    pub fn idempotency(channel: &Channel) -> Idempotency {
        idempotency(channel)
    }

    async fn route(&self, errand: Errand<'_>, channel: &Channel) -> Result<SendReport, Refusal> {
        self.unblocked(errand)?;
        match channel {
            Channel::FeishuBot { hook, signing } => self.feishu_bot(errand, hook, signing.as_deref()).await,
            Channel::FeishuApp { app_id, secret, receive_id_type, receive_id } => {
                let application = Application::Feishu { app_id, receive_id_type, receive_id };
                self.with_token(errand, application, secret).await
            }
            Channel::WecomBot { key } => self.wecom_bot(errand, key).await,
            Channel::WecomApp { corp_id, agent_id, secret, members } => {
                let application = Application::Wecom { corp_id, agent_id: *agent_id, members };
                self.with_token(errand, application, secret).await
            }
            Channel::WechatCustom { app_id, secret, openid_field: _ } => {
                self.with_token(errand, Application::Wechat { app_id }, secret).await
            }
            Channel::WechatTemplate { app_id, secret, template_id, mini_program, .. } => {
                let mini_program = mini_program.as_ref();
                let application = Application::WechatTemplate { app_id, template_id, mini_program };
                self.with_token(errand, application, secret).await
            }
            Channel::WechatSubscribe { app_id, secret, template_id, account, page, .. } => {
                let (account, page) = (*account, page.as_deref());
                let application = Application::WechatSubscribe { app_id, template_id, account, page };
                self.with_token(errand, application, secret).await
            }
            Channel::DouyinMessage { client_key, refresh_token, acknowledge }
            | Channel::DouyinComment { client_key, refresh_token, acknowledge } => {
                self.douyin(errand, client_key, refresh_token, acknowledge).await
            }
            Channel::Webhook { url, secret, allow_private } => {
                self.webhook(errand, url, secret, *allow_private).await
            }
            Channel::Landing { .. } => Ok(SendReport {
                outcome: Outcome::Delivered { provider_id: None },
                code: Some("landing".to_owned()),
                message: None,
                provider_log_id: None,
                request_sha256: None,
            }),
        }
    }

    /// A stale sign is renewed once: with the previous secret while one is being rotated, else with a later moment.
    async fn feishu_bot(
        &self,
        errand: Errand<'_>,
        hook: &str,
        signing: Option<&str>,
    ) -> Result<SendReport, Refusal> {
        let hook = self.secret(errand.tenant, hook).await?.current;
        let signing = match signing {
            Some(name) => Some(self.secret(errand.tenant, name).await?),
            None => None,
        };
        let url = feishu::bot::url(self.endpoints.feishu(), call::bot_key(expose(&hook))?);
        let signed = |secret| feishu::bot::payload(errand.message, secret, self.clock.now().as_secs());

        let payload = signed(signing.as_ref().map(|secret| expose(&secret.current)))?;
        let heard = self.exchange(&feishu::DIALECT, call::post(url.clone(), &payload)).await;
        let (payload, heard) = match &signing {
            Some(secret) if heard.asks_for_another_sign() => {
                let again = signed(Some(expose(secret.previous.as_ref().unwrap_or(&secret.current))))?;
                let heard = self.exchange(&feishu::DIALECT, call::post(url, &again)).await;
                (again, heard)
            }
            _ => (payload, heard),
        };
        Ok(self.conclude(errand, &feishu::DIALECT, &payload, heard, taken))
    }

    async fn wecom_bot(&self, errand: Errand<'_>, key: &str) -> Result<SendReport, Refusal> {
        let payload = wecom::bot::payload(errand.message)?;
        let key = self.secret(errand.tenant, key).await?.current;
        let url = wecom::bot::url(self.endpoints.wecom(), call::bot_key(expose(&key))?);
        let heard = self.exchange(&wecom::BOT_DIALECT, call::post(url, &payload)).await;
        Ok(self.conclude(errand, &wecom::BOT_DIALECT, &payload, heard, taken))
    }
}

/// What the channel promises about repeats.
pub fn idempotency(channel: &Channel) -> Idempotency {
    /// Kept back from every window, for clocks and queues.
    const MARGIN_MS: i64 = 5 * 60_000;
    match channel {
        // `uuid`: at most one message per hour (Feishu, im/v1/messages).
        Channel::FeishuApp { .. } => Idempotency::Window { ms: 60 * 60_000 - MARGIN_MS },
        // `enable_duplicate_check` over the longest interval, 4 h (WW90236).
        Channel::WecomApp { .. } => {
            Idempotency::Window { ms: wecom::app::DUPLICATE_CHECK_S * 1_000 - MARGIN_MS }
        }
        // `client_msg_id`: the same person once in ten minutes.
        Channel::WechatTemplate { .. } => Idempotency::Window { ms: 10 * 60_000 - 2 * 60_000 },
        // `webhook-id`: the receiver drops what it has seen, for as long as anybody would try (Standard Webhooks).
        Channel::Webhook { .. } => Idempotency::Window { ms: 24 * 60 * 60_000 - MARGIN_MS },
        // A repeat of a subscribe message can spend another consent of the person's.
        Channel::WechatSubscribe { .. }
        | Channel::FeishuBot { .. }
        | Channel::WecomBot { .. }
        | Channel::WechatCustom { .. }
        | Channel::DouyinMessage { .. }
        | Channel::DouyinComment { .. }
        | Channel::Landing { .. } => Idempotency::None,
    }
}

/// A success that names no message.
fn taken(_: &serde_json::Value) -> Outcome {
    Outcome::Delivered { provider_id: None }
}

fn expose(secret: &secrecy::SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(secret)
}
