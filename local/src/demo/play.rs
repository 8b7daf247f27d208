//! Plays callbacks one after another and follows each through the gate.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use http::StatusCode;
use sluice_domain::audit::{AuditRecord, Receipt};
use sluice_domain::delivery::Delivery;
use sluice_domain::id::{TenantId, TraceId};
use sluice_domain::review::{Ballot, Point, Review, ReviewId, ReviewerName, Says, StateName, Voter, Why};
use sluice_domain::time::UnixMillis;
use sluice_ports::{
    AuditLog as _, ConsentStore as _, Deliveries as _, Intake as _, KeyRing as _, Queue, Reviews as _,
};
use sluice_review::{Desk, Which};

use super::Stage;
use super::callbacks::{CONSENTS, Callback};
use super::world::standing_consent;
use crate::client::GateClient;
use crate::output::CommandError;

/// The demo gives up when the gate makes no progress for so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// One callback that was played, and what came of it.
pub(super) struct Played {
    pub(super) title: &'static str,
    pub(super) source: &'static str,
    pub(super) expected: u16,
    pub(super) status: StatusCode,
    /// The events that the front door acknowledged, replays included.
    pub(super) events: Vec<EventTrail>,
}

/// One event on its way.
pub(super) struct EventTrail {
    receipt: Receipt,
    /// The decision; a replay has none of its own.
    pub(super) audit: Option<AuditRecord>,
    pub(super) delivery: Option<Delivery>,
    /// What people said, when the decision was theirs.
    pub(super) review: Option<Review>,
    /// What they said of its rendered message, when that waited.
    pub(super) message_review: Option<Review>,
}

impl EventTrail {
    pub(super) fn kind(&self) -> &'static str {
        self.receipt.kind.as_str()
    }
}

impl Played {
    pub(super) fn answered_as_expected(&self) -> bool {
        self.status.as_u16() == self.expected
    }
}

/// Plays callbacks.
pub(super) struct Player<'a> {
    stage: &'a Stage,
    client: GateClient,
    quiet: bool,
    known: BTreeSet<TraceId>,
    played: Vec<Played>,
}

impl<'a> Player<'a> {
    pub(super) fn new(stage: &'a Stage, client: GateClient, quiet: bool) -> Self {
        Self { stage, client, quiet, known: BTreeSet::new(), played: Vec::new() }
    }

    pub(super) fn played(self) -> Vec<Played> {
        self.played
    }

    /// Consents that stood before the demo begins.
    pub(super) async fn consents(&self) -> Result<(), CommandError> {
        for (tenant, person, recipient) in CONSENTS {
            let tenant = TenantId::new(tenant).map_err(|error| CommandError::usage(error.to_string()))?;
            let person = self.stage.state.keys.keys(&tenant).await?.person(person);
            let now = self.stage.clock.now();
            self.stage.state.store.grant(standing_consent(tenant, person, recipient, now)?).await?;
        }
        Ok(())
    }

    /// Plays one act and waits until everything of it is settled.
    pub(super) async fn act(&mut self, title: &'static str, plan: Vec<Callback>) -> Result<(), CommandError> {
        self.tell(&format!("\n{title}"));
        let first = self.played.len();
        for callback in plan {
            let played = self.play(callback).await?;
            let mark = if played.answered_as_expected() { "✓" } else { "✗" };
            self.tell(&format!("  {mark} {} {:<16} {}", played.status.as_u16(), played.source, played.title));
            self.played.push(played);
        }
        self.settled().await?;
        self.follow(first).await
    }

    /// A reviewer answers everything that waits: a person's own number and a company's own words may go on, another company's link may not.
    pub(super) async fn review(&mut self, title: &'static str) -> Result<(), CommandError> {
        self.tell(&format!("\n{title}"));
        let failed = |error: sluice_review::DeskError| CommandError::unavailable(error.to_string());
        let state = &self.stage.state;
        let desk = Desk { store: &state.store, keys: &state.keys, now: self.stage.clock.now() };
        for tenant in self.stage.settings.tenants.keys() {
            for view in desk.list(tenant, StateName::Open).await.map_err(failed)? {
                let only = |code: &str| view.reasons.iter().all(|reason| reason.code == code);
                let (says, why) = if only("phone_number") {
                    (Says::Approve, "客户本人留的号码")
                } else if only("absolute_word_exempt") {
                    (Says::Approve, "说的是经营理念,不是商品")
                } else {
                    (Says::Reject, "其他企业的链接")
                };
                let which = Which { tenant: tenant.clone(), trace: view.trace_id, point: Some(view.point) };
                desk.vote(&which, ballot(says, why)?).await.map_err(failed)?;
                for text in &view.texts {
                    self.tell(&format!("  {:<8} {} — {why}", says.as_str(), text.text));
                }
            }
        }
        self.settled().await?;
        self.follow(0).await
    }

    #[expect(clippy::print_stderr, reason = "progress of a long command")]
    fn tell(&self, line: &str) {
        if !self.quiet {
            eprintln!("{line}");
        }
    }

    async fn play(&mut self, callback: Callback) -> Result<Played, CommandError> {
        let (tenant, signed) =
            self.stage.world.signed(&self.stage.settings, &callback, self.stage.clock.now())?;
        let answer = self.client.send(callback.source, callback.method, signed).await?;
        let receipts = self.new_receipts(&tenant).await?;
        let events = receipts.into_iter().map(|receipt| EventTrail {
            receipt,
            audit: None,
            delivery: None,
            review: None,
            message_review: None,
        });
        let events: Vec<_> = events.collect();
        Ok(Played {
            title: callback.title,
            source: callback.source,
            expected: callback.status,
            status: answer.status,
            events,
        })
    }

    /// What the front door noted since the last look.
    async fn new_receipts(&mut self, tenant: &TenantId) -> Result<Vec<Receipt>, CommandError> {
        let today = self.stage.clock.now().business_day();
        let mut found = Vec::new();
        for day in [today.previous(), today] {
            let mut cursor = None;
            loop {
                let page = self.stage.state.store.receipts(tenant, day, cursor).await?;
                found.extend(page.items.into_iter().filter(|receipt| self.known.insert(receipt.trace_id)));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Waits until no queue holds anything; when all that is left waits for a later moment, the clock moves there.
    async fn settled(&mut self) -> Result<(), CommandError> {
        let mut since = Instant::now();
        let mut last = None;
        loop {
            let (mut open, mut delayed, mut due) = (0, 0, None::<UnixMillis>);
            for queue in Queue::ALL {
                let depth = self.stage.state.store.depth(queue)?;
                open += depth.visible + depth.in_flight;
                delayed += depth.delayed;
                if depth.delayed > 0 {
                    due = [due, self.stage.state.store.next_visible_at(queue)?].into_iter().flatten().min();
                }
            }
            match (open, delayed, due) {
                (0, 0, _) => return Ok(()),
                (0, _, Some(at)) => self.move_clock(at),
                _ => {}
            }
            if last != Some((open, delayed)) {
                (last, since) = (Some((open, delayed)), Instant::now());
            } else if since.elapsed() > PATIENCE {
                return Err(CommandError::unavailable(format!(
                    "the gate stands still with {} messages",
                    open + delayed
                )));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn move_clock(&self, to: UnixMillis) {
        let ahead = to.since(self.stage.clock.now());
        if ahead > 0 {
            let seconds = Duration::from_millis(ahead.unsigned_abs()).as_secs_f64();
            self.tell(&format!("  … the rest waits: the clock moves {seconds:.1} s ahead"));
            self.stage.simulated.advance_ms(ahead.saturating_add(1));
        }
        self.stage.gate.clock_moved();
    }

    /// Looks up what became of the events of an act.
    async fn follow(&mut self, first: usize) -> Result<(), CommandError> {
        let store = &self.stage.state.store;
        for played in self.played.iter_mut().skip(first) {
            for trail in &mut played.events {
                let audit = store.audit(&trail.receipt.key).await?;
                trail.audit = audit.filter(|audit| audit.trace_id == trail.receipt.trace_id);
                if trail.audit.is_some() {
                    trail.delivery = store.delivery(&trail.receipt.key).await?;
                    let (tenant, trace) = (trail.receipt.key.tenant.clone(), trail.receipt.trace_id);
                    let review = |point| ReviewId { tenant: tenant.clone(), trace, point };
                    trail.review = store.review(&review(Point::Event)).await?;
                    trail.message_review = store.review(&review(Point::Message)).await?;
                }
            }
        }
        Ok(())
    }
}

/// The demo's reviewer.
fn ballot(says: Says, why: &str) -> Result<Ballot, CommandError> {
    let usage = |error: sluice_domain::review::InvalidReviewer| CommandError::usage(error.to_string());
    let name = ReviewerName::new("王芳").map_err(usage)?;
    Ok(Ballot { by: Voter::Person { name }, says, why: Why::new(why).map_err(usage)? })
}
