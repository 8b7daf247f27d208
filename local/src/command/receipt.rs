//! `sluice consent receipt`: what a person agreed to, signed, for the person to keep (ISO/IEC TS 27560).
//!
//! It is signed with the key that signs the audit log's heads, so a company publishes one key. What is signed begins with a word of its own: no
//! head passes for a receipt, and no receipt for a head.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sluice_domain::audit::{HeadSignature, TrustedKeys};
use sluice_domain::consent::{ReceiptHead, receipt, receipt_message};
use sluice_embedded::SystemEntropy;
use sluice_ports::{ConsentStore as _, Entropy as _, HeadSigner};

use super::audit::public_key;
use super::consent::person;
use crate::cli::Person;
use crate::exit::Exit;
use crate::output::{CommandError, FileContent, Output, OutputFile};
use crate::state::State;

/// `sluice consent receipt`.
///
/// # Errors
/// When the person can not be named, the tenant is not configured, or store or key can not be used.
pub async fn issue(who: &Person, out: Option<&Path>, state: &State) -> Result<Output, CommandError> {
    let settings = state.settings.current();
    let tenant = settings
        .tenants
        .get(&who.tenant)
        .ok_or_else(|| CommandError::configuration(format!("tenant `{}` is not configured", who.tenant)))?;
    let person = person(who, &state.keys).await?;
    let records = state.store.consents_of(&who.tenant, &person).await?;
    if records.is_empty() {
        let text = format!("{person}: no consent");
        return Ok(Output::one(Exit::No, text, json!({ "receipt": null })));
    }
    let mut random = [0; 16];
    SystemEntropy.fill(&mut random);
    let head = ReceiptHead { id: hex::encode(random), person, at: state.clock.now() };
    let signed = sign(receipt(tenant, &head, &records), &state.signer).await?;
    // Without a file, the receipt itself is the answer.
    let text = match out {
        Some(_) => format!("receipt {} of {} consents, signed", head.id, records.len()),
        None => format!("{signed:#}"),
    };
    let files = out.map(|path| OutputFile {
        path: path.to_owned(),
        content: FileContent::Text(format!("{signed:#}\n")),
    });
    Ok(Output { files: files.into_iter().collect(), ..Output::one(Exit::Ok, text, signed) })
}

async fn sign(receipt: Value, signer: &impl HeadSigner) -> Result<Value, CommandError> {
    let signature = signer.sign(&receipt_message(&receipt)).await?;
    Ok(json!({ "receipt": receipt, "signature": signature }))
}

/// `sluice consent receipt verify`.
///
/// # Errors
/// When a file can not be read, or is no JSON or no key.
pub fn verify(file: &Path, public_keys: &[PathBuf]) -> Result<Output, CommandError> {
    let keys = public_keys.iter().map(|path| public_key(path)).collect::<Result<_, _>>()?;
    let text = crate::input::text(file)?;
    // The parser's own words may quote what is in the file.
    let signed: Value = serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        CommandError::usage(format!("`{}` is no JSON: line {line} column {column}", file.display()))
    })?;
    let id = signed.pointer("/receipt/receipt_id").cloned();
    let (exit, genuine, text) = match check(&signed, &TrustedKeys::new(keys)) {
        Ok(()) => (Exit::Ok, true, "genuine: the receipt is as it was signed".to_owned()),
        Err(cause) => (Exit::No, false, format!("not genuine: {cause}")),
    };
    Ok(Output::one(exit, text, json!({ "genuine": genuine, "receipt_id": id })))
}

fn check(signed: &Value, keys: &TrustedKeys) -> Result<(), String> {
    let receipt = signed.get("receipt").ok_or("expected `receipt`")?;
    let signature = signed.get("signature").cloned().ok_or("expected `signature`")?;
    let signature: HeadSignature =
        serde_json::from_value(signature).map_err(|_| "its signature can not be read")?;
    keys.verify(&signature, &receipt_message(receipt)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use sluice_embedded::LocalHeadSigner;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_signed_receipt_verifies_until_a_byte_of_it_or_the_key_is_another() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let signer = LocalHeadSigner::open(folder.path()).unwrap();
        let receipt = json!({ "receipt_id": "r", "records": [{ "b": 1, "a": "同意" }] });
        let signed = sign(receipt, &signer).await.unwrap();
        let keys = signer.trusted().await.unwrap();
        assert_eq!(check(&signed, &keys), Ok(()));
        let others = LocalHeadSigner::open(elsewhere.path()).unwrap().trusted().await.unwrap();
        assert!(check(&signed, &others).unwrap_err().contains("none of the keys"));
        let mut changed = signed.clone();
        changed["receipt"]["records"][0]["a"] = "不同意".into();
        assert!(check(&changed, &keys).unwrap_err().contains("not one of key"));
        for bad in [json!({}), json!({ "receipt": {} }), json!({ "receipt": {}, "signature": "!" })] {
            assert!(check(&bad, &keys).is_err(), "{bad}");
        }
        // The order of members is the writer's choice.
        let text = r#"{"records":[{"a":"同意","b":1}],"receipt_id":"r"}"#;
        let reordered: Value = serde_json::from_str(text).unwrap();
        assert_eq!(check(&json!({ "receipt": reordered, "signature": signed["signature"] }), &keys), Ok(()));
    }
}
