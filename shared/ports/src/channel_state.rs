use std::future::Future;
use std::sync::Arc;

use sluice_domain::id::TenantId;
use sluice_domain::time::UnixMillis;

use crate::PortError;

/// Which piece of state: whose, of what kind, of what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StateKey {
    /// Whose; `None` for what tenants share, such as the address that calls leave from.
    pub tenant: Option<TenantId>,
    /// Of what kind: `limit`, `token`, `account`.
    pub kind: &'static str,
    /// Of what: 32 hex digits of a hash, so that it holds neither a person nor a `#`.
    pub name: String,
}

/// A piece of state as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDocument {
    /// JSON. Secrets in it are sealed.
    pub body: String,
    /// Names this very version: hand it back to replace it.
    pub version: String,
}

/// What became of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Replaced {
    /// It is stored, under this version.
    Done {
        /// The new version.
        version: String,
    },
    /// Somebody was faster: nothing was written. What is there now.
    Overtaken(Option<StateDocument>),
}

/// What the processes that send through a channel know together: how much of a limit is spent, until when a platform wants to be
/// left alone, the access tokens, which endpoints are broken.
///
/// It keeps small documents and replaces one only in place of the version that was read. What the documents mean is in
/// `sluice-channels`, so both adapters mean the same. A document may be gone after its `forget_at`, and is there until then.
pub trait ChannelState: Send + Sync {
    /// The newest version, with everything that was written before the call.
    fn document(
        &self,
        key: &StateKey,
    ) -> impl Future<Output = Result<Option<StateDocument>, PortError>> + Send;

    /// Stores a document in place of the version `seen`, or of none: one conditional write. A repeat of the write whose answer was
    /// lost knows itself.
    ///
    /// # Errors
    /// [`PortError::TooLarge`] above [`ChannelState::LARGEST`] bytes.
    fn replace(
        &self,
        key: &StateKey,
        seen: Option<&str>,
        body: String,
        forget_at: UnixMillis,
    ) -> impl Future<Output = Result<Replaced, PortError>> + Send;

    /// The most bytes of a document's body.
    const LARGEST: usize = 64 * 1_024;
}

impl<T: ChannelState> ChannelState for Arc<T> {
    fn document(
        &self,
        key: &StateKey,
    ) -> impl Future<Output = Result<Option<StateDocument>, PortError>> + Send {
        (**self).document(key)
    }

    fn replace(
        &self,
        key: &StateKey,
        seen: Option<&str>,
        body: String,
        forget_at: UnixMillis,
    ) -> impl Future<Output = Result<Replaced, PortError>> + Send {
        (**self).replace(key, seen, body, forget_at)
    }
}
