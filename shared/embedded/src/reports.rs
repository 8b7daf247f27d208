use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sluice_domain::audit::tree::Hash;
use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;
use sluice_ports::{Digests, PortError, Reports, Written, days_before};

/// Reports as files: `<data>/reports/<tenant>/<day>/<name>`, and digests as read-only files: `<data>/digests/<tenant>/<day>.json`, with the leaf
/// lists in `leaves/<day>.<sha256>` beside them.
#[derive(Debug, Clone)]
pub struct FileReports {
    root: PathBuf,
    digests: PathBuf,
}

impl FileReports {
    /// Under a data directory; the folders are made when the first report is stored.
    pub fn new(data: &Path) -> Self {
        Self { root: data.join("reports"), digests: data.join("digests") }
    }

    /// Where a report is, or will be.
    pub fn path(&self, tenant: &TenantId, day: BusinessDay, name: &str) -> PathBuf {
        self.root.join(folder(tenant)).join(day.to_string()).join(name)
    }

    /// Where a day's digest is, or will be.
    pub fn digest_path(&self, tenant: &TenantId, day: BusinessDay) -> PathBuf {
        self.digests.join(folder(tenant)).join(format!("{day}.json"))
    }

    /// Where a day's leaf list is, or will be.
    pub fn leaves_path(&self, tenant: &TenantId, day: BusinessDay, sha256: Hash) -> PathBuf {
        self.digests.join(folder(tenant)).join("leaves").join(format!("{day}.{sha256}"))
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

impl Digests for FileReports {
    async fn seal(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        document: Vec<u8>,
    ) -> Result<Written<Vec<u8>>, PortError> {
        let path = self.digest_path(tenant, day);
        if write_once(&path, &document).map_err(|error| failed(&error))? {
            return Ok(Written::New);
        }
        std::fs::read(&path).map(Written::Existing).map_err(|error| failed(&error))
    }

    async fn sealed(&self, tenant: &TenantId, day: BusinessDay) -> Result<Option<Vec<u8>>, PortError> {
        read(&self.digest_path(tenant, day))
    }

    async fn last_sealed(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
    ) -> Result<Option<BusinessDay>, PortError> {
        let mut days = days_before(day, Self::LOOKS_BACK_DAYS);
        Ok(days.find(|day| self.digest_path(tenant, *day).exists()))
    }

    async fn keep_leaves(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        leaves: Vec<u8>,
    ) -> Result<(), PortError> {
        let path = self.leaves_path(tenant, day, Hash::of(&leaves));
        if write_once(&path, &leaves).map_err(|error| failed(&error))? || read(&path)? == Some(leaves) {
            return Ok(());
        }
        Err(PortError::Corrupt {
            what: "digests",
            cause: format!("a leaf list of {day} is not what its name says"),
        })
    }

    async fn leaves(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        sha256: Hash,
    ) -> Result<Option<Vec<u8>>, PortError> {
        read(&self.leaves_path(tenant, day, sha256))
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, PortError> {
    match std::fs::read(path) {
        Ok(document) => Ok(Some(document)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

fn failed(error: &std::io::Error) -> PortError {
    PortError::Unavailable { what: "digests", cause: error.kind().to_string() }
}

/// Writes a read-only file whole, unless there is one of its name; says whether it did.
fn write_once(path: &Path, bytes: &[u8]) -> std::io::Result<bool> {
    use std::io::Write as _;
    /// Tells the temporary files of this process apart.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_file_name(format!(".{name}.{}.{number}.part", std::process::id()));
    // What a process that died left there, under a number that is ours now.
    let _none_mostly = std::fs::remove_file(&beside);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o400);
    let mut file = options.open(&beside)?;
    // A link, for unlike a renaming it never takes the place of a file that is there.
    let written =
        file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| std::fs::hard_link(&beside, path));
    std::fs::remove_file(&beside)?;
    match written {
        Ok(()) => File::open(folder)?.sync_all().map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
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

    #[cfg(unix)]
    #[tokio::test(flavor = "current_thread")]
    async fn a_digest_is_read_only_and_leaves_nothing_beside_it() {
        let data = tempfile::tempdir().unwrap();
        let (reports, tenant) = (FileReports::new(data.path()), TenantId::new("brand").unwrap());
        let day = "2026-11-21".parse().unwrap();
        for _ in 0..2 {
            let _written = reports.seal(&tenant, day, b"{}".to_vec()).await.unwrap();
        }
        let path = reports.digest_path(&tenant, day);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o400);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
