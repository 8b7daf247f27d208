//! `sluice audit public-key` and `rotate-key`.

use serde_json::json;
use sluice_domain::audit::{PublicKey, SignatureAlgorithm};
use sluice_ports::HeadSigner as _;

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
