//! `sluice audit public-key`, `rotate-key` and `payload`.

use serde_json::json;
use sluice_domain::audit::tree::Hash;
use sluice_domain::audit::{PublicKey, SignatureAlgorithm};
use sluice_domain::id::TenantId;
use sluice_ports::{HeadSigner as _, KeyRing as _};

use crate::exit::Exit;
use crate::output::{CommandError, Output};
use crate::state::State;

/// The public keys whose signatures count, the one in force first.
pub(super) async fn show(state: &State) -> Result<Output, CommandError> {
    let keys = state.signer.trusted().await?;
    let text: String = keys.all().iter().map(PublicKey::to_pem).collect();
    let row = |key: &PublicKey| json!({ "key": key.id(), "algorithm": key.algorithm(), "pem": key.to_pem() });
    Ok(Output::lines(Exit::Ok, text, keys.all().iter().map(row).collect()))
}

/// A new key.
pub(super) fn rotate(algorithm: SignatureAlgorithm, state: &State) -> Result<Output, CommandError> {
    let key = state.signer.rotate(algorithm);
    let key = key.map_err(|error| CommandError::configuration(error.to_string()))?;
    let text = format!(
        "heads are signed with {} key {} from now on; give it to whoever checks proofs:\n{}",
        key.algorithm(),
        key.id(),
        key.to_pem()
    );
    let json = json!({ "key": key.id(), "algorithm": key.algorithm(), "pem": key.to_pem() });
    Ok(Output::one(Exit::Ok, text, json))
}

/// The commitment to a body.
pub(super) async fn payload(tenant: &TenantId, sha256: Hash, state: &State) -> Result<Output, CommandError> {
    if !state.settings.current().tenants.contains_key(tenant) {
        return Err(CommandError::usage(format!("tenant `{tenant}` is not configured")));
    }
    let payload = state.keys.keys(tenant).await?.payload(&sha256.to_string());
    Ok(Output::one(Exit::Ok, payload.to_string(), json!({ "tenant": tenant, "payload_sha256": payload })))
}
