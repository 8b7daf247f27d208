#![doc = include_str!("../README.md")]

mod desk;
mod night;
mod view;

pub use desk::{Desk, DeskError, Voted, Which};
pub use night::{Swept, erase, sweep};
pub use view::{ShownText, ShownVoice, View};
