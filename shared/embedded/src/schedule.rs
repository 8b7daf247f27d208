use sluice_domain::time::UnixMillis;
use sluice_ports::PortError;

use crate::store::Store;
use crate::tables::{self, Name};

impl Store {
    /// When a scheduled job last ran; `None` if never.
    pub fn last_run(&self, job: &str) -> Result<Option<UnixMillis>, PortError> {
        self.lookup(Name::Schedule, job.as_bytes())
    }

    /// Notes that a scheduled job ran.
    pub async fn set_last_run(&self, job: &str, at: UnixMillis) -> Result<(), PortError> {
        let key = job.as_bytes().to_vec();
        let value = tables::json(Name::Schedule, &at)?;
        self.write(move |tables| tables.put(Name::Schedule, &key, &value)).await
    }
}
