use std::future::Future;
use std::sync::Arc;

use sluice_domain::id::TenantId;
use sluice_domain::tenant::TenantKeys;

use crate::PortError;

/// Hands out the unwrapped keys of tenants, from a bounded cache.
pub trait KeyRing: Send + Sync {
    /// The keys of a tenant; made on first use.
    fn keys(&self, tenant: &TenantId) -> impl Future<Output = Result<Arc<TenantKeys>, PortError>> + Send;
}

/// A secret and, during a rotation, the one before it.
#[derive(Clone)]
pub struct SecretVersions {
    /// The one to sign with, and the first to verify with.
    pub current: secrecy::SecretString,
    /// Still accepted.
    pub previous: Option<secrecy::SecretString>,
}

/// Hands out configured secrets by name, from a bounded cache.
pub trait SecretStore: Send + Sync {
    /// The secret of that name.
    ///
    /// # Errors
    /// [`PortError::Missing`] when there is none.
    fn secret(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> impl Future<Output = Result<SecretVersions, PortError>> + Send;
}

impl<T: SecretStore> SecretStore for Arc<T> {
    fn secret(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> impl Future<Output = Result<SecretVersions, PortError>> + Send {
        (**self).secret(tenant, name)
    }
}
