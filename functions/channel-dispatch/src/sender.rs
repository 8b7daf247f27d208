use std::future::Future;

use sluice_channels::{Channels, EndpointHealth, Form, Idempotency, Message, SendReport};
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::id::TenantId;
use sluice_ports::{Clock, HttpClient, PortError, SecretStore};

/// Sends one message to one destination, once.
pub trait Sender: Send + Sync {
    /// What the channel promises about repeats.
    fn idempotency(&self, channel: &Channel, form: Form) -> Idempotency;

    /// How an endpoint is, as of a moment ago. A sender that keeps no account of it takes it for healthy.
    fn health(
        &self,
        _tenant: &TenantId,
        _destination: &Destination,
    ) -> impl Future<Output = Result<EndpointHealth, PortError>> + Send {
        std::future::ready(Ok(EndpointHealth::Healthy))
    }

    /// Sends; every fault is in the report.
    fn send(
        &self,
        tenant: &TenantId,
        destination: &Destination,
        message: &Message,
    ) -> impl Future<Output = SendReport> + Send;
}

impl<Http: HttpClient, Secrets: SecretStore, Time: Clock> Sender for Channels<Http, Secrets, Time> {
    fn idempotency(&self, channel: &Channel, form: Form) -> Idempotency {
        sluice_channels::idempotency(channel, form)
    }

    fn health(
        &self,
        tenant: &TenantId,
        destination: &Destination,
    ) -> impl Future<Output = Result<EndpointHealth, PortError>> + Send {
        Self::health(self, tenant, destination)
    }

    fn send(
        &self,
        tenant: &TenantId,
        destination: &Destination,
        message: &Message,
    ) -> impl Future<Output = SendReport> + Send {
        Self::send(self, tenant, destination, message)
    }
}
