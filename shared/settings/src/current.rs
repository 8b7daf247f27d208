use std::sync::Arc;

use sluice_domain::settings::Settings;

use crate::LastGood;

/// Where a handler gets the configuration in force.
pub trait CurrentSettings: Send + Sync {
    /// The configuration of this moment; a callback or batch keeps the one it began with.
    fn current(&self) -> Arc<Settings>;
}

/// A configuration that never changes.
impl CurrentSettings for Arc<Settings> {
    fn current(&self) -> Arc<Settings> {
        Arc::clone(self)
    }
}

/// A configuration that is loaded again when it changes.
impl CurrentSettings for Arc<LastGood> {
    fn current(&self) -> Arc<Settings> {
        LastGood::current(self)
    }
}
