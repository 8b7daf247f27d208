use crate::{Counters, Fault, Platform, Seen, SimulatorClock, SimulatorOptions};

/// Starts simulators.
#[derive(Debug)]
pub struct Simulators;

/// The simulators could not listen.
#[derive(Debug, thiserror::Error)]
#[error("the simulators can not listen: {0}")]
pub struct StartError(#[from] std::io::Error);

/// Simulators that listen; they stop when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Base address of Feishu, without a trailing slash.
    pub feishu_url: String,
    /// Base address of WeCom.
    pub wecom_url: String,
    /// Base address of WeChat.
    pub wechat_url: String,
}

impl Simulators {
    /// Starts all three platforms on one free port of 127.0.0.1.
    ///
    /// # Errors
    /// [`StartError`] when no port can be had.
    #[expect(clippy::unused_async, reason = "listening awaits; the signature comes first")]
    pub async fn start(options: SimulatorOptions) -> Result<Running, StartError> {
        let _ = options;
        Err(StartError(std::io::Error::other("not built")))
    }
}

impl Running {
    /// Orders a fault.
    pub fn inject(&self, fault: Fault) {
        let _ = fault;
    }

    /// Takes back every fault that has not struck.
    pub fn clear_faults(&self) {}

    /// What recipients have seen so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        Vec::new()
    }

    /// What a platform counted.
    pub fn counters(&self, platform: Platform) -> Counters {
        let _ = platform;
        Counters::default()
    }

    /// The simulators' clock; setting it moves every window and expiry.
    pub fn clock(&self) -> SimulatorClock {
        SimulatorClock::default()
    }

    /// A WeChat person writes to the account: opens (again) 48 h for 5 messages.
    pub fn wechat_person_writes(&self, app_id: &str, open_id: &str) {
        let _ = (app_id, open_id);
    }
}
