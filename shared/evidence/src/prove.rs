//! Proving: what somebody else can check with the file and a public key.

use sluice_domain::audit::tree::Hash;
use sluice_domain::audit::{AuditRecord, Consistency, Inclusion, LeafList, ProofFile, SignedHead};
use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;
use sluice_ports::{AuditLog, Digests, HeadSigner};

use crate::{Evidence, EvidenceError};

impl<L: AuditLog, D: Digests, K: HeadSigner> Evidence<'_, L, D, K> {
    /// Proves that a record is among those that its day's head covers. `redacted` holds back what it says: the file then proves that a record
    /// of this hash is there, to somebody who will be shown the record otherwise.
    ///
    /// # Errors
    /// [`EvidenceError`], also when the record or its day is not what was sealed.
    pub async fn prove_record(
        &self,
        record: &AuditRecord,
        redacted: bool,
    ) -> Result<ProofFile, EvidenceError> {
        let (tenant, day) = (&record.key.tenant, record.decided_at.business_day());
        let signed = self.head(tenant, day).await?;
        let leaves = self.digests.leaves(tenant, day, signed.head.leaves).await;
        let leaves = leaves.map_err(EvidenceError::port("reading a day's leaf list"))?;
        let leaves = leaves.filter(|bytes| Hash::of(bytes) == signed.head.leaves);
        let leaves =
            leaves.and_then(|bytes| LeafList::parse(&bytes).ok()).ok_or(EvidenceError::Leaves(day))?;
        let proof = Inclusion::of(signed, &leaves, record, redacted);
        self.checked(ProofFile::of_inclusion(proof.ok_or(EvidenceError::NotAsSealed(day))?)).await
    }

    /// Proves that from one day to a later one nothing was rewritten.
    ///
    /// # Errors
    /// [`EvidenceError`], also when something was.
    pub async fn prove_days(
        &self,
        tenant: &TenantId,
        from: BusinessDay,
        to: BusinessDay,
    ) -> Result<ProofFile, EvidenceError> {
        let (one, two) = (self.head(tenant, from).await?, self.head(tenant, to).await?);
        let documents = self.log_of(&two).await?;
        let proof = Consistency::of(one, two, &documents);
        self.checked(ProofFile::of_consistency(proof.ok_or(EvidenceError::NotInLog { from, to })?)).await
    }

    /// The leaves of the log that a head was sealed on: back along the chain to its beginning.
    async fn log_of(&self, signed: &SignedHead) -> Result<Vec<Hash>, EvidenceError> {
        let (mut leaves, mut at) = (Vec::new(), signed.clone());
        while at.head.log.size() > 0 {
            let day = at.head.day;
            let link = at.head.previous.ok_or(EvidenceError::Chain(day))?;
            let document = self.document(&at.head.tenant, link.day).await?;
            let document = document.filter(|document| Hash::of(document) == link.sha256);
            let document = document.ok_or(EvidenceError::Chain(link.day))?;
            let before = SignedHead::parse_of(&document, &at.head.tenant, link.day)
                .map_err(|cause| EvidenceError::Head(link.day, cause))?;
            // Each step down makes the log one shorter, or it is no log.
            if before.log_after() != at.head.log {
                return Err(EvidenceError::Chain(day));
            }
            leaves.push(before.log_leaf());
            at = before;
        }
        leaves.reverse();
        Ok(leaves)
    }

    async fn head(&self, tenant: &TenantId, day: BusinessDay) -> Result<SignedHead, EvidenceError> {
        let document = self.document(tenant, day).await?.ok_or(EvidenceError::NotSealed(day))?;
        SignedHead::parse_of(&document, tenant, day).map_err(|cause| EvidenceError::Head(day, cause))
    }

    /// Nothing leaves that does not hold.
    async fn checked(&self, proof: ProofFile) -> Result<ProofFile, EvidenceError> {
        proof.verify(&self.trusted().await?)?;
        Ok(proof)
    }
}
