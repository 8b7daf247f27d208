//! The key ring: what it makes, what it refuses, and what a rotation leaves readable.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use sluice_domain::sealed::{SealError, exposed};
use sluice_embedded::{KeyRingError, LocalKeyRing, MasterKey, Options, Store, SystemEntropy};
use sluice_ports::conformance::samples::{brand, brand2};
use sluice_ports::{KeyRing as _, PortError};

use crate::support::in_memory;

fn entropy() -> Arc<SystemEntropy> {
    Arc::new(SystemEntropy)
}

async fn ring(store: &Store, file: &Path) -> Result<LocalKeyRing, KeyRingError> {
    LocalKeyRing::open(store.clone(), file, entropy()).await
}

#[tokio::test]
async fn the_first_opening_makes_a_private_file_and_the_next_one_finds_the_same_keys() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys/master.key");
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let first = ring(&store, &file).await.unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("sluice master key v1\n"));
    let keys = first.keys(&brand()).await.unwrap();
    let (person, sealed) =
        (keys.person("open-1"), keys.seal("events", "phone", "r", "13800138000", [1; 12]).unwrap());
    drop((first, store));

    let store = Store::open(dir.path(), Options::default()).unwrap();
    let keys = ring(&store, &file).await.unwrap().keys(&brand()).await.unwrap();
    assert_eq!(keys.person("open-1"), person);
    assert_eq!(exposed(&keys.open("events", "phone", "r", &sealed).unwrap()), "13800138000");
}

#[tokio::test]
async fn a_master_key_that_others_can_read_is_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("master.key");
    MasterKey::create(&file, &SystemEntropy).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o644] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = MasterKey::load(&file).unwrap_err().to_string();
        assert!(refused.contains(&format!("has mode {mode:o}: run `chmod 600")), "{refused}");
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o400)).unwrap();
    assert!(MasterKey::load(&file).is_ok());
    assert!(MasterKey::create(&file, &SystemEntropy).is_err(), "an existing key is never replaced");
}

#[tokio::test]
async fn what_is_no_master_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let digits = "ab".repeat(32);
    let wrong = [
        String::new(),
        digits.clone(),
        format!("sluice master key v2\n{digits}\n"),
        format!("sluice master key v1\n{}\n", "ab".repeat(31)),
        format!("sluice master key v1\n{}zz\n", "ab".repeat(31)),
        format!("sluice master key v1\n{digits}\n{digits}\n"),
    ];
    for (number, text) in wrong.iter().enumerate() {
        let file = dir.path().join(number.to_string());
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(MasterKey::load(&file), Err(KeyRingError::NotAMasterKey { .. })), "{text:?}");
    }
}

#[tokio::test]
async fn another_or_a_lost_master_key_is_noticed_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("master.key");
    let (store, _clock) = in_memory();
    let _keys = ring(&store, &file).await.unwrap().keys(&brand()).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(ring(&store, &file).await, Err(KeyRingError::Lost { .. })));
    assert!(!file.exists(), "a new key would hide that the old one is lost");
    MasterKey::create(&file, &SystemEntropy).unwrap();
    let wrong = ring(&store, &file).await.unwrap_err();
    assert!(matches!(wrong, KeyRingError::WrongMasterKey));
    assert!(matches!(PortError::from(wrong), PortError::Missing { what: "master key", .. }));
}

#[tokio::test]
async fn a_rotation_keeps_old_values_readable_and_people_known() {
    let (store, _clock) = in_memory();
    let ring = LocalKeyRing::with(store.clone(), MasterKey::new(&[7; 32]), entropy()).await.unwrap();
    let before = ring.keys(&brand()).await.unwrap();
    let old = before.seal("events", "phone", "r", "old", [1; 12]).unwrap();
    assert_eq!(old.key_number(), Some(1));
    assert_eq!(ring.rotate(&brand()).await.unwrap(), 2);
    let after = ring.keys(&brand()).await.unwrap();
    let new = after.seal("events", "phone", "r", "new", [2; 12]).unwrap();
    assert_eq!(new.key_number(), Some(2));
    assert_eq!(exposed(&after.open("events", "phone", "r", &old).unwrap()), "old");
    assert_eq!(exposed(&after.open("events", "phone", "r", &new).unwrap()), "new");
    assert_eq!(before.person("open-1"), after.person("open-1"));
    assert_eq!(before.open("events", "phone", "r", &new).unwrap_err(), SealError::UnknownKey(2));
    assert_eq!(ring.rotate(&brand2()).await.unwrap(), 2, "each tenant counts for itself");
}

#[tokio::test]
async fn parallel_first_uses_agree_on_one_key() {
    let (store, _clock) = in_memory();
    let ring = LocalKeyRing::with(store, MasterKey::new(&[7; 32]), entropy()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let ring = ring.clone();
        tasks.spawn(async move { ring.keys(&brand()).await.unwrap().person("open-1") });
    }
    let mut people = tasks.join_all().await;
    people.dedup();
    assert_eq!(people.len(), 1);
    assert_ne!(ring.keys(&brand2()).await.unwrap().person("open-1"), people[0]);
}
