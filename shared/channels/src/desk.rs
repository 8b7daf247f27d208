//! What people do with endpoints: look, disable, enable, try out.

use serde::Serialize;
use sluice_domain::destination::Destination;
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::settings::Settings;
use sluice_domain::time::UnixMillis;
use sluice_ports::{ChannelState, Clock, HttpClient, PortError, SecretStore};

use crate::account::{Account, Accounts, At, EndpointHealth};
use crate::health::Health;
use crate::shared::Shared;
use crate::{Channels, Message, SendReport};

/// How one endpoint is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointStanding {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub destination: DestinationId,
    /// Its channel.
    pub channel: &'static str,
    /// Healthy, open or disabled.
    pub health: EndpointHealth,
    /// Until when the platform wants to be left alone.
    pub blocked_until: Option<UnixMillis>,
}

/// What people do with endpoints: look, disable, enable.
#[derive(Debug)]
pub struct EndpointDesk {
    shared: Shared,
    accounts: Accounts,
    now: UnixMillis,
}

impl EndpointDesk {
    /// A desk over the state that the senders share.
    pub fn new<S: ChannelState + 'static>(state: S, now: UnixMillis) -> Self {
        Self { shared: Shared::over(state), accounts: Accounts::default(), now }
    }

    /// How the endpoints of a tenant, or of all tenants, are.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(
        &self,
        settings: &Settings,
        tenant: Option<&TenantId>,
    ) -> Result<Vec<EndpointStanding>, PortError> {
        let mut standings = Vec::new();
        for (id, found) in settings.tenants.iter().filter(|(id, _)| tenant.is_none_or(|it| it == *id)) {
            for destination in found.destinations.values() {
                standings.push(self.look(id, destination).await?);
            }
        }
        Ok(standings)
    }

    /// How an endpoint is.
    ///
    /// # Errors
    /// The store's.
    pub async fn look(
        &self,
        tenant: &TenantId,
        destination: &Destination,
    ) -> Result<EndpointStanding, PortError> {
        let at = At::of(tenant, destination);
        let account = self.accounts.look(&self.shared, &at, self.now).await?;
        Ok(EndpointStanding {
            tenant: tenant.clone(),
            destination: destination.id.clone(),
            channel: destination.channel.as_str(),
            health: account.health(&at.endpoint).into(),
            blocked_until: account.blocked_until(&at.endpoint, self.now),
        })
    }

    /// Lets nothing leave through an endpoint until it is enabled.
    ///
    /// # Errors
    /// The store's.
    pub async fn disable(
        &self,
        tenant: &TenantId,
        destination: &Destination,
        by: &str,
        why: &str,
    ) -> Result<(), PortError> {
        let (since, by, why) = (self.now, by.to_owned(), why.to_owned());
        tracing::warn!(%tenant, destination = %destination.id, "the endpoint is disabled by a person: {why}");
        let health = Health::Disabled { since, code: "disabled".to_owned(), by, why };
        self.set(tenant, destination, &health).await.map(|_| ())
    }

    /// Lets messages leave again; says whether they did not before.
    ///
    /// # Errors
    /// The store's.
    pub async fn enable(&self, tenant: &TenantId, destination: &Destination) -> Result<bool, PortError> {
        let changed = self.set(tenant, destination, &Health::Closed).await?;
        if changed {
            tracing::info!(%tenant, destination = %destination.id, "the endpoint is enabled by a person");
        }
        Ok(changed)
    }

    async fn set(
        &self,
        tenant: &TenantId,
        destination: &Destination,
        health: &Health,
    ) -> Result<bool, PortError> {
        let at = At::of(tenant, destination);
        let change = |account: &mut Account| {
            let changed = account.set(&at.endpoint, health);
            (changed, changed)
        };
        self.accounts.change(&self.shared, &at, self.now, change).await
    }
}

/// A destination writes to customers: nothing is tried out on them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("destination `{0}` writes to customers: nothing is tried out on them")]
pub struct NotTriedOut(pub DestinationId);

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Channels<Http, Secrets, Time> {
    /// Sends a text and the time to an endpoint whose readers are staff. Each try is a dispatch of its own: platforms suppress repeats.
    ///
    /// # Errors
    /// [`NotTriedOut`].
    pub async fn try_out(
        &self,
        tenant: &TenantId,
        destination: &Destination,
        text: &str,
    ) -> Result<SendReport, NotTriedOut> {
        if destination.channel.is_to_person() {
            return Err(NotTriedOut(destination.id.clone()));
        }
        let now = self.clock.now();
        let message = Message {
            dispatch_id: format!("00000000-0000-8000-8000-{:012x}", now.as_u64() & 0xffff_ffff_ffff),
            text: format!("{text} {}", now.to_china_minutes()),
            at: now,
            ..Message::default()
        };
        Ok(self.send(tenant, destination, &message).await)
    }
}
