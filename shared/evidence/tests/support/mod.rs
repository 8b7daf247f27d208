use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sluice_domain::audit::{AuditRecord, Disposition, ProofFile, SignedHead, TrustedKeys};
use sluice_domain::event::EventKind;
use sluice_domain::id::{EventKey, MessageId, PersonId, SourceId, TenantId, TraceId};
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_embedded::{FileReports, LocalHeadSigner};
use sluice_evidence::{Evidence, EvidenceError, Standing};
use sluice_ports::{AuditLog, HeadSigner as _, Page, PortError, Step, Written};

/// A log that its owner can change at will, which no adapter of ours lets anybody do.
#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<AuditRecord>>);

impl Log {
    fn all(&self) -> Vec<AuditRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl AuditLog for Log {
    async fn record(&self, steps: Vec<Step<AuditRecord>>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let write = |step: Step<AuditRecord>| {
            all.push(step.record);
            Ok(Written::New)
        };
        steps.into_iter().map(write).collect()
    }

    async fn audit(&self, key: &EventKey) -> Result<Option<AuditRecord>, PortError> {
        Ok(self.all().into_iter().find(|record| record.key == *key))
    }

    async fn audit_of_trace(&self, _: &TenantId, trace: TraceId) -> Result<Option<AuditRecord>, PortError> {
        Ok(self.all().into_iter().find(|record| record.trace_id == trace))
    }

    async fn audits(
        &self,
        _: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<AuditRecord>, PortError> {
        // Two at a time: days have several pages.
        let of_day: Vec<_> =
            self.all().into_iter().filter(|record| day.contains(record.received_at)).collect();
        let start: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let next = (start + 2 < of_day.len()).then(|| (start + 2).to_string());
        Ok(Page { items: of_day.into_iter().skip(start).take(2).collect(), next })
    }
}

/// Sealed days of one tenant, on disk.
pub(crate) struct Vault {
    log: Log,
    digests: FileReports,
    pub(crate) signer: LocalHeadSigner,
    data: tempfile::TempDir,
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("brand").unwrap()
}

/// So many days after the first.
pub(crate) fn day(number: i64) -> BusinessDay {
    let first: BusinessDay = "2026-11-20".parse().unwrap();
    first.start().plus_ms(number * 86_400_000).business_day()
}

pub(crate) fn number_of(record: &AuditRecord) -> &str {
    record.key.message.as_str()
}

fn record(at: UnixMillis, number: u8) -> AuditRecord {
    AuditRecord {
        key: EventKey {
            tenant: tenant(),
            source: SourceId::new("open-platform").unwrap(),
            message: MessageId::new(format!("m{number}")).unwrap(),
        },
        trace_id: TraceId::from_parts(at, [number + 1; 10]),
        kind: EventKind::FormSubmit,
        name: "im_receive_msg".into(),
        person: Some(PersonId::new("p-1").unwrap()),
        occurred_at: Some(at),
        received_at: at,
        decided_at: at.plus_ms(20),
        payload_sha256: "00".repeat(32),
        disposition: Disposition::recorded("order_book"),
    }
}

impl Vault {
    /// Days with so many records each, sealed night by night.
    pub(crate) async fn sealed(counts: &[u8]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let signer = LocalHeadSigner::open(&data.path().join("keys")).unwrap();
        let vault = Self { log: Log::default(), digests: FileReports::new(data.path()), signer, data };
        for (number, count) in (0..).zip(counts) {
            vault.add(number, *count).await;
            let standing = vault.seal(day(number)).await;
            assert!(matches!(standing, Standing::Intact(_)), "{standing:?}");
        }
        vault
    }

    /// More records of a day.
    pub(crate) async fn add(&self, number: i64, count: u8) {
        for _ in 0..count {
            let before = u8::try_from(self.log.all().len()).unwrap();
            let at = day(number).start().plus_ms(i64::from(before) * 60_000);
            let written = self.log.record(vec![Step { record: record(at, before), next: None }]).await;
            assert_eq!(written, [Ok(Written::New)]);
        }
    }

    fn evidence(&self) -> Evidence<'_, Log, FileReports, LocalHeadSigner> {
        Evidence { log: &self.log, digests: &self.digests, signer: &self.signer }
    }

    pub(crate) async fn seal(&self, day: BusinessDay) -> Standing {
        self.evidence().seal(&tenant(), day, day.end().plus_ms(7_200_000)).await.unwrap()
    }

    pub(crate) async fn verify(&self, day: BusinessDay) -> Standing {
        self.evidence().verify(&tenant(), day).await.unwrap()
    }

    pub(crate) async fn prove(
        &self,
        record: &AuditRecord,
        redacted: bool,
    ) -> Result<ProofFile, EvidenceError> {
        self.evidence().prove_record(record, redacted).await
    }

    pub(crate) async fn prove_days(
        &self,
        from: BusinessDay,
        to: BusinessDay,
    ) -> Result<ProofFile, EvidenceError> {
        self.evidence().prove_days(&tenant(), from, to).await
    }

    pub(crate) async fn trusted(&self) -> TrustedKeys {
        self.signer.trusted().await.unwrap()
    }

    pub(crate) fn records(&self) -> Vec<AuditRecord> {
        self.log.all()
    }

    pub(crate) fn replace(&self, records: Vec<AuditRecord>) {
        *self.log.0.lock().unwrap_or_else(PoisonError::into_inner) = records;
    }

    pub(crate) fn head_path(&self, day: BusinessDay) -> PathBuf {
        FileReports::new(self.data.path()).digest_path(&tenant(), day)
    }

    pub(crate) fn leaves_path(&self, day: BusinessDay) -> PathBuf {
        let document = std::fs::read(self.head_path(day)).unwrap();
        let head = SignedHead::parse(&document).unwrap().head;
        FileReports::new(self.data.path()).leaves_path(&tenant(), day, head.leaves)
    }
}

/// The files are read-only, which stops no owner.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) {
    let _none_mostly = std::fs::remove_file(path);
    std::fs::write(path, bytes).unwrap();
}
