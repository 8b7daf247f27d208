//! One HTTP client, one trust store and one set of credentials for every client.
//!
//! No `aws-config`: on Lambda credentials and region are variables, and looking elsewhere for them costs time at every cold start.

mod http;
mod parts;
mod patience;
mod trust;

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::{BehaviorVersion, IdentityCache, StalledStreamProtectionConfig};
use aws_types::SdkConfig;
use aws_types::app_name::AppName;
use aws_types::region::Region;
use secrecy::ExposeSecret as _;
use sluice_domain::failure::FailureKind;

use crate::s3::S3;
pub(crate) use http::Http;
pub use parts::{ConnectionParts, Service};
pub use patience::Patience;

/// How to reach AWS. Cheap to clone; every client made of it shares its connections.
#[derive(Debug, Clone)]
pub struct Connection {
    config: SdkConfig,
    http: Http,
    credentials: Credentials,
    parts: Arc<ConnectionParts>,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// Variables that Lambda sets are missing.
    #[error("{} not set: on Lambda the runtime sets them; elsewhere set them yourself", listed(.0))]
    Unset(Vec<&'static str>),
    /// An endpoint is no address, or would be called in the clear over a network.
    #[error("`{0}` must be https://host[:port], or http:// to this machine, with nothing behind it")]
    Endpoint(&'static str),
    /// The certificates that `AWS_CA_BUNDLE` names can not be used.
    #[error("`AWS_CA_BUNDLE`: {0}; name a PEM file with at least one certificate authority, or unset it")]
    CaBundle(String),
    /// The TLS library refuses.
    #[error("could not set up TLS: {0}")]
    Tls(String),
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl ConnectionError {
    /// What the program does: a person must mend the set-up.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

impl Connection {
    /// From the variables that Lambda sets, with the patience of a step.
    ///
    /// # Errors
    /// [`ConnectionError`], by cause.
    pub fn from_environment() -> Result<Self, ConnectionError> {
        Self::new(ConnectionParts::from_environment()?)
    }

    /// Of its parts. Connects to nothing yet.
    ///
    /// # Errors
    /// [`ConnectionError`], by cause.
    pub fn new(parts: ConnectionParts) -> Result<Self, ConnectionError> {
        parts.check()?;
        let credentials = Credentials::new(
            parts.access_key.clone(),
            parts.secret_key.expose_secret(),
            parts.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
            None,
            "sluice",
        );
        let http = Http::new(trust::store(&parts.region, parts.ca_bundle.as_deref())?, parts.patience)?;
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(parts.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
            // Lambda's credentials live as long as the sandbox: there is nothing to refresh, so nothing to cache or wait for.
            .identity_cache(IdentityCache::no_cache())
            .retry_config(parts.patience.retries())
            .timeout_config(parts.patience.timeouts())
            // A sandbox freezes between invocations: a stream that stood still then is not stalled. Attempts have their time-out.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http.clone());
        // So that every call says which function made it. Lambda's names are all allowed here; another one is left out.
        config.set_app_name(parts.app_name.clone().and_then(|name| AppName::new(name).ok()));
        Ok(Self { config: config.build(), http, credentials, parts: Arc::new(parts) })
    }

    /// The region it signs for.
    pub fn region(&self) -> &str {
        &self.parts.region
    }

    /// A client of DynamoDB.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.config);
        config.set_endpoint_url(self.endpoint(Service::DynamoDb));
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// A client of KMS.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        let mut config = aws_sdk_kms::config::Builder::from(&self.config);
        config.set_endpoint_url(self.endpoint(Service::Kms));
        aws_sdk_kms::Client::from_conf(config.build())
    }

    /// A client of SQS.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.config);
        config.set_endpoint_url(self.endpoint(Service::Sqs));
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// A client of S3.
    pub fn s3(&self) -> S3 {
        let endpoint = self.parts.endpoint_of(Service::S3);
        S3::new(self.http.clone(), self.credentials.clone(), &self.parts, endpoint)
    }

    /// A client of Secrets Manager.
    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let mut config = aws_sdk_secretsmanager::config::Builder::from(&self.config);
        config.set_endpoint_url(self.endpoint(Service::SecretsManager));
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }

    fn endpoint(&self, service: Service) -> Option<String> {
        self.parts.endpoint_of(service).map(str::to_owned)
    }
}
