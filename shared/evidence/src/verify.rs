//! Comparing: what is stored now against what was sealed, and where they part.

use sluice_domain::audit::tree::Hash;
use sluice_domain::audit::{DayHead, DayTree, Finding, LeafList, LogState, SignedHead, TrustedKeys};
use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;
use sluice_ports::{AuditLog, Digests, HeadSigner};

use crate::{Evidence, EvidenceError, Standing};

impl<L: AuditLog, D: Digests, K: HeadSigner> Evidence<'_, L, D, K> {
    /// Compares a day with what was sealed, and with what the day after it says of it. It stores nothing.
    ///
    /// # Errors
    /// A port's failure.
    pub async fn verify(&self, tenant: &TenantId, day: BusinessDay) -> Result<Standing, EvidenceError> {
        let after = day.end().business_day();
        let named = match self.document(tenant, after).await? {
            Some(document) => {
                SignedHead::parse_of(&document, tenant, after).ok().and_then(|it| it.head.previous)
            }
            None => None,
        };
        let named = named.filter(|link| link.day == day);
        let Some(document) = self.document(tenant, day).await? else {
            return Ok(match named {
                Some(_) => Standing::Broken(vec![Finding::HeadMissing(day)]),
                None => Standing::Absent,
            });
        };
        if named.is_some_and(|link| link.sha256 != Hash::of(&document)) {
            let mut findings = vec![Finding::HeadReplaced(day)];
            if let Standing::Broken(more) = self.examine(tenant, day, &document).await? {
                findings.extend(more);
            }
            return Ok(Standing::Broken(findings));
        }
        self.examine(tenant, day, &document).await
    }

    /// Compares a day with its document: signature, chain, leaf list, records, in this order.
    pub(crate) async fn examine(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        document: &[u8],
    ) -> Result<Standing, EvidenceError> {
        let signed = match SignedHead::parse_of(document, tenant, day) {
            Ok(signed) => signed,
            Err(cause) => return Ok(Standing::Broken(vec![Finding::HeadUnreadable(day, cause)])),
        };
        let mut findings = Vec::new();
        if let Err(cause) = signed.verify(&self.trusted().await?) {
            findings.push(Finding::HeadSignature(day, cause));
        }
        findings.extend(self.chain(&signed.head).await?);
        let leaves = self.digests.leaves(tenant, day, signed.head.leaves).await;
        let leaves = leaves.map_err(EvidenceError::port("reading a day's leaf list"))?;
        let now = self.records(tenant, day).await?;
        findings.extend(compare(&signed.head, leaves.as_deref(), &now));
        Ok(Standing::of(document, findings))
    }

    /// Whether the head stands on the day that it says it stands on.
    async fn chain(&self, head: &DayHead) -> Result<Option<Finding>, EvidenceError> {
        let Some(link) = &head.previous else {
            return Ok((head.log != LogState::empty()).then_some(Finding::LogBroken(head.day)));
        };
        let Some(document) = self.document(&head.tenant, link.day).await? else {
            return Ok(Some(Finding::HeadMissing(link.day)));
        };
        if Hash::of(&document) != link.sha256 {
            return Ok(Some(Finding::HeadReplaced(link.day)));
        }
        Ok(match SignedHead::parse_of(&document, &head.tenant, link.day) {
            Err(cause) => Some(Finding::HeadUnreadable(link.day, cause)),
            Ok(before) if before.log_after() != head.log => Some(Finding::LogBroken(head.day)),
            Ok(_) => None,
        })
    }

    pub(crate) async fn trusted(&self) -> Result<TrustedKeys, EvidenceError> {
        self.signer.trusted().await.map_err(EvidenceError::port("reading the audit log's public keys"))
    }
}

/// The records that are there `now` against the head and its leaf list.
fn compare(head: &DayHead, leaves: Option<&[u8]>, now: &DayTree) -> Vec<Finding> {
    let day = head.day;
    let (count, root) = (now.leaves().count(), now.leaves().root());
    let by_root = || {
        ((count, root) != (head.records, head.root)).then_some(Finding::Records {
            day,
            sealed: head.records,
            now: count,
            sealed_root: head.root,
            root,
        })
    };
    let Some(bytes) = leaves else {
        return [Some(Finding::LeavesMissing(day)), by_root()].into_iter().flatten().collect();
    };
    let list = LeafList::parse(bytes);
    if Hash::of(bytes) != head.leaves {
        // With all records there, they say where the list was changed.
        let (differing, by_root) = (by_root(), by_root());
        let place =
            list.ok().filter(|_| differing.is_none()).and_then(|list| first_change(&list, now.leaves()));
        return [Some(Finding::LeavesReplaced(day, place)), by_root].into_iter().flatten().collect();
    }
    match list {
        Err(cause) => {
            [Some(Finding::LeavesUnreadable(day, cause)), by_root()].into_iter().flatten().collect()
        }
        Ok(list) => {
            let disagrees = (!head.is_over(&list)).then_some(Finding::HeadDisagrees(day));
            let differing = list.differences(now.leaves()).into_iter().map(|it| Finding::Record(day, it));
            disagrees.into_iter().chain(differing).collect()
        }
    }
}

/// The first place where two lists part.
fn first_change(one: &LeafList, other: &LeafList) -> Option<usize> {
    let (one, other) = (one.leaves(), other.leaves());
    let shorter = one.len().min(other.len());
    let parted = one.iter().zip(other).position(|(one, other)| one != other);
    parted.or((one.len() != other.len()).then_some(shorter))
}
