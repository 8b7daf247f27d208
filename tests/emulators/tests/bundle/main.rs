//! The bundle over AWS's own protocols: deployed whole to an emulator, and handler by handler through a proxy that breaks calls.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::large_futures,
    reason = "a test that can not go on has failed, and its futures run once"
)]

mod clock;
mod deployed;
mod erasing;
mod evidence;
mod faults;
mod gate;
mod least_privilege;
mod messages;
mod operator;
mod policy;
mod poller;
mod stack;
mod watch;
mod workload;
