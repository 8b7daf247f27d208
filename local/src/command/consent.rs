//! `sluice consent`: consent by hand, for what was given or withdrawn outside Douyin.

use serde_json::json;
use sluice_domain::consent::{
    ConsentKey, ConsentRecord, ConsentText, Evidence, Notice, Purpose, Recipient, Separate, Withdrawal,
    standing,
};
use sluice_domain::id::PersonId;
use sluice_domain::settings::Settings;
use sluice_domain::time::{DAY_MS, UnixMillis};
use sluice_ports::{ConsentStore, KeyRing};

use crate::cli::{Consent, Person};
use crate::exit::Exit;
use crate::output::{CommandError, Output};

/// `sluice consent …`. `text` is the content of `--text-file`, read where the command was called.
///
/// # Errors
/// When an argument or a store can not be used.
pub async fn run(
    command: &Consent,
    text: Option<&str>,
    settings: &Settings,
    store: &impl ConsentStore,
    keys: &impl KeyRing,
    now: UnixMillis,
) -> Result<Output, CommandError> {
    match command {
        Consent::Grant { who, purpose, recipient, text_version, note, valid_days, separate, .. } => {
            let text = text.ok_or_else(|| CommandError::usage("the text that was shown is missing"))?;
            let key = key(who, person(who, keys).await?, purpose, recipient)?;
            let notice = notice(&key, settings);
            let evidence = Evidence::Operator { note: note.clone() };
            let record = ConsentRecord {
                valid_until: valid_days.map(|days| now.plus_ms(i64::from(days).saturating_mul(DAY_MS))),
                notice,
                separate: separate.iter().map(|it| Separate::from(*it)).collect(),
                ..ConsentRecord::new(key, ConsentText::shown(text_version, text), now, evidence)
            };
            let changed = store.grant(record.clone()).await?;
            let text = format!("granted: {} for `{purpose}` to `{recipient}`", record.key.person);
            Ok(Output::one(Exit::Ok, text, json!({ "changed": changed, "consent": record })))
        }
        Consent::Withdraw { who, purpose, recipient, note } => {
            let person = person(who, keys).await?;
            let key = match (purpose, recipient) {
                (Some(purpose), Some(recipient)) => Some(key(who, person.clone(), purpose, recipient)?),
                _ => None,
            };
            let withdrawal = Withdrawal { at: now, evidence: Evidence::Operator { note: note.clone() } };
            let count = store.withdraw(&who.tenant, &person, key.as_ref(), withdrawal).await?;
            let exit = if count == 0 { Exit::No } else { Exit::Ok };
            Ok(Output::one(
                exit,
                format!("withdrawn: {count}"),
                json!({ "person": person, "withdrawn": count }),
            ))
        }
        Consent::Show { who } => show(who, store, keys, now).await,
        Consent::Erase { .. } | Consent::EraseDue { .. } | Consent::Receipt { .. } => {
            Err(CommandError::usage("this works on the whole data directory"))
        }
    }
}

/// An operator records what was agreed to under the notice in force: what the recipient is configured to do.
fn notice(key: &ConsentKey, settings: &Settings) -> Option<Notice> {
    let tenant = settings.tenants.get(&key.tenant)?;
    let entry = tenant.recipients.get(&key.recipient)?;
    Some(Notice {
        methods: entry.methods.clone(),
        kinds: entry.kinds.clone(),
        receiver: Some(entry.receiver()),
        retention_days: None,
        rights: None,
        region: Some(entry.region.clone()),
    })
}

async fn show(
    who: &Person,
    store: &impl ConsentStore,
    keys: &impl KeyRing,
    now: UnixMillis,
) -> Result<Output, CommandError> {
    let person = person(who, keys).await?;
    let consents = store.consents_of(&who.tenant, &person).await?;
    let rows: Vec<_> = consents
        .iter()
        .map(|record| json!({ "standing": standing(Some(record), now), "consent": record }))
        .collect();
    let lines: Vec<_> = consents
        .iter()
        .map(|record| {
            let state = serde_json::to_value(standing(Some(record), now)).unwrap_or_default();
            let state = state.as_str().unwrap_or_default().to_owned();
            let until = record.valid_until.map(|until| format!(" until {until}")).unwrap_or_default();
            let (purpose, recipient) = (&record.key.purpose, &record.key.recipient);
            format!(
                "{state:<9} {purpose} → {recipient}, text {}, since {}{until}",
                record.text.version, record.granted_at
            )
        })
        .collect();
    let exit = if rows.is_empty() { Exit::No } else { Exit::Ok };
    let text = if lines.is_empty() { format!("{person}: no consent") } else { lines.join("\n") };
    Ok(Output::one(exit, text, json!({ "person": person, "consents": rows })))
}

pub(crate) async fn person(who: &Person, keys: &impl KeyRing) -> Result<PersonId, CommandError> {
    match (&who.open_id, &who.person_id) {
        (Some(open_id), _) => Ok(keys.keys(&who.tenant).await?.person(open_id)),
        (None, Some(person)) => Ok(person.clone()),
        (None, None) => Err(CommandError::usage("name the person by --open-id or --person")),
    }
}

fn key(who: &Person, person: PersonId, purpose: &str, recipient: &str) -> Result<ConsentKey, CommandError> {
    let usage = |error: sluice_domain::id::InvalidId| CommandError::usage(error.to_string());
    Ok(ConsentKey {
        tenant: who.tenant.clone(),
        person,
        purpose: Purpose::new(purpose).map_err(usage)?,
        recipient: Recipient::new(recipient).map_err(usage)?,
    })
}
