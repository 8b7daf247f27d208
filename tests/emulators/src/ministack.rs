use std::sync::{Mutex, OnceLock, PoisonError};

use crate::process::{Recipe, Running, named};
use crate::{Account, EmulatorError, Endpoint};

/// Names a ministack that runs already.
const VARIABLE: &str = "SLUICE_MINISTACK";
const HEALTH: &str = "/_ministack/health";

/// ministack: most of AWS in one process, Lambda functions as further processes of this machine.
#[derive(Debug)]
pub struct Ministack {
    url: String,
    running: Option<Running>,
}

impl Ministack {
    /// The one of this test program: the one that `SLUICE_MINISTACK` names, or one that is started now and ends with the program.
    ///
    /// # Errors
    /// [`EmulatorError`], by cause.
    pub fn shared() -> Result<&'static Self, EmulatorError> {
        static SHARED: OnceLock<Ministack> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _one_starts = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = SHARED.get() {
            return Ok(running);
        }
        let started = match named(VARIABLE, HEALTH)? {
            Some(url) => Self { url, running: None },
            None => Self::start(&[])?,
        };
        Ok(SHARED.get_or_init(|| started))
    }

    /// One of one's own, for tests that change what all its users share. Further variables reach it and, through it, the Lambda
    /// functions it runs.
    ///
    /// # Errors
    /// [`EmulatorError`], by cause.
    pub fn start(variables: &[(String, String)]) -> Result<Self, EmulatorError> {
        let running = Running::start(&Recipe {
            name: "ministack",
            entry: "ministack.app:main",
            arguments: |_| Vec::new(),
            variables: |port| {
                vec![
                    ("BIND_HOST", "127.0.0.1".to_owned()),
                    // Queue URLs begin with it; `localhost` would be looked up, and may be ::1.
                    ("MINISTACK_HOST", "127.0.0.1".to_owned()),
                    ("GATEWAY_PORT", port.to_string()),
                    // It would listen at a fixed port besides.
                    ("IOT_MTLS_ENABLED", "0".to_owned()),
                    ("SFTP_ENABLED", "0".to_owned()),
                    ("LOG_LEVEL", "WARNING".to_owned()),
                    ("MINISTACK_REGION", Endpoint::REGION.to_owned()),
                    ("AWS_DEFAULT_REGION", Endpoint::REGION.to_owned()),
                    ("AWS_ACCESS_KEY_ID", "000000000000".to_owned()),
                    ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
                ]
            },
            extra: variables,
            health: HEALTH,
        })?;
        Ok(Self { url: running.url(), running: Some(running) })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How to call it as this account.
    pub fn endpoint(&self, account: &Account) -> Endpoint {
        Endpoint::of(&self.url, account)
    }

    /// How to call it as an account that is empty.
    pub fn fresh(&self) -> Endpoint {
        self.endpoint(&Account::fresh())
    }

    /// The end of its log, for the message of a failed test; empty when somebody else started it.
    pub fn last_words(&self) -> String {
        self.running.as_ref().map(Running::last_words).unwrap_or_default()
    }
}
