use std::path::{Path, PathBuf};

use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;
use sluice_ports::{PortError, Reports};

/// Reports as files: `<data>/reports/<tenant>/<day>/<name>`.
#[derive(Debug, Clone)]
pub struct FileReports {
    root: PathBuf,
}

impl FileReports {
    /// Under a data directory; the folders are made when the first report is stored.
    pub fn new(data: &Path) -> Self {
        Self { root: data.join("reports") }
    }

    /// Where a report is, or will be.
    pub fn path(&self, tenant: &TenantId, day: BusinessDay, name: &str) -> PathBuf {
        // Tenant ids may hold characters that are no file name (`/`, `..`).
        let tenant: String = tenant
            .as_str()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' })
            .collect();
        self.root.join(tenant).join(day.to_string()).join(name)
    }
}

impl Reports for FileReports {
    async fn put(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        name: &'static str,
        _content_type: &'static str,
        bytes: Vec<u8>,
    ) -> Result<(), PortError> {
        let path = self.path(tenant, day, name);
        write_whole(&path, &bytes)
            .map_err(|error| PortError::Unavailable { what: "reports", cause: error.kind().to_string() })
    }
}

/// Writes beside the file and renames: a reader sees the old report or the new one.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("part");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
