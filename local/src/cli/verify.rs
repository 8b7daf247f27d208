use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sluice_domain::source::{Digest, SchemeName};

/// `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The signing scheme.
    #[arg(long)]
    pub scheme: SchemeName,
    /// The secret: for `mini-app-encrypted` a JSON object with `token` and `encoding_aes_key`, for `trade-system` a public key in PEM.
    #[arg(long, required_unless_present = "secret_file", value_name = "SECRET")]
    pub secret: Option<String>,
    /// Read the secret from a file instead, so that it is in no process list.
    #[arg(long, conflicts_with = "secret", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// The application's public key or id, where the scheme uses one (抖店 `app_key`, `client_key`).
    #[arg(long)]
    pub app_id: Option<String>,
    /// The digest of `open-platform`.
    #[arg(long, default_value = "sha1")]
    pub digest: DigestName,
    /// A header as it came, `Name: value`; repeat it.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// A query parameter as it came, `name=value`, decoded; repeat it.
    #[arg(long = "query", value_name = "NAME=VALUE")]
    pub queries: Vec<String>,
    /// The method.
    #[arg(long, default_value = "POST")]
    pub method: String,
    /// The raw body: a file, or `-` for standard input; without it, an empty body.
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,
    /// The moment to check timestamps against, in Unix seconds; without it, the callback's age is not checked.
    #[arg(long, value_name = "SECONDS")]
    pub at: Option<i64>,
}

/// The digests of the open-platform scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DigestName {
    /// hex SHA-1 of secret ‖ body, as the platform documents.
    Sha1,
    /// hex SHA-256 of secret ‖ body, for fronts that re-sign.
    Sha256,
}

impl From<DigestName> for Digest {
    fn from(name: DigestName) -> Self {
        match name {
            DigestName::Sha1 => Self::Sha1,
            DigestName::Sha256 => Self::Sha256,
        }
    }
}
