#![doc = include_str!("../README.md")]

mod censor;
mod clock;
mod control;
mod douyin;
mod fault;
mod feishu;
mod in_process;
mod limit;
mod options;
mod people;
mod picture;
mod record;
mod running;
mod seen;
mod server;
mod token;
mod webhook;
mod wechat;
mod wechat_messages;
mod wecom;
mod wecom_contact;
mod wire;
mod world;

pub use clock::SimulatorClock;
pub use fault::{Fault, FaultEffect, FaultTimes, Place};
pub use in_process::{Answered, InProcess};
pub use options::{
    CensorApp, DouyinAccount, FeishuApp, FeishuBot, SimulatorOptions, WebhookReceiver, WechatAccount,
    WecomApp, WecomBot,
};
pub use running::{Running, Simulators, StartError};
pub use seen::{Counters, Platform, Seen};
