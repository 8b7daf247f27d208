//! One HTTP client, one trust store and one set of credentials for every client.

use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use sluice_domain::failure::FailureKind;

/// How to reach AWS. Cheap to clone; every client made of it shares its connections.
#[derive(Debug, Clone)]
pub struct Connection {
    config: SdkConfig,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// A variable that Lambda sets is missing.
    #[error("`{0}` is not set: on Lambda it is set by the runtime; elsewhere set it yourself")]
    Unset(&'static str),
    /// The trust store can not be used.
    #[error("could not set up TLS: {0}")]
    Tls(String),
}

impl ConnectionError {
    /// What the program does: a person must mend the set-up.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

impl Connection {
    /// From the variables that Lambda sets.
    ///
    /// # Errors
    /// [`ConnectionError`], by cause.
    pub fn from_environment() -> Result<Self, ConnectionError> {
        let variable = |name: &'static str| std::env::var(name).map_err(|_| ConnectionError::Unset(name));
        let credentials = Credentials::new(
            variable("AWS_ACCESS_KEY_ID")?,
            variable("AWS_SECRET_ACCESS_KEY")?,
            std::env::var("AWS_SESSION_TOKEN").ok(),
            None,
            "lambda",
        );
        let region = aws_types::region::Region::new(variable("AWS_REGION")?);
        let http = http_client()?;
        let mut config = SdkConfig::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(region)
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .http_client(http);
        config.set_endpoint_url(std::env::var("AWS_ENDPOINT_URL").ok());
        Ok(Self { config: config.build() })
    }

    /// A client of `DynamoDB`.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    /// A client of KMS.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::new(&self.config)
    }

    /// A client of SQS.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config)
    }

    /// A client of S3.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.config)
    }

    /// A client of Secrets Manager.
    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config)
    }
}

fn http_client() -> Result<SharedHttpClient, ConnectionError> {
    let context = TlsContext::builder()
        .with_trust_store(TrustStore::default())
        .build()
        .map_err(|error| ConnectionError::Tls(error.to_string()))?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https())
}
