//! What the stack calls its parts, from the variables that `template.yaml` sets.

use std::collections::BTreeMap;

use sluice_domain::failure::FailureKind;
use sluice_ports::{PortError, Queue};

/// A part of the stack that a function needs. Each is named by one variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// The table of the tenants' wrapped data keys.
    KeysTable,
    /// The table of receipts.
    ReceiptsTable,
    /// The table of consents.
    ConsentTable,
    /// The table of audit records.
    AuditTable,
    /// The table of order entries.
    OrdersTable,
    /// The table of exposures.
    ExposuresTable,
    /// The table of deliveries, which holds the claims.
    DeliveriesTable,
    /// The table of reviews.
    ReviewsTable,
    /// The URL of a queue.
    Queue(Queue),
    /// The URL of a queue's dead-letter queue.
    DeadLetters(Queue),
    /// The bucket of reports.
    ReportsBucket,
    /// The bucket of the audit log's locked digests.
    DigestsBucket,
    /// The ARN of the key that wraps the tenants' data keys.
    KmsKey,
    /// The ARN of the key that signs the audit log's heads.
    AuditKey,
    /// What names in Secrets Manager begin with.
    SecretsPrefix,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::KeysTable,
        Self::ReceiptsTable,
        Self::ConsentTable,
        Self::AuditTable,
        Self::OrdersTable,
        Self::ExposuresTable,
        Self::DeliveriesTable,
        Self::ReviewsTable,
        Self::Queue(Queue::Events),
        Self::Queue(Queue::Cleared),
        Self::Queue(Queue::Assigned),
        Self::Queue(Queue::Checks),
        Self::DeadLetters(Queue::Events),
        Self::DeadLetters(Queue::Cleared),
        Self::DeadLetters(Queue::Assigned),
        Self::DeadLetters(Queue::Checks),
        Self::ReportsBucket,
        Self::DigestsBucket,
        Self::KmsKey,
        Self::AuditKey,
        Self::SecretsPrefix,
    ];

    /// The variable that names it.
    pub fn variable(self) -> &'static str {
        match self {
            Self::KeysTable => "SLUICE_TABLE_KEYS",
            Self::ReceiptsTable => "SLUICE_TABLE_RECEIPTS",
            Self::ConsentTable => "SLUICE_TABLE_CONSENT",
            Self::AuditTable => "SLUICE_TABLE_AUDIT",
            Self::OrdersTable => "SLUICE_TABLE_ORDERS",
            Self::ExposuresTable => "SLUICE_TABLE_EXPOSURES",
            Self::DeliveriesTable => "SLUICE_TABLE_DELIVERIES",
            Self::ReviewsTable => "SLUICE_TABLE_REVIEWS",
            Self::Queue(Queue::Events) => "SLUICE_QUEUE_EVENTS",
            Self::Queue(Queue::Cleared) => "SLUICE_QUEUE_CLEARED",
            Self::Queue(Queue::Assigned) => "SLUICE_QUEUE_ASSIGNED",
            Self::Queue(Queue::Checks) => "SLUICE_QUEUE_CHECKS",
            Self::DeadLetters(Queue::Events) => "SLUICE_DLQ_EVENTS",
            Self::DeadLetters(Queue::Cleared) => "SLUICE_DLQ_CLEARED",
            Self::DeadLetters(Queue::Assigned) => "SLUICE_DLQ_ASSIGNED",
            Self::DeadLetters(Queue::Checks) => "SLUICE_DLQ_CHECKS",
            Self::ReportsBucket => "SLUICE_REPORTS",
            Self::DigestsBucket => "SLUICE_DIGESTS",
            Self::KmsKey => "SLUICE_KMS_KEY",
            Self::AuditKey => "SLUICE_AUDIT_KEY",
            Self::SecretsPrefix => "SLUICE_SECRETS_PREFIX",
        }
    }
}

/// Variables that a function needs and that are not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not set: {}; template.yaml sets them for each function that needs them",
    .0.iter().map(|resource| format!("`{}`", resource.variable())).collect::<Vec<_>>().join(", ")
)]
pub struct Unnamed(pub Vec<Resource>);

impl Unnamed {
    /// What the program does: a person must mend the set-up.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

/// The names that a function was given. It may know fewer than [`Resource::ALL`]: what a function has no business with, its
/// template does not name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    known: BTreeMap<Resource, String>,
}

impl Names {
    /// From the environment; those in `needed` must be there.
    ///
    /// # Errors
    /// [`Unnamed`] lists everything that is missing.
    pub fn from_environment(needed: &[Resource]) -> Result<Self, Unnamed> {
        Self::from_variables(needed, |name| std::env::var(name).ok())
    }

    /// As [`Self::from_environment`], from what `variable` says.
    ///
    /// # Errors
    /// As there.
    pub fn from_variables(
        needed: &[Resource],
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, Unnamed> {
        let set = |resource: Resource| variable(resource.variable()).filter(|value| !value.is_empty());
        let known: BTreeMap<_, _> =
            Resource::ALL.into_iter().filter_map(|resource| Some((resource, set(resource)?))).collect();
        let missing: Vec<_> =
            needed.iter().copied().filter(|resource| !known.contains_key(resource)).collect();
        if missing.is_empty() { Ok(Self { known }) } else { Err(Unnamed(missing)) }
    }

    /// With one more name, or another one.
    #[must_use]
    pub fn with(mut self, resource: Resource, name: impl Into<String>) -> Self {
        self.known.insert(resource, name.into());
        self
    }

    /// What a part is called.
    ///
    /// # Errors
    /// [`PortError::Missing`] says which variable to set.
    pub fn get(&self, resource: Resource) -> Result<&str, PortError> {
        self.known.get(&resource).map(String::as_str).ok_or_else(|| PortError::Missing {
            what: "name of a part of the stack",
            cause: format!(
                "`{}` is not set; template.yaml sets it for functions that need it",
                resource.variable()
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let needed = [Resource::AuditTable, Resource::Queue(Queue::Cleared), Resource::KmsKey];
        let set = |name| (name == "SLUICE_KMS_KEY").then(|| "arn".to_owned());
        let missing = Names::from_variables(&needed, set).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "not set: `SLUICE_TABLE_AUDIT`, `SLUICE_QUEUE_CLEARED`; template.yaml sets them for each function that needs them"
        );
        let names = Names::from_variables(&[Resource::KmsKey], set).unwrap();
        assert_eq!(names.get(Resource::KmsKey), Ok("arn"));
        let error = names.get(Resource::AuditTable).unwrap_err().to_string();
        assert!(error.contains("`SLUICE_TABLE_AUDIT` is not set"), "{error}");
    }

    /// Neither a variable that nobody sets, nor one that nobody reads.
    #[test]
    fn the_template_sets_these_variables_and_no_others() {
        /// Read by others than [`Names`].
        const ELSEWHERE: [&str; 5] = [
            "SLUICE_CONFIG",
            "SLUICE_LOG",
            "SLUICE_DIGEST_LOCK",
            "SLUICE_DIGEST_DAYS",
            "SLUICE_AUDIT_KEYS_RETIRED",
        ];
        let template = include_str!("../../../template.yaml");
        let mut set: Vec<&str> = template
            .lines()
            .filter_map(|line| line.trim().split_once(": "))
            .map(|(name, _)| name)
            .filter(|name| name.starts_with("SLUICE_") && !ELSEWHERE.contains(name))
            .collect();
        set.sort_unstable();
        set.dedup();
        let mut read: Vec<&str> = Resource::ALL.into_iter().map(Resource::variable).collect();
        read.sort_unstable();
        assert_eq!(set, read);
    }
}
