//! Loopback servers that enforce what Feishu, WeCom and WeChat enforce, with faults to order and a list of what a recipient
//! would have seen.

mod clock;
mod fault;
mod options;
mod running;
mod seen;

pub use clock::SimulatorClock;
pub use fault::{Fault, FaultEffect, FaultTimes, Place};
pub use options::{FeishuApp, FeishuBot, SimulatorOptions, WechatAccount, WecomApp, WecomBot};
pub use running::{Running, Simulators, StartError};
pub use seen::{Counters, Platform, Seen};
