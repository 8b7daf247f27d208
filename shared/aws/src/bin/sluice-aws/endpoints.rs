//! `sluice-aws endpoints`: what people decide about a deployed stack's destinations, with their own credentials.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;
use sluice_aws::{
    Connection, ManagedSecrets, Names, Resource, SettingsSource, Store, SystemClock, SystemEntropy, Tables,
    Words,
};
use sluice_channels::{Channels, EndpointDesk, EndpointHealth, HyperClient, simulators};
use sluice_domain::delivery::Outcome;
use sluice_domain::destination::Destination;
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::settings::Settings;
use sluice_ports::Clock as _;
use sluice_settings::CurrentSettings as _;
use sluice_telemetry::Metrics;

use crate::{Failure, NoQueues, say};

/// Endpoints: list, enable, disable, test.
#[derive(Debug, Subcommand)]
pub(crate) enum Endpoints {
    /// List the endpoints and how they are, one line each: healthy, open (broken, tried out now and then) or disabled; exits with 1 when one is not
    /// healthy.
    List {
        /// Whose; without it, of all tenants.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Where the stack's parts are.
        #[command(flatten)]
        place: Place,
    },
    /// Let messages leave again through an endpoint that was disabled or is open; exits with 1 when it was neither.
    Enable {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// Where the stack's parts are.
        #[command(flatten)]
        place: Place,
    },
    /// Let nothing leave through an endpoint until it is enabled; its messages wait, or go to the fall-back of their route.
    Disable {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// Who.
        #[arg(long)]
        by: String,
        /// Why; no personal data of customers: it is kept.
        #[arg(long)]
        why: String,
        /// Where the stack's parts are.
        #[command(flatten)]
        place: Place,
    },
    /// Send one message to an endpoint that writes to staff, beside all limits; exits with 1 when the platform does not take it.
    Test {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// What they read.
        #[arg(long, default_value = "Sluice 连通性测试，请忽略。")]
        text: String,
        /// What the secrets' names begin with, as the stack's parameter.
        #[arg(long, env = "SLUICE_SECRETS_PREFIX")]
        secrets_prefix: String,
        /// The configuration.
        #[command(flatten)]
        configuration: Configuration,
    },
}

/// Which endpoint.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Whose.
    #[arg(long)]
    tenant: TenantId,
    /// The destination.
    destination: DestinationId,
}

/// Which configuration the stack runs with.
#[derive(Debug, Args)]
pub(crate) struct Configuration {
    /// `s3://bucket/prefix`, as in the stack's `SLUICE_CONFIG`, or a directory of configuration files.
    #[arg(long, env = "SLUICE_CONFIG")]
    config: String,
}

/// The parts of the stack that know how endpoints are.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The receipts table.
    #[arg(long, env = "SLUICE_TABLE_RECEIPTS")]
    table: String,
    /// The configuration.
    #[command(flatten)]
    configuration: Configuration,
}

/// What was asked for is not in the configuration: a person must mend the set-up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotConfigured {
    /// The tenant.
    #[error("tenant `{0}` is not configured")]
    Tenant(TenantId),
    /// A destination of a tenant.
    #[error("destination `{0}` of tenant `{1}` is not configured")]
    Destination(DestinationId, TenantId),
}

/// Runs a command; says whether the answer is yes.
///
/// # Errors
/// When the endpoint is not configured, or a part of the stack can not be used.
pub(crate) async fn run(command: Endpoints, connection: &Connection) -> Result<bool, Failure> {
    match command {
        Endpoints::List { tenant, place } => {
            let settings = settings(&place.configuration, connection).await?;
            if let Some(tenant) = tenant.as_ref().filter(|tenant| !settings.tenants.contains_key(*tenant)) {
                return Err(NotConfigured::Tenant(tenant.clone()).into());
            }
            let standings = desk(place, connection).list(&settings, tenant.as_ref()).await?;
            standings.iter().try_for_each(|standing| say(&json!(standing)))?;
            Ok(standings.iter().all(|standing| standing.health == EndpointHealth::Healthy))
        }
        Endpoints::Enable { which, place } => {
            let settings = settings(&place.configuration, connection).await?;
            let found = destination(&settings, &which)?;
            let changed = desk(place, connection).enable(&which.tenant, found).await?;
            say(&json!({ "enabled": true, "changed": changed }))?;
            Ok(changed)
        }
        Endpoints::Disable { which, by, why, place } => {
            let settings = settings(&place.configuration, connection).await?;
            let found = destination(&settings, &which)?;
            desk(place, connection).disable(&which.tenant, found, &by, &why).await?;
            say(&json!({ "enabled": false }))?;
            Ok(true)
        }
        Endpoints::Test { which, text, secrets_prefix, configuration } => {
            let settings = settings(&configuration, connection).await?;
            let found = destination(&settings, &which)?;
            let secrets = ManagedSecrets::new(connection.secrets(), secrets_prefix, Arc::new(SystemClock));
            let endpoints = simulators::endpoints(std::env::var(simulators::VARIABLE).ok().as_deref())?;
            let channels = Channels::new(endpoints, HyperClient::new()?, secrets, SystemClock);
            let report = channels.try_out(&which.tenant, found, &text).await?;
            let taken = matches!(report.outcome, Outcome::Delivered { .. });
            let (outcome, code, words) = (report.outcome.as_str(), report.code, report.message);
            say(&json!({ "taken": taken, "outcome": outcome, "code": code, "message": words }))?;
            Ok(taken)
        }
    }
}

/// A directory may hold the files or what was compiled of them.
async fn settings(place: &Configuration, connection: &Connection) -> Result<Arc<Settings>, Failure> {
    let address = place.config.as_str();
    let directory = PathBuf::from(address);
    if directory.join("sluice.yaml").exists() {
        return Ok(Arc::new(sluice_settings::load(&directory)?));
    }
    let (s3, clock) = (|| connection.s3(), Arc::new(SystemClock));
    let words = Words::Withheld;
    Ok(SettingsSource::open(address, s3, words, clock, Metrics::default()).await?.current())
}

fn destination<'a>(settings: &'a Settings, which: &Which) -> Result<&'a Destination, Failure> {
    let Which { tenant, destination } = which;
    let found = settings.tenants.get(tenant).and_then(|found| found.destinations.get(destination));
    Ok(found.ok_or_else(|| NotConfigured::Destination(destination.clone(), tenant.clone()))?)
}

fn desk(place: Place, connection: &Connection) -> EndpointDesk {
    let names = Names::default().with(Resource::ReceiptsTable, place.table);
    let tables = Tables::new(connection.dynamodb(), names, Arc::new(SystemClock), Arc::new(SystemEntropy));
    EndpointDesk::new(Store { tables, queues: NoQueues }, SystemClock.now())
}
