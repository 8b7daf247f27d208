use secrecy::ExposeSecret as _;
use serde::Serialize;
use sluice_domain::decision::Reason;
use sluice_domain::event::EventKind;
use sluice_domain::id::{EventKey, PersonId, TraceId};
use sluice_domain::review::{Point, Review, Says, State, StateName, Voter, masked};
use sluice_domain::safety::Finding;
use sluice_domain::sealed::SealError;
use sluice_domain::tenant::TenantKeys;
use sluice_domain::time::UnixMillis;

/// A review as people and scripts see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// The event.
    #[serde(flatten)]
    pub key: EventKey,
    /// Its trace: with the point, what names the review.
    pub trace_id: TraceId,
    /// Where it waits.
    pub point: Point,
    /// The event's kind.
    pub kind: EventKind,
    /// Whose event.
    pub person: Option<PersonId>,
    /// How it stands: an open review past its deadline has expired.
    pub state: StateName,
    /// Since when it waits.
    pub opened_at: UnixMillis,
    /// Until when.
    pub deadline: UnixMillis,
    /// How many different people must approve.
    pub people: u8,
    /// The machine check that may settle it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// Its yes is not enough: people must approve as well.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub machine_advises: bool,
    /// What it found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// Why it waits.
    pub reasons: Vec<Reason>,
    /// What was judged; nothing once the review has ended.
    pub texts: Vec<ShownText>,
    /// Who said what.
    pub voices: Vec<ShownVoice>,
    /// The code of a block that came up later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UnixMillis>,
    /// Opening and voices fit the tenant's key.
    pub genuine: bool,
}

/// One text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownText {
    /// `text`, `form.…`, `title`, `message`.
    pub field: String,
    /// Masked, with the evidence in `⟦…⟧`; the open text only when somebody asked for it on record.
    pub text: String,
}

/// One voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownVoice {
    /// Who.
    pub by: String,
    /// A machine, not a person.
    pub machine: bool,
    /// What.
    pub says: Says,
    /// Why.
    pub why: String,
    /// When.
    pub at: UnixMillis,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Masked,
    Open,
}

impl View {
    /// A review with its texts masked.
    ///
    /// # Errors
    /// [`SealError`] when a text does not open.
    pub fn masked(review: &Review, keys: &TenantKeys, now: UnixMillis) -> Result<Self, SealError> {
        Self::of(review, keys, now, Detail::Masked)
    }

    pub(crate) fn of(
        review: &Review,
        keys: &TenantKeys,
        now: UnixMillis,
        detail: Detail,
    ) -> Result<Self, SealError> {
        let evidence: Vec<_> =
            review.decision.reasons.iter().flat_map(|reason| reason.evidence.iter().cloned()).collect();
        let texts = review.texts(keys)?.into_iter().map(|(field, text)| {
            let text = match detail {
                Detail::Masked => masked(text.expose_secret(), &field, &evidence),
                Detail::Open => text.expose_secret().to_owned(),
            };
            ShownText { field, text }
        });
        let texts = texts.collect();
        let (blocked_by, ended_at) = end(&review.state);
        Ok(Self {
            key: review.key.clone(),
            trace_id: review.trace_id,
            point: review.point,
            kind: review.kind,
            person: review.person.clone(),
            state: review.standing(now),
            opened_at: review.opened_at,
            deadline: review.deadline,
            people: review.panel.people,
            machine: review.panel.machine.clone(),
            machine_advises: review.panel.advises,
            finding: review.finding().cloned(),
            reasons: review.decision.reasons.clone(),
            texts,
            voices: voices(review),
            blocked_by,
            ended_at,
            genuine: review.is_genuine(keys),
        })
    }

    /// Who approved so far.
    pub fn approved_by(&self) -> impl Iterator<Item = &str> {
        self.voices.iter().filter(|voice| voice.says == Says::Approve).map(|voice| voice.by.as_str())
    }
}

fn voices(review: &Review) -> Vec<ShownVoice> {
    let shown = |voice: &sluice_domain::review::Voice| ShownVoice {
        by: voice.by.to_string(),
        machine: matches!(voice.by, Voter::Machine { .. }),
        says: voice.says,
        why: voice.why.as_str().to_owned(),
        at: voice.at,
    };
    review.voices.iter().map(shown).collect()
}

fn end(state: &State) -> (Option<String>, Option<UnixMillis>) {
    match state {
        State::Open | State::Approved { .. } => (None, None),
        State::Cleared { at, .. } | State::Rejected { at } | State::Expired { at } => (None, Some(*at)),
        State::Blocked { at, code, .. } => (Some(code.clone()), Some(*at)),
    }
}
