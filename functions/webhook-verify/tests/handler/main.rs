//! The handler, over the embedded store.

mod arbitrary_input;
mod faults;
mod gate;
mod requests;
mod samples;
