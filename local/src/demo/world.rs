//! The demo's outside world: secrets made on the spot, the simulated platforms that know them, one clock for all.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use secrecy::SecretString;
use serde_json::{Map, Value, json};
use sluice_domain::consent::{ConsentKey, ConsentRecord, ConsentText, Evidence, Purpose, Recipient};
use sluice_domain::destination::Channel;
use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::scheme::{Credentials, Signed, ToSign, sign};
use sluice_domain::settings::Settings;
use sluice_domain::source::SchemeName;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, Entropy};
use sluice_simulators::{
    CensorApp, FeishuApp, FeishuBot, SimulatorClock, SimulatorOptions, WechatAccount, WecomApp, WecomBot,
};

use super::callbacks::{Callback, Tamper, WECHAT_FOLLOWER};
use crate::output::CommandError;

/// A key pair for the demo's trade-system callbacks. It protects nothing: it is published with the source.
const TRADE_PRIVATE_KEY: &str = include_str!("../../../tests/vectors/trade_system/private_key.pem");
const TRADE_PUBLIC_KEY: &str = include_str!("../../../tests/vectors/trade_system/public_key.pem");

/// What the simulated text censor calls a violation.
pub const HIT_WORD: &str = "代开发票";

/// The clock of the simulators, for the gate too: moving it moves both.
#[derive(Debug, Clone)]
pub struct DemoClock(pub SimulatorClock);

impl Clock for DemoClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.now_ms())
    }
}

/// The secrets of the demo, by tenant and name.
pub struct World {
    secrets: BTreeMap<(TenantId, String), String>,
}

impl World {
    /// Makes a secret for everything that the configuration names one for.
    pub fn new(settings: &Settings, entropy: &impl Entropy) -> Self {
        let mut secrets = BTreeMap::new();
        for tenant in settings.tenants.values() {
            for source in tenant.sources.values() {
                let secret = match source.scheme {
                    SchemeName::TradeSystem => TRADE_PUBLIC_KEY.to_owned(),
                    SchemeName::MiniAppEncrypted | SchemeName::WecomCallback | SchemeName::WechatPush => {
                        json!({ "token": random_hex(entropy, 8), "encoding_aes_key": aes_key(entropy) })
                            .to_string()
                    }
                    SchemeName::FeishuEvents => {
                        json!({ "encrypt_key": random_hex(entropy, 16), "verification_token": random_hex(entropy, 8) })
                            .to_string()
                    }
                    SchemeName::OpenPlatform
                    | SchemeName::LifeSpi
                    | SchemeName::MiniAppPush
                    | SchemeName::SecuredPayment
                    | SchemeName::LivePush
                    | SchemeName::Doudian
                    | SchemeName::OceanEngine => random_hex(entropy, 16),
                };
                secrets.entry((tenant.id.clone(), source.secret.clone())).or_insert(secret);
                if let Some(welcome) = &source.welcome {
                    secrets
                        .entry((tenant.id.clone(), welcome.secret.clone()))
                        .or_insert_with(|| random_hex(entropy, 16));
                }
            }
            if let Some(safety) = &tenant.safety {
                secrets
                    .entry((tenant.id.clone(), safety.secret.clone()))
                    .or_insert_with(|| random_hex(entropy, 16));
            }
            for destination in tenant.destinations.values() {
                for name in secret_names(&destination.channel) {
                    secrets
                        .entry((tenant.id.clone(), name.to_owned()))
                        .or_insert_with(|| random_hex(entropy, 16));
                }
            }
        }
        Self { secrets }
    }

    /// One secret; empty when the configuration names none such.
    pub fn secret(&self, tenant: &TenantId, name: &str) -> &str {
        self.secrets.get(&(tenant.clone(), name.to_owned())).map_or("", String::as_str)
    }

    /// Every secret with its tenant and name.
    pub fn secrets(&self) -> impl Iterator<Item = (&TenantId, &str, &str)> {
        self.secrets.iter().map(|((tenant, name), secret)| (tenant, name.as_str(), secret.as_str()))
    }

    /// Signs a callback as the platform does, then does to it what the demo wants done.
    ///
    /// # Errors
    /// When its source is not configured or it can not be signed.
    pub fn signed(
        &self,
        settings: &Settings,
        callback: &Callback,
        now: UnixMillis,
    ) -> Result<(TenantId, Signed), CommandError> {
        let unusable =
            |what: String| CommandError::configuration(format!("demo callback `{}`: {what}", callback.title));
        let found = settings.source(callback.source);
        let (tenant, source) = found.ok_or_else(|| unusable("its source is not configured".into()))?;
        let secret = match source.scheme {
            SchemeName::TradeSystem => TRADE_PRIVATE_KEY,
            _ => self.secret(&tenant.id, &source.secret),
        };
        let secret = SecretString::from(secret);
        let headers: Vec<_> =
            callback.message_id.iter().map(|id| ("Msg-Id".to_owned(), (*id).to_owned())).collect();
        let query: Vec<_> =
            callback.query.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let at = match callback.tamper {
            Tamper::Stale => now.plus_ms(-3_600_000),
            Tamper::Genuine | Tamper::Forged => now,
        };
        let rng = ring::rand::SystemRandom::new();
        let mut message = ToSign { rng: Some(&rng), ..ToSign::post(callback.body.as_bytes(), at) };
        (message.method, message.headers, message.query) = (callback.method, &headers, &query);
        let signed = sign(source.scheme, message, &Credentials::of_source(source, &secret, None));
        let mut signed = signed.map_err(|error| unusable(error.to_string()))?;
        if callback.tamper == Tamper::Forged
            && let Some(byte) = signed.body.last_mut()
        {
            *byte = b' ';
        }
        Ok((tenant.id.clone(), signed))
    }

    /// Writes the secrets file (mode 0600).
    pub fn write(&self, path: &Path) -> Result<(), CommandError> {
        let mut tenants: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for ((tenant, name), secret) in &self.secrets {
            tenants.entry(tenant.as_str()).or_default().insert(name.clone(), secret.as_str().into());
        }
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        file.and_then(|mut file| file.write_all(json!(tenants).to_string().as_bytes())).map_err(|error| {
            CommandError::unavailable(format!("can not write `{}`: {error}", path.display()))
        })
    }

    /// What exists on the simulated platforms: everything that the configuration sends to.
    pub fn platforms(&self, settings: &Settings) -> SimulatorOptions {
        let mut options = SimulatorOptions::default();
        for tenant in settings.tenants.values() {
            let secret = |name: &str| self.secret(&tenant.id, name).to_owned();
            options.censor_apps.extend(tenant.safety.iter().map(|safety| CensorApp {
                app_id: safety.app_id.clone(),
                secret: secret(&safety.secret),
                hit_words: vec![HIT_WORD.to_owned()],
                per_day: None,
            }));
            for destination in tenant.destinations.values() {
                match &destination.channel {
                    Channel::FeishuBot { hook, signing, uploads: _ } => options.feishu_bots.push(FeishuBot {
                        hook: secret(hook),
                        signing: signing.as_deref().map(secret),
                        keywords: Vec::new(),
                    }),
                    Channel::FeishuApp { app_id, secret: name, receive_id, .. } => {
                        options.feishu_apps.push(FeishuApp {
                            app_id: app_id.clone(),
                            app_secret: secret(name),
                            receivers: vec![receive_id.clone()],
                        });
                    }
                    Channel::WecomBot { key } => options.wecom_bots.push(WecomBot { key: secret(key) }),
                    Channel::WecomApp { corp_id, agent_id, secret: name, members } => {
                        options.wecom_apps.push(WecomApp {
                            corp_id: corp_id.clone(),
                            agent_id: *agent_id,
                            secret: secret(name),
                            members: members.clone(),
                        });
                    }
                    Channel::WechatCustom { app_id, secret: name, .. }
                    | Channel::WechatTemplate { app_id, secret: name, .. }
                    | Channel::WechatSubscribe { app_id, secret: name, .. } => {
                        options.wechat_accounts.push(WechatAccount {
                            app_id: app_id.clone(),
                            secret: secret(name),
                            followers: vec![WECHAT_FOLLOWER.to_owned()],
                        });
                    }
                    // None of the demo's: the first two ask for an account of a merchant, the last for a system of one.
                    Channel::DouyinMessage { .. }
                    | Channel::DouyinComment { .. }
                    | Channel::Webhook { .. } => {}
                }
            }
        }
        options
    }
}

/// A consent that stood before the demo began, for [`super::callbacks::CONSENTS`].
///
/// # Errors
/// When the recipient is no name.
pub fn standing_consent(
    tenant: TenantId,
    person: PersonId,
    recipient: &str,
    now: UnixMillis,
) -> Result<ConsentRecord, CommandError> {
    let usage = |error: sluice_domain::id::InvalidId| CommandError::usage(error.to_string());
    let key = ConsentKey {
        tenant,
        person,
        purpose: Purpose::new("sales_contact").map_err(usage)?,
        recipient: Recipient::new(recipient).map_err(usage)?,
    };
    let text = ConsentText::shown("demo", "我同意就我咨询的产品与我联系。");
    let evidence = Evidence::Operator { note: "demo".into() };
    Ok(ConsentRecord::new(key, text, now.plus_ms(-86_400_000), evidence))
}

fn secret_names(channel: &Channel) -> Vec<&str> {
    match channel {
        Channel::FeishuBot { hook, signing, uploads } => {
            let uploads = uploads.as_ref().map(|it| it.secret.as_str());
            [Some(hook.as_str()), signing.as_deref(), uploads].into_iter().flatten().collect()
        }
        Channel::FeishuApp { secret, .. }
        | Channel::WecomApp { secret, .. }
        | Channel::WechatCustom { secret, .. }
        | Channel::WechatTemplate { secret, .. }
        | Channel::WechatSubscribe { secret, .. }
        | Channel::Webhook { secret, .. } => vec![secret],
        Channel::DouyinMessage { refresh_token, .. } | Channel::DouyinComment { refresh_token, .. } => {
            vec![refresh_token]
        }
        Channel::WecomBot { key } => vec![key],
    }
}

fn random_hex(entropy: &impl Entropy, bytes: usize) -> String {
    let mut random = vec![0; bytes];
    entropy.fill(&mut random);
    hex::encode(random)
}

/// 43 characters of base64 whose last one carries no stray bits: 32 bytes, as the platform hands them out.
fn aes_key(entropy: &impl Entropy) -> String {
    let hex = random_hex(entropy, 21);
    format!("{hex}A")
}
