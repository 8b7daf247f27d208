use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use secrecy::SecretString;
use serde::Deserialize;
use sluice_domain::failure::FailureKind;
use sluice_domain::id::TenantId;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError, SecretStore, SecretVersions};

use crate::private_file::{self, PrivateFileError};

/// How often the file is looked at for a change.
const LOOK_EVERY_MS: i64 = 1_000;

type ByTenant = BTreeMap<TenantId, BTreeMap<String, Stored>>;

/// A plain text, or an object with a previous version while a secret is being rotated.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Stored {
    Plain(SecretString),
    Versions(Versions),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versions {
    current: SecretString,
    #[serde(default)]
    previous: Option<SecretString>,
}

impl Stored {
    fn versions(&self) -> SecretVersions {
        match self.clone() {
            Self::Plain(current) => SecretVersions { current, previous: None },
            Self::Versions(Versions { current, previous }) => SecretVersions { current, previous },
        }
    }
}

/// Why a secrets file can not be used. It quotes nothing of the file.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It is not the JSON that was expected.
    #[error(
        "secrets file `{path}` is wrong at line {line} column {column}: it must be {{\"tenant\": {{\"name\": \"…\" or {{\"current\": \"…\", \"previous\": \"…\"}}}}}}"
    )]
    Shape {
        /// Which.
        path: String,
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
    },
}

impl SecretsError {
    /// A person must mend the file.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

/// The secrets of a JSON file of mode 0600: `{"tenant": {"name": {"current": "…", "previous": "…"}}}`, or a plain text in place
/// of the object. A changed file is read anew within a second; while a change can not be read, the last good secrets hold.
pub struct FileSecrets {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    state: Mutex<Loaded>,
}

struct Loaded {
    secrets: Arc<ByTenant>,
    changed: Option<SystemTime>,
    looked_at: UnixMillis,
}

impl std::fmt::Debug for FileSecrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("FileSecrets").field("path", &self.path).finish_non_exhaustive()
    }
}

impl FileSecrets {
    /// Reads the file.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, SecretsError> {
        let changed = changed(path);
        let secrets = Arc::new(load(path)?);
        let state = Mutex::new(Loaded { secrets, changed, looked_at: clock.now() });
        Ok(Self { path: path.to_owned(), clock, state })
    }

    fn current(&self) -> Arc<ByTenant> {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(state.looked_at) >= LOOK_EVERY_MS {
            state.looked_at = now;
            let changed = changed(&self.path);
            if changed != state.changed {
                state.changed = changed;
                match load(&self.path) {
                    Ok(secrets) => state.secrets = Arc::new(secrets),
                    Err(error) => tracing::error!("the changed secrets are not used: {error}"),
                }
            }
        }
        Arc::clone(&state.secrets)
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn load(path: &Path) -> Result<ByTenant, SecretsError> {
    let text = private_file::read(path)?;
    // serde's message may quote a secret: only the place is told.
    serde_json::from_str(&text).map_err(|error| SecretsError::Shape {
        path: path.display().to_string(),
        line: error.line(),
        column: error.column(),
    })
}

fn find(secrets: &ByTenant, tenant: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
    let found = secrets.get(tenant).and_then(|secrets| secrets.get(name));
    found.map(Stored::versions).ok_or_else(|| PortError::Missing {
        what: "secret",
        cause: format!("tenant `{tenant}` has none named `{name}`: add it to the secrets file"),
    })
}

impl SecretStore for FileSecrets {
    async fn secret(&self, tenant: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
        find(&self.current(), tenant, name)
    }
}

/// Secrets that are given by the program: for the demo and for tests.
#[derive(Default, Clone)]
pub struct FixedSecrets(ByTenant);

impl std::fmt::Debug for FixedSecrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("FixedSecrets")
    }
}

impl FixedSecrets {
    /// No secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// And this one.
    #[must_use]
    pub fn with(self, tenant: &TenantId, name: &str, secret: impl Into<SecretString>) -> Self {
        self.put(tenant, name, Stored::Plain(secret.into()))
    }

    /// And this one, in the middle of a rotation.
    #[must_use]
    pub fn with_previous(
        self,
        tenant: &TenantId,
        name: &str,
        current: impl Into<SecretString>,
        previous: impl Into<SecretString>,
    ) -> Self {
        let versions = Versions { current: current.into(), previous: Some(previous.into()) };
        self.put(tenant, name, Stored::Versions(versions))
    }

    fn put(mut self, tenant: &TenantId, name: &str, secret: Stored) -> Self {
        self.0.entry(tenant.clone()).or_default().insert(name.to_owned(), secret);
        self
    }
}

impl SecretStore for FixedSecrets {
    async fn secret(&self, tenant: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
        find(&self.0, tenant, name)
    }
}
