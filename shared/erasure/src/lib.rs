#![doc = include_str!("../README.md")]

use std::sync::Arc;

use sluice_domain::audit::Disposition;
use sluice_domain::consent::ERASURE_DUE;
use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_ports::{AuditLog, ConsentStore, Destroyed, Entropy, Erasure, ErasureRequest, PortError, Reviews};

/// Where erasing is done, and when.
#[derive(Debug)]
pub struct Eraser<'a, S, E> {
    /// The records.
    pub store: &'a S,
    /// Randomness for references.
    pub entropy: &'a E,
    /// Now.
    pub now: UnixMillis,
    /// The tenant's keys, where the adapter reaches messages on queues: they carry tags under them.
    pub keys: Option<Arc<TenantKeys>>,
}

/// One erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The random name under which the records that law says to keep are put away. It leads back to nobody.
    pub reference: PersonId,
    /// When.
    pub at: UnixMillis,
    /// What was destroyed, put away and emptied.
    pub destroyed: Destroyed,
}

impl<S: Erasure + Reviews, E: Entropy> Eraser<'_, S, E> {
    /// Erases a person. Beginning again after a failure ends what is left.
    ///
    /// # Errors
    /// The store's failure.
    pub async fn erase(&self, tenant: &TenantId, person: &PersonId) -> Result<Erased, PortError> {
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        let (reference, at) = (PersonId::reference(random), self.now);
        // What waits for a reviewer first: it would go on with what is destroyed below.
        let reviews = sluice_review::erase(self.store, tenant, person, at).await?;
        let request = ErasureRequest {
            tenant: tenant.clone(),
            person: person.clone(),
            reference: reference.clone(),
            at,
            keys: self.keys.clone(),
        };
        let mut destroyed = self.store.erase(request).await?;
        if reviews > 0 {
            destroyed.destroyed.insert("reviews", u64::try_from(reviews).unwrap_or(u64::MAX));
        }
        Ok(Erased { reference, at, destroyed })
    }
}

impl<S: AuditLog + ConsentStore + Erasure + Reviews, E: Entropy> Eraser<'_, S, E> {
    /// Erases the people of a day whose events say so, but for those who agreed anew since; gives those of whom there was something.
    ///
    /// # Errors
    /// The store's failure; who was erased before it stays so, and the next call erases the rest.
    pub async fn due(&self, tenant: &TenantId, day: BusinessDay) -> Result<Vec<Erased>, PortError> {
        let (mut erased, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.store.audits(tenant, day, cursor).await?;
            for record in page.items {
                let due = matches!(&record.disposition, Disposition::Recorded { effect, .. } if effect == ERASURE_DUE);
                let Some(person) = record.person.filter(|_| due) else { continue };
                // Who agreed anew since has come back.
                let stands = self.store.consents_of(tenant, &person).await?;
                if stands.iter().any(|consent| consent.withdrawn.is_none()) {
                    continue;
                }
                let done = self.erase(tenant, &person).await?;
                if !done.destroyed.is_empty() {
                    tracing::info!(%tenant, reference = %done.reference, "erased: a person whose event of {day} says so");
                    erased.push(done);
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(erased);
            }
        }
    }
}
