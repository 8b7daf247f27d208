use sluice_domain::delivery::Outcome;
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::id::TenantId;
use sluice_ports::{Clock, HttpClient, SecretStore};

use crate::{Endpoints, Idempotency, Message, SendReport};

/// Sends messages to destinations; keeps tokens and known block windows in memory.
#[derive(Debug)]
pub struct Channels<Http, Secrets, Time> {
    endpoints: Endpoints,
    http: Http,
    secrets: Secrets,
    clock: Time,
}

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Channels<Http, Secrets, Time> {
    /// With empty caches.
    pub fn new(endpoints: Endpoints, http: Http, secrets: Secrets, clock: Time) -> Self {
        Self { endpoints, http, secrets, clock }
    }

    /// Sends one message once. Every fault is in the report: configuration faults are [`Outcome::EndpointRefused`] with a code.
    pub async fn send(&self, tenant: &TenantId, destination: &Destination, message: &Message) -> SendReport {
        let _ = (&self.endpoints, &self.http, &self.secrets, &self.clock, tenant, destination, message);
        SendReport {
            outcome: Outcome::EndpointRefused,
            code: Some("not_built".to_owned()),
            message: None,
            provider_log_id: None,
            request_sha256: None,
        }
    }

    /// What the channel promises about repeats.
    pub fn idempotency(channel: &Channel) -> Idempotency {
        idempotency(channel)
    }
}

/// What the channel promises about repeats.
pub fn idempotency(channel: &Channel) -> Idempotency {
    match channel {
        // `uuid`: at most one message per hour (Feishu, im/v1/messages); five minutes are kept back for clocks and queues.
        Channel::FeishuApp { .. } => Idempotency::Window { ms: 55 * 60_000 },
        // `enable_duplicate_check` with the longest interval, 4 h (WW90236), and the same margin.
        Channel::WecomApp { .. } => Idempotency::Window { ms: (14_400 - 300) * 1_000 },
        Channel::FeishuBot { .. } | Channel::WecomBot { .. } | Channel::WechatCustom { .. } => {
            Idempotency::None
        }
    }
}
