//! `sluice review`: what waits for people, and their answers.

use std::fmt::Write as _;

use serde_json::json;
use sluice_domain::id::TenantId;
use sluice_domain::review::{Ballot, Says, StateName, VoteError, Voter};
use sluice_review::{Desk, DeskError, View, Voted, Which};
use sluice_settings::CurrentSettings as _;

use crate::cli::{Review, ReviewVoice, ReviewWhich};
use crate::exit::Exit;
use crate::output::{CommandError, Output};
use crate::state::State;

/// `sluice review …`.
///
/// # Errors
/// When the tenant is not configured, or the store or the keys can not be used.
pub async fn run(command: &Review, state: &State) -> Result<Output, CommandError> {
    let desk = Desk { store: &state.store, keys: &state.keys, now: state.clock.now() };
    match command {
        Review::List { tenant, state: name } => {
            let tenants = tenants(tenant.as_ref(), state)?;
            let mut views = Vec::new();
            for tenant in &tenants {
                views.extend(desk.list(tenant, *name).await.map_err(failed)?);
            }
            Ok(list(&views, *name))
        }
        Review::Show { which, unmasked, by, why } => {
            let which = known(which, state)?;
            let shown = match (unmasked, by, why) {
                (true, Some(by), Some(why)) => {
                    let by = Voter::Person { name: by.clone() };
                    desk.look(&which, Ballot { by, says: Says::Looked, why: why.clone() }).await
                }
                _ => desk.show(&which).await,
            };
            answered(shown.map(|view| {
                let text = explain(&view);
                Output::one(Exit::Ok, text, json!(view))
            }))
        }
        Review::Approve { which, voice } => vote(&desk, known(which, state)?, voice, Says::Approve).await,
        Review::Reject { which, voice } => vote(&desk, known(which, state)?, voice, Says::Reject).await,
    }
}

type LocalDesk<'a> = Desk<'a, sluice_embedded::Store, sluice_embedded::LocalKeyRing>;

async fn vote(
    desk: &LocalDesk<'_>,
    which: Which,
    voice: &ReviewVoice,
    says: Says,
) -> Result<Output, CommandError> {
    let by = Voter::Person { name: voice.by.clone() };
    let voted = desk.vote(&which, Ballot { by, says, why: voice.why.clone() }).await;
    answered(voted.map(|Voted { view, again }| {
        let text = outcome(&view, again);
        Output::one(Exit::Ok, text, json!({ "state": view.state, "again": again, "review": view }))
    }))
}

/// A review that is not there or does not take the voice is a no; everything else is an error.
fn answered(result: Result<Output, DeskError>) -> Result<Output, CommandError> {
    match result {
        Ok(output) => Ok(output),
        Err(error @ DeskError::Unknown(_)) => Ok(Output::one(
            Exit::No,
            error.to_string(),
            json!({ "error": "unknown", "detail": error.to_string() }),
        )),
        Err(DeskError::Vote(error)) => {
            let code = match &error {
                VoteError::NotOpen(_) => "not_open",
                VoteError::Overdue(_) => "expired",
                VoteError::SamePerson => "same_person",
                VoteError::NotAsked => "not_asked",
                VoteError::Forged => "forged",
                VoteError::Full(_) => "full",
            };
            Ok(Output::one(
                Exit::No,
                error.to_string(),
                json!({ "error": code, "detail": error.to_string() }),
            ))
        }
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: DeskError) -> CommandError {
    match error {
        DeskError::Port(error) => error.into(),
        DeskError::Sealed(error) => CommandError::configuration(error.to_string()),
        error @ (DeskError::Unknown(_) | DeskError::Vote(_) | DeskError::Busy) => {
            CommandError::unavailable(error.to_string())
        }
    }
}

/// Only configured tenants: a key ring makes keys on first use.
fn tenants(one: Option<&TenantId>, state: &State) -> Result<Vec<TenantId>, CommandError> {
    let settings = state.settings.current();
    match one {
        Some(tenant) if settings.tenants.contains_key(tenant) => Ok(vec![tenant.clone()]),
        Some(tenant) => Err(CommandError::configuration(format!("tenant `{tenant}` is not configured"))),
        None => Ok(settings.tenants.keys().cloned().collect()),
    }
}

fn known(which: &ReviewWhich, state: &State) -> Result<Which, CommandError> {
    tenants(Some(&which.tenant), state)?;
    Ok(Which { tenant: which.tenant.clone(), trace: which.trace, point: which.point })
}

fn list(views: &[View], state: StateName) -> Output {
    let lines: Vec<String> = views.iter().map(line).collect();
    let text = if lines.is_empty() { format!("no review is {state}") } else { lines.join("\n") };
    Output::lines(Exit::Ok, text, views.iter().map(|view| json!(view)).collect())
}

fn line(view: &View) -> String {
    let reason = view.reasons.first().map_or("–", |reason| reason.code.as_str());
    let text = view.texts.first().map_or("", |text| text.text.as_str()).replace('\n', " ");
    format!(
        "{}  {}  {:<7} {:<8} until {}  {}/{}  {reason:<18} {text}",
        view.key.tenant,
        view.trace_id,
        view.point.as_str(),
        view.state.as_str(),
        view.deadline,
        view.approved_by().count(),
        view.people,
    )
}

fn outcome(view: &View, again: bool) -> String {
    let trace = view.trace_id;
    match view.state {
        StateName::Approved if again => format!("{trace}: approved before; sent to the engine once more"),
        StateName::Approved => format!("{trace}: approved; the engine looks once more, then it goes on"),
        StateName::Open => {
            let missing = usize::from(view.people).saturating_sub(view.approved_by().count());
            format!("{trace}: counted; {missing} more must approve, another person")
        }
        other => format!("{trace}: {other}"),
    }
}

fn machine(view: &View) -> String {
    match &view.machine {
        Some(check) if view.machine_advises => format!(", and no violation by the check `{check}`"),
        Some(check) => format!(", or the check `{check}`"),
        None => String::new(),
    }
}

fn explain(view: &View) -> String {
    let mut text = format!(
        "review    {} of {} from {}\nmessage   {}\nperson    {}\nstate     {}\nopened    {}\ndeadline  {}\nneeds     {} of different people{}\n",
        view.point,
        view.kind,
        view.key.source,
        view.key.message,
        view.person.as_ref().map_or("nobody named", |person| person.as_str()),
        view.state,
        view.opened_at,
        view.deadline,
        view.people,
        machine(view),
    );
    for reason in &view.reasons {
        let basis: Vec<_> =
            reason.basis.iter().map(|basis| format!("《{}》{}", basis.document, basis.article)).collect();
        let _infallible = writeln!(
            text,
            "reason    {} {} [{}] {}",
            reason.code,
            reason.title,
            reason.rule,
            basis.join(" ")
        );
        for span in &reason.evidence {
            let _infallible =
                writeln!(text, "          {} in {}[{}..{}]", span.category, span.field, span.start, span.end);
        }
    }
    for shown in &view.texts {
        let _infallible = writeln!(text, "{:<9} {}", shown.field, shown.text.replace('\n', "\n          "));
    }
    text.push_str(&voices(view));
    if !view.genuine && !view.state.is_final() {
        text.push_str("WARNING   the stored review does not fit the tenant's key: it will not be sent\n");
    }
    text
}

/// Who said what, and how it ended.
pub(super) fn voices(view: &View) -> String {
    let mut text = String::new();
    for voice in &view.voices {
        let _infallible =
            writeln!(text, "voice     {} {} by {}: {}", voice.at, voice.says.as_str(), voice.by, voice.why);
    }
    if let Some(ended) = view.ended_at {
        let code = view.blocked_by.as_deref().map(|code| format!(", {code}")).unwrap_or_default();
        let _infallible = writeln!(text, "ended     {ended} {}{code}", view.state);
    }
    text
}
