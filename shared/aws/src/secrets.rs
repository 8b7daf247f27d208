use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use futures_util::future::join;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sluice_domain::id::TenantId;
use sluice_ports::{Clock, PortError, SecretStore, SecretVersions};

use crate::answer::Refusal;
use crate::cache::{Cache, Limits};

const WHAT: &str = "secret";

/// A minute fresh: so late may a function learn of a rotation. For as long as AWSPREVIOUS stands, nothing is lost in that minute when the new
/// secret is stored *before* the platform signs with it. Fifteen minutes usable: so long an outage of Secrets Manager is bridged with
/// what it said last. A secret that was deleted, or that the role may no longer read, is dropped within the minute.
const LIMITS: Limits = Limits {
    fresh_ms: 60_000,
    usable_ms: 900_000,
    uses: u64::MAX,
    pause_ms: 5_000,
    patience: Duration::from_secs(1),
    entries: 1_024,
};

/// The stage of the secret in force.
const CURRENT: &str = "AWSCURRENT";
/// The stage of the one before it.
const PREVIOUS: &str = "AWSPREVIOUS";

/// Secrets of Secrets Manager, by the name `<prefix>/<tenant>/<name>`. Cheap to clone.
///
/// A secret is a plain text, or a JSON object `{"current": "…", "previous": "…"}` as in the secrets file of one machine; an object
/// with neither name is a plain text, too (an encrypted push's token and key). For a plain text (and an object without `previous`) the
/// version staged AWSPREVIOUS is the one before it, and both are live for as long as it is staged; a secret without that version has
/// none, which is no error.
///
/// It is asked for at most once a minute by each process, two calls at a time. The port does not tell that a
/// signature did not verify, so a rotated secret is not fetched earlier for that.
#[derive(Clone)]
pub struct ManagedSecrets {
    inner: Arc<Managed>,
}

struct Managed {
    client: Client,
    prefix: String,
    clock: Arc<dyn Clock>,
    kept: Cache<(TenantId, String), SecretVersions>,
}

impl std::fmt::Debug for ManagedSecrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ManagedSecrets").field("prefix", &self.inner.prefix).finish_non_exhaustive()
    }
}

/// The object form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Versions {
    current: SecretString,
    #[serde(default)]
    previous: Option<SecretString>,
}

impl ManagedSecrets {
    /// The secrets whose names begin with `prefix` (`SLUICE_SECRETS_PREFIX`) and a slash; nothing is asked for yet.
    pub fn new(client: Client, prefix: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        let kept = Cache::new(WHAT, LIMITS, Arc::clone(&clock));
        Self { inner: Arc::new(Managed { client, prefix: prefix.into(), clock, kept }) }
    }
}

impl SecretStore for ManagedSecrets {
    async fn secret(&self, tenant: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
        let key = (tenant.clone(), name.to_owned());
        let found = self.inner.kept.get(&key, || self.inner.load(tenant, name)).await?;
        Ok(SecretVersions::clone(&found))
    }
}

impl Managed {
    async fn load(&self, tenant: &TenantId, name: &str) -> Result<SecretVersions, PortError> {
        let id = self.id(tenant, name)?;
        let (current, previous) = join(self.stage(&id, CURRENT), self.stage(&id, PREVIOUS)).await;
        let current = current?.ok_or_else(|| PortError::Missing {
            what: WHAT,
            cause: format!("Secrets Manager has none named `{id}`: create it there"),
        })?;
        // An own `previous` says it all, even `null` would; AWSPREVIOUS may be the object of the rotation before.
        let previous = match current.previous {
            Some(previous) => Some(previous),
            None => previous?.map(|before| before.current),
        };
        Ok(SecretVersions { current: current.current, previous })
    }

    /// One version; `None` when there is no such secret or no such stage (Secrets Manager says the same of both).
    async fn stage(&self, id: &str, stage: &str) -> Result<Option<Versions>, PortError> {
        let answer = self.client.get_secret_value().secret_id(id).version_stage(stage).send().await;
        match answer {
            Ok(answer) => parse(id, &answer).map(Some),
            Err(error) => match Refusal::of(&error) {
                Refusal::Code(code) if code == "ResourceNotFoundException" => Ok(None),
                // A secret that is scheduled for deletion is as good as deleted.
                Refusal::Code(code) if code == "InvalidRequestException" => Err(PortError::Missing {
                    what: WHAT,
                    cause: format!("`{id}` is marked for deletion: restore it or create another"),
                }),
                Refusal::Code(code) if code == "InternalServiceError" => {
                    Err(PortError::Unavailable { what: WHAT, cause: code })
                }
                refusal => Err(refusal.into_port(
                    WHAT,
                    self.clock.now(),
                    &format!("the role needs GetSecretValue on `{id}`, and its KMS key"),
                )),
            },
        }
    }

    /// A tenant with a slash in its id could reach another's secrets.
    fn id(&self, tenant: &TenantId, name: &str) -> Result<String, PortError> {
        if tenant.as_str().contains('/') {
            let cause =
                format!("tenant id `{tenant}` holds a slash, which can not be part of a secret's name");
            return Err(PortError::Missing { what: WHAT, cause });
        }
        Ok(format!("{}/{tenant}/{name}", self.prefix))
    }
}

/// Is it the object of versions? A secret may be an object itself: the token and key of an encrypted push are.
fn says_versions(text: &str) -> bool {
    // The values stay where they are: no copy of a secret is made only to look at its name.
    let object: Result<BTreeMap<String, &serde_json::value::RawValue>, _> = serde_json::from_str(text);
    object.is_ok_and(|object| ["current", "previous"].iter().any(|name| object.contains_key(*name)))
}

/// Errors tell the name, never a value.
fn parse(id: &str, answer: &GetSecretValueOutput) -> Result<Versions, PortError> {
    let unusable = |cause: &str| PortError::Corrupt { what: WHAT, cause: format!("`{id}` {cause}") };
    let text = answer.secret_string().ok_or_else(|| unusable("is binary: store it as text"))?;
    let versions = if says_versions(text) {
        serde_json::from_str(text)
            .map_err(|_| unusable(r#"is an object but not {"current": "…", "previous": "…"}"#))?
    } else {
        Versions { current: SecretString::from(text), previous: None }
    };
    let secrets = [Some(&versions.current), versions.previous.as_ref()];
    if secrets.into_iter().flatten().any(|secret| secret.expose_secret().is_empty()) {
        return Err(unusable("is empty"));
    }
    Ok(versions)
}
