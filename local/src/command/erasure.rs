//! `sluice consent erase`: a person is forgotten (PIPL art. 47).

use std::path::Path;

use serde_json::{Value, json};
use sluice_domain::audit::Disposition;
use sluice_domain::consent::ERASURE_DUE;
use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::time::{BusinessDay, DAY_MS, UnixMillis};
use sluice_embedded::SystemEntropy;
use sluice_ports::{AuditLog, ConsentStore, Destroyed, Entropy, Erasure, ErasureRequest, KeyRing};

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
    let json = done.report(&who.tenant);
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
    let (mut reports, mut cursor) = (Vec::new(), None);
    loop {
        let page = state.store.audits(tenant, day, cursor).await?;
        for record in page.items {
            let due =
                matches!(&record.disposition, Disposition::Recorded { effect, .. } if effect == ERASURE_DUE);
            let Some(person) = record.person.filter(|_| due) else { continue };
            // Who agreed anew since has come back.
            let stands = state.store.consents_of(tenant, &person).await?;
            if stands.iter().any(|consent| consent.withdrawn.is_none()) {
                continue;
            }
            let done = erase_one(tenant, &person, state).await?;
            if !done.destroyed.is_empty() {
                reports.push(done.report(tenant));
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(reports);
        }
    }
}

/// One erasure.
struct Erased {
    reference: PersonId,
    at: UnixMillis,
    destroyed: Destroyed,
}

async fn erase_one(tenant: &TenantId, person: &PersonId, state: &State) -> Result<Erased, CommandError> {
    if !state.settings.current().tenants.contains_key(tenant) {
        return Err(CommandError::configuration(format!("tenant `{tenant}` is not configured")));
    }
    if person.is_reference() {
        return Err(CommandError::usage("this is the reference of somebody who was erased"));
    }
    let (reference, at) = (new_reference(), state.clock.now());
    let request = ErasureRequest {
        tenant: tenant.clone(),
        person: person.clone(),
        reference: reference.clone(),
        at,
        keys: Some(state.keys.keys(tenant).await?),
    };
    // What waits for a reviewer first: it would go on with what is destroyed below.
    let reviews = sluice_review::erase(&state.store, tenant, person, at).await?;
    let mut destroyed = state.store.erase(request).await?;
    if reviews > 0 {
        destroyed.destroyed.insert("reviews", u64::try_from(reviews).unwrap_or(u64::MAX));
    }
    Ok(Erased { reference, at, destroyed })
}

fn new_reference() -> PersonId {
    let mut random = [0; 16];
    SystemEntropy.fill(&mut random);
    PersonId::reference(random)
}

impl Erased {
    /// It names nobody: it may be given to the person, who can show by it what was theirs.
    fn report(&self, tenant: &TenantId) -> Value {
        let Destroyed { destroyed, restricted, emptied } = &self.destroyed;
        let kept: Vec<_> = KEPT
            .iter()
            .map(|(what, title, basis)| {
                json!({ "what": what, "title": title, "records": restricted.get(what), "basis": basis,
                        "until": self.at.plus_ms(KEPT_DAYS * DAY_MS).business_day(), "state": "restricted" })
            })
            .collect();
        json!({
            "report": "sluice/erasure/v1",
            "tenant": tenant,
            "reference": self.reference,
            "erased_at": self.at.to_string(),
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
