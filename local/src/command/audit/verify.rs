//! `sluice audit verify`: of days in the data directory, or of a proof file without one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sluice_domain::audit::{
    AuditRecord, Consistency, Inclusion, InvalidProof, LARGEST_PROOF, ProofFile, PublicKey, SignedHead,
    TrustedKeys,
};
use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;
use sluice_evidence::{Evidence, EvidenceError, Standing};

use crate::cli::AuditVerify;
use crate::exit::Exit;
use crate::output::{CommandError, Output};
use crate::state::State;

/// So many places are told to people; scripts get all.
const TOLD: usize = 20;

/// Compares days with what was sealed.
pub(super) async fn days(args: &AuditVerify, state: &State) -> Result<Output, CommandError> {
    let tenant = args.tenant.as_ref().ok_or_else(|| CommandError::usage("expected `--tenant`"))?;
    if !state.settings.current().tenants.contains_key(tenant) {
        return Err(CommandError::usage(format!("tenant `{tenant}` is not configured")));
    }
    let yesterday = state.clock.now().business_day().previous();
    let first = args.from.or(args.day).unwrap_or(yesterday);
    let last = args.to.or(args.day).unwrap_or(if args.from.is_some() { yesterday } else { first });
    if last < first {
        return Err(CommandError::usage(format!("expected `--to` after {first}, got {last}")));
    }
    let evidence = Evidence { log: &state.store, digests: &state.reports, signer: &state.signer };
    let (mut exit, mut lines, mut rows, mut day) = (Exit::Ok, Vec::new(), Vec::new(), first);
    while day <= last {
        let standing = match evidence.verify(tenant, day).await {
            Ok(standing) => standing,
            Err(EvidenceError::Port { error, .. }) => return Err(error.into()),
            Err(error) => return Err(CommandError::unavailable(error.to_string())),
        };
        if !matches!(standing, Standing::Intact(_)) {
            exit = Exit::No;
        }
        lines.push(words(tenant, day, &standing));
        rows.push(row(tenant, day, &standing));
        day = day.end().business_day();
    }
    Ok(Output::lines(exit, lines.join("\n"), rows))
}

fn words(tenant: &TenantId, day: BusinessDay, standing: &Standing) -> String {
    match standing {
        Standing::Intact(sha256) => {
            format!("{tenant} {day}: the records are those that were sealed, sha256 {sha256}")
        }
        Standing::Absent => {
            format!("{tenant} {day}: not sealed; the nightly run does it once the day is over")
        }
        Standing::Broken(findings) => {
            let mut text = format!("{tenant} {day}: NOT what was sealed");
            for finding in findings.iter().take(TOLD) {
                let _infallible = write!(text, "\n  {finding}");
            }
            if findings.len() > TOLD {
                let more = findings.len() - TOLD;
                let _infallible = write!(text, "\n  and {more} more: `--json` lists them");
            }
            text
        }
    }
}

fn row(tenant: &TenantId, day: BusinessDay, standing: &Standing) -> Value {
    let (seal, sha256, findings) = standing.parts();
    json!({ "tenant": tenant, "day": day, "seal": seal, "sha256": sha256, "findings": findings })
}

/// Checks a proof file with nothing but public keys: no data directory, no configuration.
///
/// # Errors
/// When a file can not be read, or is no proof or key.
pub fn file(path: &Path, public_keys: &[PathBuf]) -> Result<Output, CommandError> {
    let keys = public_keys.iter().map(|path| public_key(path)).collect::<Result<_, _>>()?;
    let bytes = bounded(path, LARGEST_PROOF).map_err(CommandError::usage)?;
    let unusable =
        |error: InvalidProof| CommandError::usage(format!("`{}` can not be used: {error}", path.display()));
    let proof = ProofFile::parse(&bytes).map_err(unusable)?;
    let (what, json) = match (&proof.inclusion, &proof.consistency) {
        (Some(inclusion), _) => of_record(inclusion),
        (None, Some(consistency)) => of_days(consistency),
        (None, None) => return Err(CommandError::usage("a proof file without a proof")),
    };
    Ok(match proof.verify(&TrustedKeys::new(keys)) {
        Ok(()) => Output::one(Exit::Ok, format!("it holds: {what}"), with(json, true, None)),
        Err(error) => {
            let text = format!("it does NOT hold: {error}\nit claims: {what}");
            Output::one(Exit::No, text, with(json, false, Some(&error.to_string())))
        }
    })
}

fn with(mut claim: Value, holds: bool, because: Option<&str>) -> Value {
    if let Value::Object(members) = &mut claim {
        members.insert("holds".to_owned(), json!(holds));
        members.insert("because".to_owned(), json!(because));
    }
    claim
}

fn of_record(proof: &Inclusion) -> (String, Value) {
    let head = &proof.head.head;
    let mut text = format!(
        "record {} of {} that {} decided on {} is as it was sealed, {}",
        proof.index,
        head.records,
        head.tenant,
        head.day,
        signed(&proof.head)
    );
    match proof.record.as_deref().map(serde_json::from_str::<AuditRecord>) {
        Some(Ok(record)) => {
            let (name, received) = (&record.name, record.received_at);
            let outcome = record.disposition.label();
            let (trace, kind) = (record.trace_id, record.kind);
            let _infallible =
                write!(text, "\nrecord    trace {trace}, {kind} ({name}) received {received}: {outcome}");
        }
        Some(Err(_)) => text.push_str("\nrecord    of another version of Sluice"),
        None => text.push_str("\nrecord    held back; its leaf hash is in the file"),
    }
    let record = proof.record.as_deref().and_then(|record| serde_json::from_str::<Value>(record).ok());
    (
        text,
        json!({ "claim": "inclusion", "head": head, "index": proof.index, "leaf": proof.leaf, "record": record }),
    )
}

fn of_days(proof: &Consistency) -> (String, Value) {
    let (from, to) = (&proof.from.head, &proof.to.head);
    let text = format!(
        "no day of {} before {} was rewritten since {} was sealed: its log grew from {} to {} days, {}",
        from.tenant,
        to.day,
        from.day,
        from.log.size(),
        to.log.size(),
        signed(&proof.to)
    );
    (text, json!({ "claim": "consistency", "from": from, "to": to }))
}

fn signed(head: &SignedHead) -> String {
    format!("at {} by key {}", head.head.sealed_at, head.signature.key)
}

pub(crate) fn public_key(path: &Path) -> Result<PublicKey, CommandError> {
    let text = bounded(path, 16 * 1024).map_err(CommandError::configuration)?;
    PublicKey::from_text(&String::from_utf8_lossy(&text))
        .map_err(|error| CommandError::configuration(format!("`{}`: {error}", path.display())))
}

/// A file's bytes, one more than the bound at most: whoever parses them refuses it then.
fn bounded(path: &Path, largest: usize) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let unusable = |error: std::io::Error| format!("can not read `{}`: {error}", path.display());
    let file = std::fs::File::open(path).map_err(unusable)?;
    let mut bytes = Vec::new();
    let bound = u64::try_from(largest).unwrap_or(u64::MAX).saturating_add(1);
    file.take(bound).read_to_end(&mut bytes).map_err(unusable)?;
    Ok(bytes)
}
