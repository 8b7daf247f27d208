//! Sealing: once a day is over, its head is signed and written once.

use sluice_domain::audit::tree::Hash;
use sluice_domain::audit::{Finding, Link, LogState, SignedHead};
use sluice_domain::id::TenantId;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_ports::{AuditLog, Digests, HeadSigner, Written};

use crate::{Evidence, EvidenceError, Standing};

/// So long after midnight every decision of the day is written: longer than any step's time-out and visibility time-out.
const FINAL_AFTER_MS: i64 = 15 * 60 * 1_000;

/// What a new head is put on.
struct Before {
    previous: Option<Link>,
    log: LogState,
    findings: Vec<Finding>,
}

impl<L: AuditLog, D: Digests, K: HeadSigner> Evidence<'_, L, D, K> {
    /// Seals a day that is over, and before it the days since the last sealed one (nights that were missed), so that the chain has no
    /// hole. A day that is sealed already is compared.
    ///
    /// # Errors
    /// A port's failure.
    pub async fn seal(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        now: UnixMillis,
    ) -> Result<Standing, EvidenceError> {
        if let Some(document) = self.document(tenant, day).await? {
            return self.examine(tenant, day, &document).await;
        }
        if now.since(day.end()) < FINAL_AFTER_MS {
            return Ok(Standing::Absent);
        }
        let last = self.digests.last_sealed(tenant, day).await;
        let mut last = last.map_err(EvidenceError::port("looking for the last head"))?;
        let mut next = last.map_or(day, |last| last.end().business_day());
        loop {
            let standing = self.add(tenant, next, last, now).await?;
            if next == day {
                return Ok(standing);
            }
            last = Some(next);
            next = next.end().business_day();
        }
    }

    /// Seals one day after the one before it. The leaf list is stored first: a run that dies between the two leaves a list that no head names.
    async fn add(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        last: Option<BusinessDay>,
        now: UnixMillis,
    ) -> Result<Standing, EvidenceError> {
        let before = self.before(tenant, last).await?;
        let tree = self.records(tenant, day).await?;
        let head = tree.head(before.previous, before.log, now);
        let kept = self.digests.keep_leaves(tenant, day, tree.leaves().to_bytes()).await;
        kept.map_err(EvidenceError::port("storing a day's leaf list"))?;
        let signature = self.signer.sign(&head.to_bytes()).await;
        let signature = signature.map_err(EvidenceError::port("signing a day's head"))?;
        let records = head.records;
        let document = SignedHead { head, signature }.to_bytes();
        let sha256 = Hash::of(&document);
        let written = self.digests.seal(tenant, day, document.clone()).await;
        match written.map_err(EvidenceError::port("sealing a day's audit records"))? {
            Written::New => {
                tracing::info!(tenant = %tenant, day = %day, records, sha256 = %sha256, "sealed: {records} audit records");
                Ok(Standing::of(&document, before.findings))
            }
            // Another run was quicker.
            Written::Existing(document) => self.examine(tenant, day, &document).await,
        }
    }

    /// The day before, if it can be built on: a log is not continued on a head that nobody signed.
    async fn before(&self, tenant: &TenantId, day: Option<BusinessDay>) -> Result<Before, EvidenceError> {
        let none = Before { previous: None, log: LogState::empty(), findings: Vec::new() };
        let Some(day) = day else { return Ok(none) };
        let Some(document) = self.document(tenant, day).await? else {
            return Ok(Before { findings: vec![Finding::HeadMissing(day)], ..none });
        };
        let previous = Some(Link { day, sha256: Hash::of(&document) });
        let broken =
            |finding| Before { previous: previous.clone(), findings: vec![finding], log: LogState::empty() };
        let keys = self.trusted().await?;
        Ok(match SignedHead::parse_of(&document, tenant, day) {
            Err(cause) => broken(Finding::HeadUnreadable(day, cause)),
            Ok(signed) => match signed.verify(&keys) {
                Err(cause) => broken(Finding::HeadSignature(day, cause)),
                Ok(()) => Before { log: signed.log_after(), previous, findings: Vec::new() },
            },
        })
    }
}
