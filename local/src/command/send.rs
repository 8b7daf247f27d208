//! `sluice send`: a callback signed as a configured source signs, sent to a gate.

use serde_json::json;
use sluice_domain::id::SourceId;
use sluice_domain::scheme::{Credentials, ToSign, sign};
use sluice_domain::settings::Settings;
use sluice_ports::{Clock, Nonces, SecretStore};

use crate::cli::Send;
use crate::client::GateClient;
use crate::exit::Exit;
use crate::input;
use crate::output::{CommandError, Output};

/// `sluice send`.
///
/// # Errors
/// When the source or its secret is not configured, the body can not be read or the gate does not answer.
pub async fn run(
    args: &Send,
    settings: &Settings,
    secrets: &impl SecretStore,
    clock: &impl Clock,
    entropy: &impl Nonces,
) -> Result<Output, CommandError> {
    let Some((tenant, source)) = settings.source(&args.source) else {
        let known: Vec<_> = settings
            .tenants
            .values()
            .flat_map(|tenant| tenant.sources.keys())
            .map(SourceId::as_str)
            .collect();
        return Err(CommandError::usage(format!(
            "source `{}` is not configured; known are {}",
            args.source,
            known.join(", ")
        )));
    };
    let secret = secrets.secret(&tenant.id, &source.secret).await?;
    let body = input::bytes(&args.body)?;
    let mut random = [0; 32];
    entropy.fill(&mut random);
    let nonce = hex::encode(random.split_at(8).0);
    let headers: Vec<_> = args.message_id.iter().map(|id| ("Msg-Id".to_owned(), id.clone())).collect();
    let rng = ring::rand::SystemRandom::new();
    let message = ToSign {
        nonce: &nonce,
        random,
        headers: &headers,
        rng: Some(&rng),
        ..ToSign::post(&body, clock.now())
    };
    let signed = sign(source.scheme, message, &Credentials::of_source(source, &secret.current, None))
        .map_err(|error| CommandError::configuration(error.to_string()))?;
    let answer = GateClient::new(&args.to).send(source.id.as_str(), "POST", signed).await?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let exit = if answer.status.is_success() { Exit::Ok } else { Exit::No };
    let row = json!({ "source": source.id, "status": answer.status.as_u16(), "body": text });
    Ok(Output::one(exit, format!("{} {text}", answer.status), row))
}
