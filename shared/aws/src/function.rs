//! What the functions' programs share: they start alike, run alike, and fail to start alike.
//!
//! Order of a start: logging, names, connection, configuration, open connections, first invocation. Whatever is wrong before the first
//! invocation is one line of JSON that says what to do, an answer to Lambda's runtime, and a non-zero exit.

use std::future::Future;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::FutureExt as _;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_ports::{Inbox, KeyRing as _, Queue};
use sluice_steps::Stage;
use sluice_telemetry::{EmfWriter, Invocation, Invocations, Metrics};

use crate::keys::{KeyPlace, KmsKeyRing, Making};
use crate::{
    Connection, ConnectionParts, KmsHeadSigner, LockMode, ManagedSecrets, Names, Patience, Queues,
    ReportsPlace, Resource, S3Reports, SettingsSource, Store, SystemClock, SystemEntropy, Tables, Words,
};

/// Why a function does not start, or stops.
pub type Error = lambda_runtime::Error;

/// Names the configuration: a directory, or `s3://bucket/prefix`.
const CONFIGURATION: &str = "SLUICE_CONFIG";
/// The folder of compiled lexicons, in the one for what may be lost.
const LEXICONS: &str = "sluice-lexicons";
/// How digests are locked, and how long.
const DIGEST_LOCK: &str = "SLUICE_DIGEST_LOCK";
const DIGEST_DAYS: &str = "SLUICE_DIGEST_DAYS";
/// The public keys that signed heads before the key in force.
const RETIRED_AUDIT_KEYS: &str = "SLUICE_AUDIT_KEYS_RETIRED";
/// The start may wait so long for connections; invocations open them otherwise.
const WARM_WITHIN: Duration = Duration::from_secs(2);
/// Keys of so many tenants are opened ahead.
const WARM_TENANTS: usize = 4;

/// The answer of an invocation that panicked.
const PANICKED: &str = "the invocation panicked: the log line with code `panic` says where";

/// What a function declares about itself.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// Its name in logs and metrics.
    pub step: &'static str,
    /// How long its calls may take.
    pub patience: Patience,
    /// The parts of the stack it uses.
    pub resources: &'static [Resource],
    /// May it make a tenant's first keys?
    pub making: Making,
    /// Which texts does it look at, with lexicons in a folder of its own? Who looks at none is spared of words.
    pub words: fn(PathBuf) -> Words,
}

/// A function that has its logging, names, connection and configuration.
pub struct Function {
    /// As declared.
    pub needs: Needs,
    /// The way to AWS.
    pub connection: Connection,
    /// What the stack calls its parts.
    pub names: Names,
    /// The configuration in force.
    pub settings: SettingsSource,
    /// What is counted.
    pub metrics: Metrics,
    invocations: Invocations,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Function").field("step", &self.needs.step).finish_non_exhaustive()
    }
}

impl Function {
    /// Sets up what every function has.
    ///
    /// # Errors
    /// What is wrong with the set-up, in words that say what to do.
    pub async fn start(needs: Needs) -> Result<Self, Error> {
        sluice_telemetry::init_function_logging()?;
        let names = Names::from_environment(needs.resources)?;
        let parts = ConnectionParts { patience: needs.patience, ..ConnectionParts::from_environment()? };
        let connection = Connection::new(parts)?;
        let metrics =
            Metrics::new(EmfWriter::new(std::io::stdout(), || sluice_ports::Clock::now(&SystemClock)));
        let address = std::env::var(CONFIGURATION).unwrap_or_default();
        let s3 = || connection.s3();
        let words = (needs.words)(std::env::temp_dir().join(LEXICONS));
        let settings =
            SettingsSource::open(&address, s3, words, Arc::new(SystemClock), metrics.clone()).await?;
        let invocations = Invocations::of(needs.step, metrics.clone());
        Ok(Self { needs, connection, names, settings, metrics, invocations })
    }

    /// The store and queue ports.
    pub fn store(&self) -> Store<Queues> {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let tables = Tables::new(self.connection.dynamodb(), self.names.clone(), clock.clone(), entropy);
        Store { tables, queues: Queues::new(self.connection.sqs(), self.names.clone(), clock) }
    }

    /// The tenants' keys.
    ///
    /// # Errors
    /// Names that are missing.
    pub fn key_ring(&self) -> Result<KmsKeyRing, Error> {
        let place = KeyPlace {
            table: self.names.get(Resource::KeysTable)?.to_owned(),
            kms_key: self.names.get(Resource::KmsKey)?.to_owned(),
            retired: Vec::new(),
        };
        let (kms, dynamodb) = (self.connection.kms(), self.connection.dynamodb());
        Ok(KmsKeyRing::new(kms, dynamodb, place, self.needs.making, Arc::new(SystemClock)))
    }

    /// The platforms' secrets.
    ///
    /// # Errors
    /// Names that are missing.
    pub fn secrets(&self) -> Result<ManagedSecrets, Error> {
        let prefix = self.names.get(Resource::SecretsPrefix)?;
        Ok(ManagedSecrets::new(self.connection.secrets(), prefix, Arc::new(SystemClock)))
    }

    /// Reports and the audit log's digests.
    ///
    /// # Errors
    /// Names that are missing, or a lock that is none.
    pub fn reports(&self) -> Result<S3Reports, Error> {
        let variable = |name: &'static str| {
            std::env::var(name).map_err(|_| format!("`{name}` is not set: template.yaml sets it"))
        };
        let days = variable(DIGEST_DAYS)?;
        let place = ReportsPlace {
            reports: self.names.get(Resource::ReportsBucket)?.to_owned(),
            digests: self.names.get(Resource::DigestsBucket)?.to_owned(),
            lock: variable(DIGEST_LOCK)?.parse::<LockMode>()?,
            keep_days: days
                .parse()
                .map_err(|_| format!("`{DIGEST_DAYS}` must be a number of days, got `{days}`"))?,
        };
        Ok(S3Reports::new(self.connection.s3(), place, Arc::new(SystemClock)))
    }

    /// Who signs the audit log's heads.
    ///
    /// # Errors
    /// Names that are missing, or a retired key that is none.
    pub fn head_signer(&self) -> Result<KmsHeadSigner, Error> {
        let key = self.names.get(Resource::AuditKey)?;
        let retired = KmsHeadSigner::retired(&std::env::var(RETIRED_AUDIT_KEYS).unwrap_or_default());
        let retired = retired.map_err(|error| format!("`{RETIRED_AUDIT_KEYS}`: {error}"))?;
        Ok(KmsHeadSigner::new(self.connection.kms(), key, retired, Arc::new(SystemClock)))
    }

    /// Opens the connections that the first invocation would wait for: SQS by a queue's attributes, DynamoDB and KMS by the keys of the
    /// first tenants, which are in memory then. Lambda gives the whole CPU to a start, whatever the function's memory.
    ///
    /// What fails here fails again where it matters, or not; it never keeps the function from starting.
    pub async fn warm(&self, queues: &Queues, queue: Queue, keys: &KmsKeyRing) {
        let settings = sluice_settings::CurrentSettings::current(&self.settings);
        let tenants = settings.tenants.keys().take(WARM_TENANTS);
        let open = async {
            let (_, asked) = tokio::join!(
                futures_util::future::join_all(tenants.map(|tenant| keys.keys(tenant))),
                queues.warm(queue)
            );
            if let Err(error) = asked {
                tracing::info!("connections are opened later: {error}");
            }
        };
        if tokio::time::timeout(WARM_WITHIN, open).await.is_err() {
            tracing::info!("connections are opened later: none after {} s", WARM_WITHIN.as_secs());
        }
    }

    /// Runs a step that a queue feeds, for as long as Lambda calls.
    ///
    /// # Errors
    /// When Lambda's runtime is not there.
    pub async fn run_stage<S: Stage>(&self, stage: &S, inbox: &impl Inbox) -> Result<(), Error> {
        let batch = async |event: SqsEvent| {
            Ok(sluice_steps::run(stage, inbox, &SystemClock, &self.metrics, event).await)
        };
        self.run(batch, |answer: &SqsBatchResponse| !answer.batch_item_failures.is_empty()).await
    }

    /// Runs a handler, for as long as Lambda calls. An answer that `failed` has its debug lines written.
    ///
    /// # Errors
    /// When Lambda's runtime is not there.
    pub async fn run<I, O>(
        &self,
        handle: impl AsyncFn(I) -> Result<O, Error>,
        failed: impl Fn(&O) -> bool,
    ) -> Result<(), Error>
    where
        I: DeserializeOwned,
        O: Serialize,
    {
        let (handle, failed) = (&handle, &failed);
        // On the heap: the handlers' states are tens of kilobytes, and every future around them would be as large.
        Box::pin(lambda_runtime::run(service_fn(move |event: LambdaEvent<I>| async move {
            // A configuration that can not be had keeps the last good one; it is counted there.
            let _look = self.settings.refresh().await;
            let invocation = Invocation {
                request_id: &event.context.request_id,
                xray: event.context.xray_trace_id.as_deref(),
                deadline_ms: Some(event.context.deadline),
            };
            let work = handle(event.payload);
            let ran = self.invocations.run(invocation, work, |answer| answer.as_ref().map_or(true, failed));
            // The runtime would catch a panic, too, and put its words into the answer; they may quote an event.
            let ran = AssertUnwindSafe(ran).catch_unwind().await;
            ran.unwrap_or_else(|_| Err(Error::from(PANICKED)))
        })))
        .await
    }
}

/// Runs a function's program; what keeps it from starting is told to the log and to Lambda.
pub async fn program(work: impl Future<Output = Result<(), Error>>) -> ExitCode {
    let Err(error) = work.await else { return ExitCode::SUCCESS };
    let words = causes(error.as_ref());
    // Not through the logging, which may be what failed.
    let line = serde_json::json!({
        "level": "ERROR",
        "message": format!("the function does not start: {words}"),
        "event": "init_failed",
    });
    let _nobody_reads = writeln!(std::io::stderr().lock(), "{line}");
    if let Ok(runtime) = std::env::var("AWS_LAMBDA_RUNTIME_API") {
        let _nobody_hears = tell_runtime(&runtime, &words);
    }
    ExitCode::FAILURE
}

/// An error and what caused it, joined by colons; without causes that the words before them quote already.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words.push_str(": ");
            words.push_str(&cause_words);
        }
        next = cause.source();
    }
    words
}

/// `POST /runtime/init/error`, by hand: the runtime's client is made for functions that run.
fn tell_runtime(runtime: &str, words: &str) -> std::io::Result<()> {
    let authority = runtime.strip_prefix("http://").unwrap_or(runtime);
    let (host, prefix) = authority.split_once('/').unwrap_or((authority, ""));
    let separator = if prefix.is_empty() { "" } else { "/" };
    let body = serde_json::json!({"errorMessage": words, "errorType": "Sluice.InitError", "stackTrace": []})
        .to_string();
    let patience = Some(Duration::from_secs(1));
    let mut connection = TcpStream::connect(host)?;
    connection.set_read_timeout(patience)?;
    connection.set_write_timeout(patience)?;
    write!(
        connection,
        "POST {separator}{prefix}/2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: Sluice.InitError\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    // Lambda ends the process once it has answered; without waiting, the report might be cut off.
    let mut answer = [0; 64];
    connection.read(&mut answer).map(drop)
}
