//! A disk that fails: nobody waits for ever, nothing is half-written, and the cause is told.

use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redb::backends::InMemoryBackend;
use redb::{Database, StorageBackend};
use sluice_domain::id::TraceId;
use sluice_domain::time::UnixMillis;
use sluice_ports::{OutboundMessage, Outbox as _, PortError, Queue};

use crate::fault::Fault;
use crate::tables::Name;
use crate::{Depth, Options, Store};

#[derive(Debug)]
struct Disk {
    memory: InMemoryBackend,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn room(&self) -> Result<(), Error> {
        if self.full.load(Ordering::SeqCst) { Err(Error::from(ErrorKind::StorageFull)) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        self.memory.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.memory.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.room().and_then(|()| self.memory.set_len(len))
    }
    fn sync_data(&self) -> Result<(), Error> {
        self.room().and_then(|()| self.memory.sync_data())
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.room().and_then(|()| self.memory.write(offset, data))
    }
}

fn store() -> (Store, Arc<AtomicBool>) {
    let full = Arc::new(AtomicBool::new(false));
    let disk = Disk { memory: InMemoryBackend::new(), full: Arc::clone(&full) };
    let database = Database::builder().create_with_backend(disk).unwrap();
    (Store::over(database, Options::default()).unwrap(), full)
}

fn message(body: &str) -> OutboundMessage {
    OutboundMessage {
        body: body.into(),
        trace_id: TraceId::from_parts(UnixMillis(1), [1; 10]),
        delay_seconds: 0,
    }
}

#[tokio::test]
async fn a_full_disk_fails_every_caller_of_the_batch_and_leaves_nothing_half_written() {
    let (store, full) = store();
    assert!(store.send(Queue::Events, vec![message("before")]).await.is_empty());
    full.store(true, Ordering::SeqCst);
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..20 {
        let store = store.clone();
        calls.spawn(async move { store.send(Queue::Events, vec![message(&format!("m{number}"))]).await });
    }
    for failures in calls.join_all().await {
        assert!(matches!(failures[0].error, PortError::Unavailable { .. }), "{}", failures[0].error);
    }
    assert_eq!(store.depth(Queue::Events), Ok(Depth { visible: 1, ..Depth::default() }));
    // Reading goes on, and so does taking off what is there.
    let received = store.receive(Queue::Events, 10, 1_000).await.unwrap();
    assert_eq!(received[0].body, "before");
    store.delete(Queue::Events, vec![received[0].receipt_handle.clone()]).await.unwrap();
    let late = tokio::time::timeout(Duration::from_mins(1), store.flush()).await.expect("an answer");
    assert!(late.is_err());
}

#[tokio::test]
async fn a_call_that_fails_by_itself_does_not_disturb_the_others_of_its_batch() {
    let (store, _full) = store();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..40_u8 {
        let store = store.clone();
        calls.spawn(async move {
            store
                .write(move |tables| {
                    if number % 2 == 0 {
                        return Err(Fault::Call(PortError::Fenced));
                    }
                    tables.put(Name::Schedule, &[number], b"1")
                })
                .await
        });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == Err(PortError::Fenced)).count(), 20);
    for number in (1..40_u8).step_by(2) {
        assert_eq!(store.lookup::<u8>(Name::Schedule, &[number]), Ok(Some(1)));
    }
}

#[tokio::test]
async fn when_the_writer_dies_every_call_fails_and_none_hangs() {
    let (store, _full) = store();
    let calls = async {
        let killed = store.write::<(), _>(|_| panic!("a defect")).await;
        assert!(matches!(killed, Err(PortError::Unavailable { .. })));
        for _ in 0..3 {
            let failures = store.send(Queue::Events, vec![message("late")]).await;
            assert!(failures[0].error.to_string().contains("restart the program"), "{}", failures[0].error);
        }
        assert!(store.receive(Queue::Events, 1, 1_000).await.unwrap().is_empty());
    };
    tokio::time::timeout(Duration::from_mins(1), calls).await.expect("answers");
}
