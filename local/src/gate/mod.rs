//! The whole gate in one process: front door, steps, nightly schedule, control socket.

mod door;
mod images;
mod schedule;
mod server;
mod settings;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;

use bucket_assignment::BucketAssignment;
use channel_dispatch::ChannelDispatch;
use compliance_check::ComplianceCheck;
use content_safety::ContentSafety;
use sluice_censor::Censor;
use sluice_channels::{Channels, Endpoints, HyperClient};
use sluice_embedded::{FileSecrets, SystemEntropy};
use sluice_ports::Clock;
use sluice_steps::Stage;
use sluice_telemetry::{Counters, Metrics};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use webhook_verify::WebhookVerify;

use crate::output::CommandError;
use crate::state::State;

/// Workers per step: so many batches are in flight at once and share the writer's transactions.
const WORKERS: usize = 4;

/// How to run the gate.
#[derive(Debug, Clone)]
pub struct GateOptions {
    /// Address of the front door.
    pub listen: SocketAddr,
    /// Where the platforms are.
    pub endpoints: Endpoints,
    /// Where Douyin's text censors are.
    pub censors: sluice_censor::Endpoints,
    /// Accept and queue only.
    pub front_door_only: bool,
    /// Where measurements go besides the gate's own counters.
    pub metrics: Metrics,
}

/// A running gate.
#[derive(Debug)]
pub struct Gate {
    /// Where the front door listens.
    pub address: SocketAddr,
    /// What was counted since the start.
    pub counters: Counters,
    stop: watch::Sender<bool>,
    moved: watch::Sender<u64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Gate {
    /// Starts everything on an open state.
    ///
    /// # Errors
    /// When the address can not be had or TLS can not be set up.
    pub async fn start(
        state: State,
        secrets: Arc<FileSecrets>,
        options: GateOptions,
    ) -> Result<Self, CommandError> {
        let listener = TcpListener::bind(options.listen).await.map_err(|error| {
            CommandError::unavailable(format!(
                "can not listen on {}: {error}; give another --listen",
                options.listen
            ))
        })?;
        let address = listener.local_addr().map_err(|error| CommandError::unavailable(error.to_string()))?;
        let counters = Counters::default();
        let ((stop, stopping), (moved, moves)) = (watch::channel(false), watch::channel(0));
        let metrics = Metrics::new((Metrics::new(counters.clone()), options.metrics));
        let http = HyperClient::new().map_err(|error| CommandError::configuration(error.to_string()))?;
        let clock = || Arc::clone(&state.clock);
        // Door and dispatcher know of each other's tokens and limits by the store.
        let channels = || {
            Channels::new(options.endpoints.clone(), http.clone(), Arc::clone(&secrets), clock()).sharing(
                state.store.clone(),
                state.keys.clone(),
                SystemEntropy,
            )
        };
        let door = Arc::new(door::Door {
            verifier: WebhookVerify {
                settings: Arc::clone(&state.settings),
                intake: state.store.clone(),
                keys: state.keys.clone(),
                secrets: Arc::clone(&secrets),
                clock: Arc::clone(&state.clock),
                entropy: SystemEntropy,
                greeter: channels(),
                metrics: metrics.clone(),
            },
            counters: counters.clone(),
            store: state.store.clone(),
        });
        let mut tasks = vec![
            tokio::spawn(server::serve(listener, door, stopping.clone())),
            tokio::spawn(settings::follow(Arc::clone(&state.settings), metrics.clone(), stopping.clone())),
        ];
        if !options.front_door_only {
            let censor = Censor::new(options.censors, http.clone(), Arc::clone(&secrets), clock());
            let channels = channels().showing(images::Images(Arc::clone(&state.settings)));
            let signals = Signals { stop: stopping.clone(), moved: moves };
            tasks.extend(steps(&state, channels, censor, &metrics, &signals));
            tasks.push(tokio::spawn(schedule::run(state, metrics, stopping)));
        }
        Ok(Self { address, counters, stop, moved, tasks })
    }

    /// Tells the workers that the clock was moved: what waited for a later moment may be due.
    pub fn clock_moved(&self) {
        self.moved.send_modify(|moves| *moves = moves.wrapping_add(1));
    }

    /// Lets what is under way finish, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!("a task of the gate ended badly: {error}");
            }
        }
    }
}

/// What the workers listen to besides their queues.
#[derive(Clone)]
struct Signals {
    stop: watch::Receiver<bool>,
    moved: watch::Receiver<u64>,
}

pub(crate) type PlatformChannels = Channels<HyperClient, Arc<FileSecrets>, Arc<dyn Clock>>;
type PlatformCensor = Censor<HyperClient, Arc<FileSecrets>, Arc<dyn Clock>>;

fn steps(
    state: &State,
    channels: PlatformChannels,
    censor: PlatformCensor,
    metrics: &Metrics,
    signals: &Signals,
) -> Vec<JoinHandle<()>> {
    let (settings, store, keys, clock) = (&state.settings, &state.store, &state.keys, &state.clock);
    let compliance = Arc::new(ComplianceCheck {
        settings: Arc::clone(settings),
        store: store.clone(),
        keys: keys.clone(),
        clock: Arc::clone(clock),
        metrics: metrics.clone(),
    });
    let assignment = Arc::new(BucketAssignment {
        settings: Arc::clone(settings),
        store: store.clone(),
        keys: keys.clone(),
        clock: Arc::clone(clock),
        metrics: metrics.clone(),
    });
    let dispatch = Arc::new(ChannelDispatch {
        settings: Arc::clone(settings),
        store: store.clone(),
        keys: keys.clone(),
        sender: channels,
        clock: Arc::clone(clock),
        entropy: SystemEntropy,
        metrics: metrics.clone(),
    });
    let safety = Arc::new(ContentSafety {
        settings: Arc::clone(settings),
        store: store.clone(),
        keys: keys.clone(),
        censor,
        clock: Arc::clone(clock),
        metrics: metrics.clone(),
    });
    let mut tasks = Vec::new();
    for _ in 0..WORKERS {
        tasks.push(spawn(&compliance, state, metrics, signals));
        tasks.push(spawn(&assignment, state, metrics, signals));
        tasks.push(spawn(&dispatch, state, metrics, signals));
        tasks.push(spawn(&safety, state, metrics, signals));
    }
    tasks
}

fn spawn<S: Stage + 'static>(
    stage: &Arc<S>,
    state: &State,
    metrics: &Metrics,
    signals: &Signals,
) -> JoinHandle<()> {
    let (store, clock) = (state.store.clone(), Arc::clone(&state.clock));
    let Signals { stop, moved } = signals.clone();
    tokio::spawn(worker::run(Arc::clone(stage), store, clock, metrics.clone(), moved, stop))
}
