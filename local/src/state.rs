//! The open data directory: store and key ring, under the configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_domain::settings::Settings;
use sluice_embedded::{
    FileReports, FileSecrets, LocalHeadSigner, LocalKeyRing, OpenError, Options, Store, SystemEntropy,
};
use sluice_ports::Clock;
use sluice_settings::{Bundle, Care, LastGood};

use crate::builtin;
use crate::cli::Place;
use crate::output::CommandError;

/// Everything that commands and the server work on. Cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The configuration in force, and the last good one while the files are not.
    pub settings: Arc<LastGood>,
    /// The store.
    pub store: Store,
    /// The tenants' keys.
    pub keys: LocalKeyRing,
    /// Where reports go.
    pub reports: FileReports,
    /// Who signs the audit log's heads.
    pub signer: LocalHeadSigner,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Why a data directory does not open.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process has it: commands are forwarded to that one.
    #[error("data directory is in use by another process")]
    InUse,
    /// Anything else.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// The configuration of `--config`, or the built-in one.
///
/// # Errors
/// Every problem that the loader found.
pub fn settings(place: &Place) -> Result<Settings, CommandError> {
    let loaded = match &place.config {
        Some(directory) => sluice_settings::load(directory),
        None => sluice_settings::load_bundle(&builtin::bundle()),
    };
    loaded.map_err(|error| CommandError::configuration(error.to_string()))
}

/// The files of `--config`, or the built-in ones.
pub fn files(place: &Place) -> Bundle {
    place.config.as_deref().map_or_else(builtin::bundle, Bundle::read)
}

/// The secrets file of `--secrets`, or the data directory's.
pub fn secrets_path(place: &Place) -> PathBuf {
    place.secrets.clone().unwrap_or_else(|| place.data.join("secrets.json"))
}

/// Reads the secrets file.
///
/// # Errors
/// When there is none, or it is readable by others.
pub fn secrets(place: &Place, clock: Arc<dyn Clock>) -> Result<Arc<FileSecrets>, CommandError> {
    let path = secrets_path(place);
    FileSecrets::open(&path, clock).map(Arc::new).map_err(|error| {
        let hint = if path.exists() {
            ""
        } else {
            "; make it with mode 0600: {\"tenant id\": {\"name as in sluice.yaml\": \"secret\"}}"
        };
        CommandError::configuration(format!("{error}{hint}"))
    })
}

/// Opens the data directory.
///
/// # Errors
/// [`StateError::InUse`], or what is wrong with the directory, the configuration, the secrets or the keys.
pub async fn open(place: &Place, clock: Arc<dyn Clock>) -> Result<State, StateError> {
    let settings = match &place.config {
        Some(directory) => LastGood::open(directory),
        None => LastGood::of(builtin::bundle(), Care::Full),
    };
    let settings = Arc::new(settings.map_err(|error| CommandError::configuration(error.to_string()))?);
    let options = Options { clock: Arc::clone(&clock), ..Options::default() };
    let store = Store::open(&place.data, options).map_err(|error| match error {
        OpenError::InUse(_) => StateError::InUse,
        other => StateError::Command(CommandError::configuration(other.to_string())),
    })?;
    let keys = LocalKeyRing::open(store.clone(), &master_key_path(&place.data), Arc::new(SystemEntropy))
        .await
        .map_err(|error| CommandError::configuration(error.to_string()))?;
    let signer = LocalHeadSigner::open(&keys_path(&place.data))
        .map_err(|error| CommandError::configuration(error.to_string()))?;
    Ok(State { settings, store, keys, reports: FileReports::new(&place.data), signer, clock })
}

/// The keys of a data directory.
fn keys_path(data: &Path) -> PathBuf {
    data.join("keys")
}

/// The master key of a data directory.
pub fn master_key_path(data: &Path) -> PathBuf {
    keys_path(data).join("master.key")
}
