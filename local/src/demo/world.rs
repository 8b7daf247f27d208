//! The demo's outside world: secrets made on the spot, the simulated platforms that know them, one clock for all.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use sluice_domain::destination::Channel;
use sluice_domain::id::TenantId;
use sluice_domain::settings::Settings;
use sluice_domain::source::SchemeName;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, Entropy};
use sluice_simulators::{
    FeishuApp, FeishuBot, SimulatorClock, SimulatorOptions, WechatAccount, WecomApp, WecomBot,
};

use crate::output::CommandError;

/// A key pair for the demo's trade-system callbacks. It protects nothing: it is published with the source.
pub(super) const TRADE_PRIVATE_KEY: &str =
    include_str!("../../../tests/vectors/trade_system/private_key.pem");
const TRADE_PUBLIC_KEY: &str = include_str!("../../../tests/vectors/trade_system/public_key.pem");

/// The clock of the simulators, for the gate too: moving it moves both.
#[derive(Debug, Clone)]
pub(super) struct DemoClock(pub(super) SimulatorClock);

impl Clock for DemoClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.now_ms())
    }
}

/// The secrets of the demo, by tenant and name.
pub(super) struct World {
    secrets: BTreeMap<(TenantId, String), String>,
}

impl World {
    /// Makes a secret for everything that the configuration names one for.
    pub(super) fn new(settings: &Settings, entropy: &impl Entropy) -> Self {
        let mut secrets = BTreeMap::new();
        for tenant in settings.tenants.values() {
            for source in tenant.sources.values() {
                let secret = match source.scheme {
                    SchemeName::TradeSystem => TRADE_PUBLIC_KEY.to_owned(),
                    SchemeName::MiniAppEncrypted => {
                        json!({ "token": random_hex(entropy, 8), "encoding_aes_key": aes_key(entropy) })
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
    pub(super) fn secret(&self, tenant: &TenantId, name: &str) -> &str {
        self.secrets.get(&(tenant.clone(), name.to_owned())).map_or("", String::as_str)
    }

    /// Writes the secrets file (mode 0600).
    pub(super) fn write(&self, path: &Path) -> Result<(), CommandError> {
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
    pub(super) fn platforms(&self, settings: &Settings) -> SimulatorOptions {
        let mut options = SimulatorOptions::default();
        for tenant in settings.tenants.values() {
            let secret = |name: &str| self.secret(&tenant.id, name).to_owned();
            for destination in tenant.destinations.values() {
                match &destination.channel {
                    Channel::FeishuBot { hook, signing } => options.feishu_bots.push(FeishuBot {
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
                    Channel::WechatCustom { app_id, secret: name, .. } => {
                        options.wechat_accounts.push(WechatAccount {
                            app_id: app_id.clone(),
                            secret: secret(name),
                            followers: vec![super::callbacks::WECHAT_FOLLOWER.to_owned()],
                        });
                    }
                }
            }
        }
        options
    }
}

fn secret_names(channel: &Channel) -> Vec<&str> {
    match channel {
        Channel::FeishuBot { hook, signing } => {
            [Some(hook.as_str()), signing.as_deref()].into_iter().flatten().collect()
        }
        Channel::FeishuApp { secret, .. }
        | Channel::WecomApp { secret, .. }
        | Channel::WechatCustom { secret, .. } => {
            vec![secret]
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
