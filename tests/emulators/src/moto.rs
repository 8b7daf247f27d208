use std::sync::{Mutex, OnceLock, PoisonError};

use crate::process::{Recipe, Running, named};
use crate::{Account, EmulatorError, Endpoint};

/// Names a moto that runs already.
const VARIABLE: &str = "SLUICE_MOTO";
const HEALTH: &str = "/moto-api/";

/// moto: KMS with real AES-GCM and encryption contexts that count.
///
/// It has one account whatever the access key: tests use keys that they made themselves, and look at nothing else.
#[derive(Debug)]
pub struct Moto {
    url: String,
    _running: Option<Running>,
}

impl Moto {
    /// The one of this test program: the one that `SLUICE_MOTO` names, or one that is started now and ends with the program.
    ///
    /// # Errors
    /// [`EmulatorError`], by cause.
    pub fn shared() -> Result<&'static Self, EmulatorError> {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _one_starts = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = SHARED.get() {
            return Ok(running);
        }
        let started = match named(VARIABLE, HEALTH)? {
            Some(url) => Self { url, _running: None },
            None => Self::start()?,
        };
        Ok(SHARED.get_or_init(|| started))
    }

    /// One of one's own.
    ///
    /// # Errors
    /// [`EmulatorError`], by cause.
    pub fn start() -> Result<Self, EmulatorError> {
        let running = Running::start(&Recipe {
            name: "moto",
            entry: "moto.server:main",
            arguments: |port| {
                ["-H", "127.0.0.1", "-p"].map(str::to_owned).into_iter().chain([port.to_string()]).collect()
            },
            variables: |_| vec![("AWS_DEFAULT_REGION", Endpoint::REGION.to_owned())],
            extra: &[],
            health: HEALTH,
        })?;
        Ok(Self { url: running.url(), _running: Some(running) })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How to call it.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::of(&self.url, &Account::fresh())
    }
}
