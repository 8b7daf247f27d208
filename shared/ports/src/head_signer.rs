use std::future::Future;

use sluice_domain::audit::{HeadSignature, TrustedKeys};

use crate::PortError;

/// Signs the heads of the audit log, with a key that nobody takes out.
pub trait HeadSigner: Send + Sync {
    /// No message is longer: it is what KMS takes at most, and twice what a head has.
    const LARGEST: usize = 4_096;

    /// Signs with the key in force.
    ///
    /// # Errors
    /// [`PortError::TooLarge`] above [`HeadSigner::LARGEST`]; else what the key's keeper says.
    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<HeadSignature, PortError>> + Send;

    /// The keys whose signatures count: the one in force first, then those before it.
    fn trusted(&self) -> impl Future<Output = Result<TrustedKeys, PortError>> + Send;
}

impl<T: HeadSigner> HeadSigner for std::sync::Arc<T> {
    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<HeadSignature, PortError>> + Send {
        (**self).sign(message)
    }

    fn trusted(&self) -> impl Future<Output = Result<TrustedKeys, PortError>> + Send {
        (**self).trusted()
    }
}
