//! The secrets file.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret as _;
use sluice_embedded::{FileSecrets, FixedSecrets, SecretsError};
use sluice_ports::conformance::samples::{brand, brand2};
use sluice_ports::{PortError, SecretStore, SecretVersions};

use crate::support::clock;

fn write(file: &Path, text: &str, age: u64) {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(age);
    std::fs::File::options().write(true).open(file).unwrap().set_modified(changed).unwrap();
}

async fn current(secrets: &impl SecretStore, name: &str) -> Result<String, PortError> {
    secrets.secret(&brand(), name).await.map(|versions| versions.current.expose_secret().to_owned())
}

#[tokio::test]
async fn plain_and_rotating_secrets_are_read_and_tenants_are_apart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secrets.json");
    write(
        &file,
        r#"{"brand":{"a":"plain","b":{"current":"new","previous":"old"},"c":{"current":"only"}}}"#,
        1,
    );
    let secrets = FileSecrets::open(&file, clock()).unwrap();
    assert_eq!(current(&secrets, "a").await.unwrap(), "plain");
    let SecretVersions { current: new, previous } = secrets.secret(&brand(), "b").await.unwrap();
    assert_eq!((new.expose_secret(), previous.unwrap().expose_secret()), ("new", "old"));
    assert!(secrets.secret(&brand(), "c").await.unwrap().previous.is_none());
    for (tenant, name) in [(brand(), "d"), (brand2(), "a")] {
        let missing = secrets.secret(&tenant, name).await.err().unwrap();
        assert!(matches!(missing, PortError::Missing { what: "secret", .. }), "{missing}");
    }
}

#[tokio::test]
async fn a_change_is_seen_within_a_second_and_a_broken_one_keeps_the_last_good() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secrets.json");
    write(&file, r#"{"brand":{"a":"one"}}"#, 1);
    let clock = clock();
    let secrets = FileSecrets::open(&file, clock.clone()).unwrap();
    write(&file, r#"{"brand":{"a":"two"}}"#, 2);
    assert_eq!(current(&secrets, "a").await.unwrap(), "one");
    clock.advance_ms(1_000);
    assert_eq!(current(&secrets, "a").await.unwrap(), "two");
    write(&file, r#"{"brand":{"a":"#, 3);
    clock.advance_ms(1_000);
    assert_eq!(current(&secrets, "a").await.unwrap(), "two");
    write(&file, r#"{"brand":{"a":"four"}}"#, 4);
    clock.advance_ms(1_000);
    assert_eq!(current(&secrets, "a").await.unwrap(), "four");
}

#[test]
fn a_wrong_file_is_refused_without_quoting_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secrets.json");
    for text in ["hunter2", r#"{"brand":{"a":{"curent":"hunter2"}}}"#, r#"{"bad tenant hunter2":{}}"#] {
        write(&file, text, 1);
        let refused = FileSecrets::open(&file, clock()).unwrap_err();
        assert!(matches!(refused, SecretsError::Shape { .. }));
        assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    }
    write(&file, "{}", 1);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(FileSecrets::open(&file, clock()).unwrap_err().to_string().contains("chmod 600"));
}

#[tokio::test]
async fn fixed_secrets_do_not_print() {
    let secrets =
        FixedSecrets::new().with(&brand(), "a", "hunter2").with_previous(&brand(), "b", "new", "old");
    assert_eq!(current(&secrets, "a").await.unwrap(), "hunter2");
    assert!(secrets.secret(&brand(), "b").await.unwrap().previous.is_some());
    assert!(!format!("{secrets:?}").contains("hunter2"));
}
