use std::fmt::Write as _;
use std::sync::Arc;

use sluice_domain::id::TenantId;
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_ports::{Clock, PortError, Reports};

use crate::answer::Refusal;
use crate::digests::LockMode;
use crate::s3::{Put, S3, When};

const WHAT: &str = "reports";

/// Reports as objects `reports/<tenant>/<day>/<name>`, encrypted as the bucket says by default. Cheap to clone.
///
/// An object is replaced whole; the bucket's versioning keeps what was there before.
#[derive(Clone)]
pub struct S3Reports {
    pub(crate) client: S3,
    pub(crate) place: ReportsPlace,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Where reports and digests go.
#[derive(Debug, Clone)]
pub struct ReportsPlace {
    /// The bucket of reports (`SLUICE_REPORTS`).
    pub reports: String,
    /// The bucket of digests, with object lock (`SLUICE_DIGESTS`).
    pub digests: String,
    /// How digests are locked (`SLUICE_DIGEST_LOCK`).
    pub lock: LockMode,
    /// For so many days (`SLUICE_DIGEST_DAYS`).
    pub keep_days: u32,
}

impl std::fmt::Debug for S3Reports {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("S3Reports").field("place", &self.place).finish_non_exhaustive()
    }
}

impl S3Reports {
    /// The reports and digests of their buckets.
    pub fn new(client: S3, place: ReportsPlace, clock: Arc<dyn Clock>) -> Self {
        Self { client, place, clock }
    }
}

impl Reports for S3Reports {
    async fn put(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        name: &'static str,
        content_type: &'static str,
        bytes: Vec<u8>,
    ) -> Result<(), PortError> {
        let key = format!("reports/{}/{day}/{name}", folder(tenant));
        let (bucket, bytes) = (&self.place.reports, &bytes);
        let put = Put { bucket, key: &key, content_type, bytes, when: When::Always, lock: None };
        self.client.put(put).await.map_err(|refusal| {
            let to_do = "the role needs PutObject on `reports/*` of the bucket that `SLUICE_REPORTS` names";
            refused(&refusal, WHAT, self.clock.now(), to_do)
        })
    }
}

/// The failures of S3, whose internal errors and conflicts pass.
pub(crate) fn refused(refusal: &Refusal, what: &'static str, now: UnixMillis, to_do: &str) -> PortError {
    match refusal {
        Refusal::Code(code)
            if matches!(
                code.as_str(),
                "InternalError" | "RequestTimeout" | "OperationAborted" | "ConditionalRequestConflict"
            ) =>
        {
            PortError::Unavailable { what, cause: code.clone() }
        }
        other => other.clone().into_port(what, now, to_do),
    }
}

/// A tenant's part of a key: ids may hold `/`, and two tenants never share a folder. What is replaced is replaced by its code,
/// as in the reports of one machine.
pub(crate) fn folder(tenant: &TenantId) -> String {
    let mut name = String::with_capacity(tenant.as_str().len());
    for character in tenant.as_str().chars() {
        if character.is_ascii_alphanumeric() || character == '-' || character == '_' {
            name.push(character);
        } else {
            let _infallible = write!(name, "%{:02X}", u32::from(character));
        }
    }
    name
}
