//! The simulators on a thread of their own, and their clock.

use std::sync::mpsc;
use std::thread::JoinHandle;

use sluice_domain::time::UnixMillis;
use sluice_ports::Clock;
use sluice_simulators::{
    FeishuApp, FeishuBot, SimulatorClock, SimulatorOptions, Simulators, WebhookReceiver, WechatAccount,
    WecomApp, WecomBot,
};

pub(crate) const TEMPLATE: &str = "template-1";
/// Of the published vector.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Simulators that listen; they stop when this is dropped.
pub(crate) struct Platforms {
    pub(crate) url: String,
    pub(crate) clock: SimulatorClock,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Platforms {
    /// With people enough for so many messages.
    pub(crate) fn start(people: usize) -> Self {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let running = Simulators::start(options(people)).await.unwrap();
                for person in 0..people {
                    // The first one gets a message more.
                    running.wechat_person_allows("wx1", &open_id(person), TEMPLATE);
                    running.wechat_person_allows("wx1", &open_id(person), TEMPLATE);
                }
                tell.send((running.feishu_url.clone(), running.clock())).unwrap();
                let _dropped = stopped.await;
            });
        });
        let (url, clock) = told.recv().unwrap();
        Self { url, clock, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Platforms {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// The simulators' time.
#[derive(Clone)]
pub(crate) struct Simulated(pub(crate) SimulatorClock);

impl Clock for Simulated {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.now_ms())
    }
}

pub(crate) fn open_id(person: usize) -> String {
    format!("o{person:06}")
}

fn options(people: usize) -> SimulatorOptions {
    SimulatorOptions {
        feishu_bots: vec![FeishuBot {
            hook: "hook".to_owned(),
            signing: Some("sign".to_owned()),
            keywords: Vec::new(),
        }],
        feishu_apps: vec![FeishuApp {
            app_id: "cli_1".to_owned(),
            app_secret: "app-secret".to_owned(),
            receivers: vec!["oc_1".to_owned()],
        }],
        // The second one is the peer's.
        wecom_bots: vec![WecomBot { key: "key".to_owned() }, WecomBot { key: "peer".to_owned() }],
        wecom_apps: vec![WecomApp {
            corp_id: "ww1".to_owned(),
            agent_id: 7,
            secret: "corp-secret".to_owned(),
            members: vec!["zhangsan".to_owned()],
        }],
        wechat_accounts: vec![WechatAccount {
            app_id: "wx1".to_owned(),
            secret: "wx-secret".to_owned(),
            followers: (0..people).map(open_id).collect(),
        }],
        webhooks: vec![WebhookReceiver { name: "crm".to_owned(), secret: WEBHOOK_SECRET.to_owned() }],
        ..SimulatorOptions::default()
    }
}
