//! `sluice keys`.

use serde_json::json;
use sluice_domain::id::TenantId;

use crate::exit::Exit;
use crate::output::{CommandError, Output};
use crate::state::State;

/// `sluice keys rotate`.
///
/// # Errors
/// When the tenant is not configured or the key ring can not be written.
pub async fn rotate(tenant: &TenantId, state: &State) -> Result<Output, CommandError> {
    if !state.settings.current().tenants.contains_key(tenant) {
        return Err(CommandError::usage(format!("tenant `{tenant}` is not configured")));
    }
    let number = state.keys.rotate(tenant).await;
    let number = number.map_err(|error| CommandError::configuration(error.to_string()))?;
    let text =
        format!("{tenant} seals with data key {number} from now on; older keys still open what they sealed");
    Ok(Output::one(Exit::Ok, text, json!({ "tenant": tenant, "data_key": number })))
}
