//! `sluice audit prove`.

use serde_json::json;
use sluice_domain::audit::{AuditRecord, ProofFile};
use sluice_domain::id::EventKey;
use sluice_evidence::{Evidence, EvidenceError};
use sluice_ports::AuditLog as _;

use crate::cli::AuditProve;
use crate::exit::Exit;
use crate::output::{CommandError, FileContent, Output, OutputFile};
use crate::state::State;

/// Proves an event's record, or the days between two, to somebody who has only the file and the public key.
pub(super) async fn run(args: &AuditProve, state: &State) -> Result<Output, CommandError> {
    let evidence = Evidence { log: &state.store, digests: &state.reports, signer: &state.signer };
    let proof = match (args.from, args.to) {
        (Some(from), Some(to)) if args.consistency => evidence.prove_days(&args.tenant, from, to).await,
        _ => {
            let Some(record) = record(args, state).await? else {
                return Ok(no("no such event: it was not decided yet, or belongs to another tenant"));
            };
            evidence.prove_record(&record, args.redacted).await
        }
    };
    match proof {
        Ok(proof) => Ok(output(args, &proof)),
        Err(EvidenceError::Port { error, .. }) => Err(error.into()),
        Err(error) => Ok(no(&error.to_string())),
    }
}

async fn record(args: &AuditProve, state: &State) -> Result<Option<AuditRecord>, CommandError> {
    Ok(match (&args.source, &args.event, args.trace) {
        (Some(source), Some(message), _) => {
            let key =
                EventKey { tenant: args.tenant.clone(), source: source.clone(), message: message.clone() };
            state.store.audit(&key).await?
        }
        (_, _, Some(trace)) => state.store.audit_of_trace(&args.tenant, trace).await?,
        _ => None,
    })
}

fn no(text: &str) -> Output {
    Output::one(Exit::No, text, json!({ "proof": null, "because": text }))
}

/// The proof itself, or a word on where it is.
fn output(args: &AuditProve, proof: &ProofFile) -> Output {
    let text = proof.to_text();
    let Some(path) = &args.out else { return Output::one(Exit::Ok, text, json!(proof)) };
    let words = format!(
        "wrote `{}` ({} bytes); check it with: sluice audit verify {} --public-key KEY.pem",
        path.display(),
        text.len(),
        path.display()
    );
    let json = json!({ "proof": path, "bytes": text.len() });
    let files = vec![OutputFile { path: path.clone(), content: FileContent::Text(text) }];
    Output { files, ..Output::one(Exit::Ok, words, json) }
}
