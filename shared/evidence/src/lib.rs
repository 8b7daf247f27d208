//! The audit log as evidence: a day's records are sealed under a signed head ([`Evidence::seal`]), compared with it later, which names what
//! was changed ([`Evidence::verify`]), and shown to others record by record and day by day ([`Evidence::prove_record`],
//! [`Evidence::prove_days`]).
//!
//! What is computed is `sluice_domain::audit`'s; here is the order of reads and writes over the ports. Why a day is chained when it is sealed and
//! not record by record: `docs/adr/0030-audit-chained-at-sealing.md`.

mod error;
mod prove;
mod seal;
mod verify;

use sluice_domain::audit::tree::Hash;
use sluice_domain::audit::{DayRecords, DayTree, Finding};
use sluice_domain::id::TenantId;
use sluice_domain::reconciliation::Seal;
use sluice_domain::time::BusinessDay;
use sluice_ports::{AuditLog, Digests, HeadSigner};

pub use error::EvidenceError;

/// The audit log, where its heads are kept, and who signs them.
#[derive(Debug)]
pub struct Evidence<'a, L, D, K> {
    /// The records.
    pub log: &'a L,
    /// The sealed heads and leaf lists.
    pub digests: &'a D,
    /// The key.
    pub signer: &'a K,
}

/// How a day stands against what was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// It is not sealed.
    Absent,
    /// It is what was sealed, under a document of this SHA-256.
    Intact(Hash),
    /// It is not, in these places; never empty.
    Broken(Vec<Finding>),
}

impl Standing {
    /// For scripts: `intact`, `broken` or `absent`, the document's SHA-256, the places.
    pub fn parts(&self) -> (&'static str, Option<Hash>, &[Finding]) {
        match self {
            Self::Absent => ("absent", None, &[]),
            Self::Intact(sha256) => ("intact", Some(*sha256), &[]),
            Self::Broken(findings) => ("broken", None, findings),
        }
    }

    fn of(document: &[u8], findings: Vec<Finding>) -> Self {
        if findings.is_empty() { Self::Intact(Hash::of(document)) } else { Self::Broken(findings) }
    }
}

/// For the report: the first place, and how many more.
impl From<Standing> for Seal {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Absent => Self::Absent,
            Standing::Intact(sha256) => Self::Intact { sha256: sha256.to_string() },
            Standing::Broken(findings) => {
                let first = findings.first().map_or_else(String::new, ToString::to_string);
                match findings.len().saturating_sub(1) {
                    0 => Self::Broken(first),
                    more => Self::Broken(format!("{first}; {more} more, see `sluice audit verify`")),
                }
            }
        }
    }
}

impl<L: AuditLog, D: Digests, K: HeadSigner> Evidence<'_, L, D, K> {
    /// The records that were decided on the day. Page by page: only their hashes are kept.
    async fn records(&self, tenant: &TenantId, day: BusinessDay) -> Result<DayTree, EvidenceError> {
        let mut records = DayRecords::new(tenant.clone(), day);
        for arrival in DayRecords::arrivals(day) {
            let mut cursor = None;
            loop {
                let page = self.log.audits(tenant, arrival, cursor).await;
                let page = page.map_err(EvidenceError::port("reading audit records"))?;
                page.items.iter().for_each(|record| records.add(record));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(records.tree())
    }

    async fn document(&self, tenant: &TenantId, day: BusinessDay) -> Result<Option<Vec<u8>>, EvidenceError> {
        self.digests.sealed(tenant, day).await.map_err(EvidenceError::port("reading a day's head"))
    }
}
