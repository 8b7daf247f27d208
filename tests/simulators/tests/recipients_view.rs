//! What recipients see while anything goes wrong, and what the records say of it: the whole dispatcher over the simulated platforms.

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]
#![allow(dead_code, clippy::allow_attributes, reason = "the measurement uses more of it")]

#[path = "../examples/limits/chance.rs"]
mod chance;
#[path = "../examples/faults/run.rs"]
mod run;
#[path = "../examples/faults/scene.rs"]
mod scene;
#[path = "../examples/faults/store.rs"]
mod store;
#[path = "../examples/faults/way.rs"]
mod way;

use run::{Came, Run};

fn came(sends: usize, seed: u64) -> Came {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run::run(Run { sends, seed, sandboxes: 8 }))
}

#[test]
fn under_faults_nothing_is_lost_doubled_or_reported_wrongly() {
    let came = came(2_000, 7);
    assert!(came.buried.is_empty(), "{:?}", came.buried);
    assert!(came.deaths > 0 && came.twice > 0 && came.faults.len() == 10, "{came:?}");
    for row in &came.rows {
        assert_eq!((row.lost, row.falsely_delivered, row.falsely_refused), (0, 0, 0), "{row:?}");
        assert_eq!(row.duplicates, 0, "{row:?}");
        assert_eq!(row.delivered + row.in_doubt + row.refused, row.sends, "{row:?}");
        // Where nothing recognises a repeat, what is unclear stays in doubt; where the platform does, it is sent again until it is clear.
        assert_eq!(row.in_doubt == 0, row.remembers, "{row:?}");
        assert!(row.in_doubt * 5 < row.sends, "{row:?}");
    }
}
