#![doc = include_str!("../README.md")]

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
