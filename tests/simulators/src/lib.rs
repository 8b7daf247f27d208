//! Loopback servers that enforce what Feishu, WeCom and WeChat enforce, with faults to order and a list of what a recipient
//! would have seen.
//!
//! They check signatures and their ±1 h, tokens and their lives, body shapes and sizes, rates with their block windows, silent
//! drops, and the platforms' memory of `uuid`s and contents — by a clock that can be set.

mod clock;
mod control;
mod fault;
mod feishu;
mod limit;
mod options;
mod record;
mod running;
mod seen;
mod server;
mod token;
mod wechat;
mod wecom;
mod wire;
mod world;

pub use clock::SimulatorClock;
pub use fault::{Fault, FaultEffect, FaultTimes, Place};
pub use options::{FeishuApp, FeishuBot, SimulatorOptions, WechatAccount, WecomApp, WecomBot};
pub use running::{Running, Simulators, StartError};
pub use seen::{Counters, Platform, Seen};
