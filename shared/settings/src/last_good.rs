use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use sluice_domain::settings::Settings;
use sluice_telemetry::{Metrics, Signal};

use crate::LoadError;

/// A configuration that can be read again while it is in use.
///
/// A reload that fails keeps the last good settings and says why; with no good ones nothing opens, so nothing passes.
#[derive(Debug)]
pub struct LastGood {
    dir: PathBuf,
    metrics: Metrics,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    settings: Arc<Settings>,
    failure: Option<LoadError>,
}

impl LastGood {
    /// Loads a directory for the first time.
    ///
    /// # Errors
    /// [`LoadError`] when it is not good: there is no earlier one to fall back to.
    pub fn open(dir: &Path) -> Result<Self, LoadError> {
        let settings = Arc::new(crate::load(dir)?);
        let metrics = Metrics::default();
        Ok(Self { dir: dir.to_owned(), metrics, state: RwLock::new(State { settings, failure: None }) })
    }

    /// Counts reloads that fail.
    #[must_use]
    pub fn counting(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// The settings in force.
    pub fn current(&self) -> Arc<Settings> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state.settings)
    }

    /// Why the last reload failed; `None` when the settings in force are those on disk as last read. An alarm hangs on this.
    pub fn failure(&self) -> Option<LoadError> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).failure.clone()
    }

    /// Reads the directory again.
    ///
    /// # Errors
    /// [`LoadError`]; the settings in force stay.
    pub fn reload(&self) -> Result<(), LoadError> {
        let loaded = crate::load(&self.dir);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok(settings) => {
                *state = State { settings: Arc::new(settings), failure: None };
                Ok(())
            }
            Err(error) => {
                self.metrics.count(Signal::SettingsReloadFailure);
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }
}
