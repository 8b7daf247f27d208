use std::fmt::Write as _;
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
        self.root.join(folder(tenant)).join(day.to_string()).join(name)
    }
}

/// Tenant ids may hold characters that are no file name (`/`, `..`). Two tenants never share a folder: what is replaced is
/// replaced by its code.
fn folder(tenant: &TenantId) -> String {
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
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.part"));
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tenants_never_share_a_folder_and_none_leaves_the_reports() {
        let path = |tenant: &str| {
            let tenant = TenantId::new(tenant).unwrap();
            FileReports::new(Path::new("data")).path(&tenant, "2026-11-21".parse().unwrap(), "report.json")
        };
        assert_ne!(path("a/b"), path("a_b"));
        assert_eq!(path(".."), Path::new("data/reports/%2E%2E/2026-11-21/report.json"));
    }
}
