use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;

use crate::server::{Shared, serve};
use crate::world::World;
use crate::{Counters, Fault, Platform, Seen, SimulatorClock, SimulatorOptions};

/// Starts simulators.
#[derive(Debug)]
pub struct Simulators;

/// The simulators could not listen.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is not this machine's own.
    #[error("the simulators listen on loopback addresses only, got `{0}`")]
    NotLoopback(IpAddr),
    /// No port could be had.
    #[error("the simulators can not listen at `{address}`: {cause}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
}

/// Simulators that listen; they stop, and drop their connections, when this is dropped.
pub struct Running {
    /// Base address of Feishu, without a trailing slash. One port serves all platforms: their paths do not overlap.
    pub feishu_url: String,
    /// Base address of WeCom.
    pub wecom_url: String,
    /// Base address of WeChat.
    pub wechat_url: String,
    /// Base address of Douyin's open platform.
    pub douyin_url: String,
    /// Base address of the mini-app API.
    pub toutiao_url: String,
    shared: Shared,
    task: tokio::task::JoinHandle<()>,
}

impl Simulators {
    /// Starts all platforms on one free port of 127.0.0.1.
    ///
    /// # Errors
    /// [`StartError`] when no port can be had.
    pub async fn start(options: SimulatorOptions) -> Result<Running, StartError> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await
    }

    /// Starts all platforms at this address.
    ///
    /// # Errors
    /// [`StartError`] when it is not a loopback address, or taken.
    pub async fn start_at(address: SocketAddr, options: SimulatorOptions) -> Result<Running, StartError> {
        if !address.ip().is_loopback() {
            return Err(StartError::NotLoopback(address.ip()));
        }
        let failed = |cause| StartError::Listen { address, cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let clock = SimulatorClock::default();
        clock.advance_ms(options.clock_offset_ms);
        let world = Arc::new(Mutex::new(World::new(options, clock.now_ms())));
        let shared = Shared { world, clock };
        let task = tokio::spawn(serve(listener, shared.clone()));
        Ok(Running {
            feishu_url: url.clone(),
            wecom_url: url.clone(),
            wechat_url: url.clone(),
            douyin_url: url.clone(),
            toutiao_url: url,
            shared,
            task,
        })
    }
}

impl Running {
    /// Orders a fault.
    pub fn inject(&self, fault: Fault) {
        self.shared.with(|world| world.faults.order(fault));
    }

    /// Takes back every fault that has not struck.
    pub fn clear_faults(&self) {
        self.shared.with(|world| world.faults.clear());
    }

    /// What recipients have seen so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.with(|world| world.seen.clone())
    }

    /// Every text that a censor has looked at so far, in order.
    pub fn checked_texts(&self) -> Vec<String> {
        self.shared.with(|world| world.censors.texts().to_vec())
    }

    /// What a platform counted.
    pub fn counters(&self, platform: Platform) -> Counters {
        self.shared.with(|world| world.counters(platform))
    }

    /// The simulators' clock; setting it moves every window and expiry.
    pub fn clock(&self) -> SimulatorClock {
        self.shared.clock.clone()
    }

    /// The platforms forget every image that was uploaded, before its time.
    pub fn forget_uploads(&self) {
        self.shared.with(World::forget_uploads);
    }

    /// A WeChat person writes to the account: opens (again) 48 h for 5 messages.
    pub fn wechat_person_writes(&self, app_id: &str, open_id: &str) {
        let now = self.shared.clock.now_ms();
        self.shared.with(|world| world.wechat.writes(app_id, open_id, now));
    }

    /// A WeChat person switches the account's messages off: 48002 from now on.
    pub fn wechat_person_refuses(&self, app_id: &str, open_id: &str) {
        self.shared.with(|world| world.wechat.refuses(app_id, open_id));
    }

    /// A Feishu person stops the application's bot: 230053 from now on.
    pub fn feishu_person_stops_bot(&self, receive_id: &str) {
        self.shared.with(|world| world.feishu.stop_bot(receive_id));
    }

    /// A WeChat person allows one message of a template.
    pub fn wechat_person_allows(&self, app_id: &str, open_id: &str, template_id: &str) {
        self.shared.with(|world| world.wechat.allows(app_id, open_id, template_id));
    }

    /// A customer adds a WeCom member: the code to welcome them with, within 20 s.
    pub fn wecom_customer_adds(&self, welcome_code: &str) {
        let now = self.shared.clock.now_ms();
        self.shared.with(|world| world.wecom.adds(welcome_code, now));
    }

    /// A person writes to an account on Douyin: this message can be answered for 24 h.
    pub fn douyin_person_writes(&self, message_id: &str) {
        let now = self.shared.clock.now_ms();
        self.shared.with(|world| world.douyin.writes(message_id, now));
    }

    /// Waits for ever: for a program that does nothing else.
    pub async fn wait(mut self) {
        // The task ends only when it is stopped.
        let _ = (&mut self.task).await;
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Running").field("url", &self.feishu_url).finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
