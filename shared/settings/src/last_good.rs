use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use sluice_domain::image::Image;
use sluice_domain::settings::Settings;
use sluice_telemetry::{Metrics, Signal};

use crate::{Bundle, Care, LoadError, load_with};

/// A configuration that can be read again while it is in use.
///
/// A reload that fails keeps the last good settings and says why; with no good ones nothing opens, so nothing passes.
#[derive(Debug)]
pub struct LastGood {
    /// None for texts that somebody hands over.
    dir: Option<PathBuf>,
    metrics: Metrics,
    care: Care,
    /// What was read last, good or bad: a change is a change of these texts.
    read: Mutex<Bundle>,
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
        Ok(Self { dir: Some(dir.to_owned()), ..Self::of(Bundle::read(dir), Care::Full)? })
    }

    /// Loads texts that are in memory already; later ones come by [`LastGood::offer`].
    ///
    /// # Errors
    /// [`LoadError`] when they are not good.
    pub fn of(bundle: Bundle, care: Care) -> Result<Self, LoadError> {
        let settings = Arc::new(load_with(&bundle, care)?);
        let state = RwLock::new(State { settings, failure: None });
        Ok(Self { dir: None, metrics: Metrics::default(), care, read: Mutex::new(bundle), state })
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

    /// The bytes of an image that the settings in force name.
    ///
    /// # Errors
    /// When its file is gone, or was changed and has not been taken up (yet); in words.
    pub fn image(&self, image: &Image) -> Result<Vec<u8>, String> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).image_bytes(image)
    }

    /// Why the last reload failed; `None` when the settings in force are those that were read last. An alarm hangs on this.
    pub fn failure(&self) -> Option<LoadError> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).failure.clone()
    }

    /// Reads the directory again, and loads it if a file was changed; says whether one was. Nothing to do without a directory.
    ///
    /// # Errors
    /// [`LoadError`], once for each change that is not good; the settings in force stay.
    pub fn reload(&self) -> Result<bool, LoadError> {
        self.dir.as_deref().map_or(Ok(false), |dir| self.offer(Bundle::read(dir)))
    }

    /// Loads these texts if they are not the ones that were read last; says whether they were others.
    ///
    /// # Errors
    /// [`LoadError`], once for each change that is not good; the settings in force stay.
    pub fn offer(&self, bundle: Bundle) -> Result<bool, LoadError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if *read == bundle {
            return Ok(false);
        }
        let loaded = load_with(&bundle, self.care);
        *read = bundle;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok(settings) => {
                *state = State { settings: Arc::new(settings), failure: None };
                Ok(true)
            }
            Err(error) => {
                self.metrics.count(Signal::SettingsReloadFailure);
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }
}
