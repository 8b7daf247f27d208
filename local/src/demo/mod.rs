//! `sluice demo`: genuine callbacks of every scheme through the whole gate, against simulated platforms, reconciled.

pub mod callbacks;
mod play;
mod table;
pub mod world;

use std::path::Path;
use std::sync::Arc;

use sluice_channels::Endpoints;
use sluice_domain::delivery::DeliveryState;
use sluice_domain::destination::Channel;
use sluice_domain::reconciliation::{Report, page};
use sluice_domain::settings::Settings;
use sluice_embedded::{FileSecrets, SystemEntropy};
use sluice_ports::Clock;
use sluice_simulators::{
    Fault, FaultEffect, FaultTimes, Place as FaultPlace, Platform, Running, SimulatorClock, Simulators,
};
use sluice_telemetry::Metrics;

use crate::builtin;
use crate::cli::{Demo, Place};
use crate::client::GateClient;
use crate::exit::Exit;
use crate::gate::{Gate, GateOptions};
use crate::output::{CommandError, FileContent, Output, OutputFile};
use crate::state::{self, State, StateError};
use play::{Played, Player};
use world::{DemoClock, World};

/// `sluice demo`.
///
/// # Errors
/// When the data directory can not be used or the gate does not start.
pub async fn run(args: &Demo, quiet: bool) -> Result<Output, CommandError> {
    let temporary = tempfile::tempdir()
        .map_err(|error| CommandError::unavailable(format!("no temporary directory: {error}")))?;
    let data = args.keep.clone().unwrap_or_else(|| temporary.path().join("data"));
    let stage = Stage::set(&data).await?;
    let mut player = stage.player(quiet);
    let now = stage.clock.now().0;
    player.consents().await?;
    player.act("1. everyday callbacks, and some that are not genuine", callbacks::all(now)).await?;
    player.review("2. a reviewer looks at what waits").await?;
    stage.throttle_wecom();
    player.act("3. a lead while WeCom is called too often", callbacks::throttled(now)).await?;
    player.act("4. a person takes consent back", callbacks::endings()).await?;
    player.act("5. the same person follows again", callbacks::afterwards(stage.clock.now().0)).await?;
    let played = player.played();
    let reports = stage.reports().await?;
    let output =
        conclude(&played, &reports, stage.expected_seen(&played), &stage.simulators, args.html.as_deref());
    stage.gate.stop().await;
    Ok(output)
}

/// Everything that runs while the demo plays.
struct Stage {
    settings: Arc<Settings>,
    world: World,
    state: State,
    simulators: Running,
    gate: Gate,
    clock: Arc<dyn Clock>,
    simulated: SimulatorClock,
}

impl Stage {
    async fn set(data: &Path) -> Result<Self, CommandError> {
        let settings = sluice_settings::load_bundle(&builtin::bundle());
        let settings = Arc::new(settings.map_err(|error| CommandError::configuration(error.to_string()))?);
        let world = World::new(&settings, &SystemEntropy);
        let simulators = Simulators::start(world.platforms(&settings)).await;
        let simulators = simulators.map_err(|error| CommandError::unavailable(error.to_string()))?;
        let simulated = simulators.clock();
        let clock: Arc<dyn Clock> = Arc::new(DemoClock(simulated.clone()));
        let place = Place { config: None, data: data.to_owned(), secrets: None };
        let state = state::open(&place, Arc::clone(&clock)).await.map_err(|error| match error {
            StateError::InUse => CommandError::unavailable("the data directory is in use by another process"),
            StateError::Command(error) => error,
        })?;
        let path = state::secrets_path(&place);
        world.write(&path)?;
        let secrets = FileSecrets::open(&path, Arc::clone(&clock));
        let secrets = secrets.map_err(|error| CommandError::configuration(error.to_string()))?;
        let endpoints =
            Endpoints::new(&*simulators.feishu_url, &*simulators.wecom_url, &*simulators.wechat_url);
        let endpoints = endpoints.map_err(|error| CommandError::configuration(error.to_string()))?;
        let censors = sluice_censor::Endpoints::new(&simulators.douyin_url, &simulators.toutiao_url);
        let censors = censors.map_err(|error| CommandError::configuration(error.to_string()))?;
        let options = GateOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            endpoints,
            censors,
            front_door_only: false,
            metrics: Metrics::default(),
        };
        let gate = Gate::start(state.clone(), Arc::new(secrets), options).await?;
        Ok(Self { settings, world, state, simulators, gate, clock, simulated })
    }

    fn player(&self, quiet: bool) -> Player<'_> {
        Player::new(self, GateClient::new(format!("http://{}", self.gate.address)), quiet)
    }

    /// The next send to WeCom is answered with 45009: wait at least a minute.
    fn throttle_wecom(&self) {
        self.simulators.inject(Fault {
            platform: Platform::Wecom,
            place: FaultPlace::Send,
            effect: FaultEffect::Code { code: 45_009, status: 200 },
            times: FaultTimes::Next(1),
        });
    }

    /// How many messages recipients must have seen: one for each delivery, or one for each member of an application message.
    fn expected_seen(&self, played: &[Played]) -> usize {
        let deliveries =
            played.iter().flat_map(|callback| &callback.events).filter_map(|trail| trail.delivery.as_ref());
        let delivered = deliveries.filter(|delivery| matches!(delivery.state, DeliveryState::Delivered));
        let members = |delivery: &sluice_domain::delivery::Delivery| {
            let tenant = self.settings.tenants.get(&delivery.key.tenant)?;
            match &tenant.destinations.get(delivery.destination())?.channel {
                Channel::WecomApp { members, .. } => Some(members.len()),
                Channel::FeishuBot { .. }
                | Channel::FeishuApp { .. }
                | Channel::WecomBot { .. }
                | Channel::WechatCustom { .. }
                | Channel::WechatTemplate { .. }
                | Channel::WechatSubscribe { .. }
                | Channel::DouyinMessage { .. }
                | Channel::DouyinComment { .. }
                | Channel::Webhook { .. } => Some(1),
            }
        };
        delivered.filter_map(members).sum()
    }

    /// The reconciliation of every tenant and day that the demo touched.
    async fn reports(&self) -> Result<Vec<Report>, CommandError> {
        let now = self.clock.now();
        let handler = nightly_reconciliation::NightlyReconciliation::new(
            Arc::clone(&self.settings),
            self.state.store.clone(),
            self.state.reports.clone(),
            self.state.signer.clone(),
            Arc::clone(&self.clock),
            Metrics::default(),
        );
        let today = now.business_day();
        let mut reports = Vec::new();
        for tenant in self.settings.tenants.keys() {
            // A demo that is run at midnight in China touches two days.
            for day in [today.previous(), today] {
                let report = handler.reconcile(tenant, day, now).await;
                let report = report.map_err(|error| CommandError::unavailable(error.to_string()))?;
                if day == today || report.totals.received > 0 {
                    reports.push(report);
                }
            }
        }
        Ok(reports)
    }
}

/// The end of the demo: do the totals match, did every answer come as it should, does every recipient see each message once?
fn conclude(
    played: &[Played],
    reports: &[Report],
    expected_seen: usize,
    simulators: &Running,
    html: Option<&Path>,
) -> Output {
    let totals = table::sum(reports.iter().map(|report| &report.totals));
    let accepted = played.iter().map(|callback| callback.events.len()).sum::<usize>();
    let accepted = u64::try_from(accepted).unwrap_or(u64::MAX);
    let answered = played.iter().all(play::Played::answered_as_expected);
    let seen = simulators.seen().len();
    let checks = [
        ("every callback was answered as it should be", answered),
        ("received = the sum of its outcomes", reports.iter().all(|report| report.identity.holds)),
        ("received = what the front door acknowledged", totals.received + totals.replays == accepted),
        ("recipients saw each delivered message once, and nothing else", seen == expected_seen),
        ("nothing is unfinished", totals.waiting + totals.in_progress + totals.missing == 0),
        ("no break is open", reports.iter().all(|report| report.open_breaks() == 0)),
    ];
    let exit = if checks.iter().all(|(_, good)| *good) { Exit::Ok } else { Exit::No };
    let text = table::text(played, &totals, &checks, reports);
    let json = table::json(played, &totals, &checks, reports, exit);
    let mut output = Output::one(exit, text, json);
    output.files = html
        .iter()
        .zip(reports)
        .map(|(path, report)| OutputFile {
            path: path.to_path_buf(),
            content: FileContent::Text(page(report)),
        })
        .collect();
    output
}
