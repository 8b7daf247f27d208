//! `sluice consent erase`: a person is forgotten (PIPL art. 47).

use std::path::Path;

use serde_json::{Value, json};
use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::time::{BusinessDay, DAY_MS};
use sluice_embedded::{Store, SystemEntropy};
use sluice_erasure::{Erased, Eraser};
use sluice_ports::{Destroyed, KeyRing};

use super::consent::person;
use crate::cli::Person;
use crate::exit::Exit;
use crate::output::{CommandError, FileContent, Output, OutputFile};
use crate::state::State;

/// Proof of consent and of transactions is kept for three years (电子商务法 art. 31; 网络数据安全管理条例 art. 12).
const KEPT_DAYS: i64 = 3 * 366;

/// What is kept, and by which law.
const KEPT: [(&str, &str, &str); 4] = [
    ("consents", "同意与撤回的凭证", "网络数据安全管理条例 第十二条;个人信息保护法 第四十七条第二款"),
    ("orders", "交易信息", "电子商务法 第三十一条"),
    ("deliveries", "发送记录", "互联网广告管理办法;广告法 第四十三条"),
    ("audits", "决策记录,仅含假名与摘要", "个人信息保护法 第五十四条、第五十五条、第五十六条"),
];

/// `sluice consent erase`.
///
/// # Errors
/// When the person can not be named or the store can not be written.
pub async fn erase(who: &Person, report: Option<&Path>, state: &State) -> Result<Output, CommandError> {
    let person = person(who, &state.keys).await?;
    let done = erase_one(&who.tenant, &person, state).await?;
    let exit = if done.destroyed.is_empty() { Exit::No } else { Exit::Ok };
    let text = if done.destroyed.is_empty() {
        "nothing was known of this person, or they were erased before".to_owned()
    } else {
        format!("erased, reference {}\n{}", done.reference, lines(&done.destroyed))
    };
    let json = document(&done, &who.tenant);
    let files = report
        .map(|path| OutputFile { path: path.to_owned(), content: FileContent::Text(format!("{json:#}\n")) });
    Ok(Output { files: files.into_iter().collect(), ..Output::one(exit, text, json) })
}

/// `sluice consent erase-due`.
///
/// # Errors
/// When the store can not be read or written.
pub async fn erase_due(tenant: &TenantId, day: BusinessDay, state: &State) -> Result<Output, CommandError> {
    let reports = due(tenant, day, state).await?;
    let text = match reports.len() {
        0 => format!("nobody of {tenant} is to be erased for {day}"),
        count => format!("erased for {day}: {count}"),
    };
    Ok(Output::lines(Exit::Ok, text, reports))
}

/// Erases the people of a day whose events say so; gives a report of each.
///
/// # Errors
/// When the store can not be read or written.
pub async fn due(tenant: &TenantId, day: BusinessDay, state: &State) -> Result<Vec<Value>, CommandError> {
    let eraser = eraser(tenant, state).await?;
    let erased = eraser.due(tenant, day).await?;
    Ok(erased.iter().map(|done| document(done, tenant)).collect())
}

async fn eraser<'s>(
    tenant: &TenantId,
    state: &'s State,
) -> Result<Eraser<'s, Store, SystemEntropy>, CommandError> {
    if !state.settings.current().tenants.contains_key(tenant) {
        return Err(CommandError::configuration(format!("tenant `{tenant}` is not configured")));
    }
    let (now, keys) = (state.clock.now(), state.keys.keys(tenant).await?);
    Ok(Eraser { store: &state.store, entropy: &SystemEntropy, now, keys: Some(keys) })
}

async fn erase_one(tenant: &TenantId, person: &PersonId, state: &State) -> Result<Erased, CommandError> {
    if person.is_reference() {
        return Err(CommandError::usage("this is the reference of somebody who was erased"));
    }
    Ok(eraser(tenant, state).await?.erase(tenant, person).await?)
}

/// It names nobody: it may be given to the person, who can show by it what was theirs.
fn document(done: &Erased, tenant: &TenantId) -> Value {
    let Destroyed { destroyed, restricted, emptied } = &done.destroyed;
    let kept: Vec<_> = KEPT
        .iter()
        .map(|(what, title, basis)| {
            json!({ "what": what, "title": title, "records": restricted.get(what), "basis": basis,
                        "until": done.at.plus_ms(KEPT_DAYS * DAY_MS).business_day(), "state": "restricted" })
        })
        .collect();
    json!({
        "report": "sluice/erasure/v1",
        "tenant": tenant,
        "reference": done.reference,
        "erased_at": done.at.to_string(),
        "destroyed": destroyed,
        "emptied_messages": emptied,
        "kept": kept,
        "file": "written anew, the old one overwritten",
        "remains": [
            "one entry that this person was erased and when, so that a late or captured callback does not bring them back",
            "audit records with the pseudonym; the key of pseudonyms is the tenant's and is not destroyed",
            "backups made before, for as long as they are kept",
        ],
    })
}

fn lines(done: &Destroyed) -> String {
    let group = |word: &str, counts: &std::collections::BTreeMap<&'static str, u64>| {
        counts.iter().map(|(store, count)| format!("{word:<10} {count} in {store}")).collect::<Vec<_>>()
    };
    let groups = [
        group("destroyed", &done.destroyed),
        group("restricted", &done.restricted),
        group("emptied", &done.emptied),
    ];
    groups.concat().join("\n")
}
