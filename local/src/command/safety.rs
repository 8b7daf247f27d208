//! `sluice safety check`: what the platform's text censor says of a text.

use std::sync::Arc;

use serde_json::json;
use sluice_censor::{Application, Censor, CensorError, Endpoints, Trouble};
use sluice_channels::HyperClient;
use sluice_domain::event::EventKind;
use sluice_domain::rules::Facts;
use sluice_domain::safety::{Answer, ModelName, SafetyPolicy, normalised};
use sluice_domain::settings::{Settings, Tenant};
use sluice_embedded::FileSecrets;
use sluice_ports::Clock;

use crate::cli::{Safety, SafetyCheck};
use crate::exit::Exit;
use crate::input;
use crate::output::{CommandError, Output};

/// `sluice safety …`. One request to the platform; nothing is remembered, and the day's budget of a gate is not touched.
///
/// # Errors
/// When the tenant has no censor, or the text, the secrets or the platform can not be had.
pub async fn run(
    command: &Safety,
    settings: &Settings,
    secrets: Arc<FileSecrets>,
    clock: Arc<dyn Clock>,
) -> Result<Output, CommandError> {
    let Safety::Check(args) = command;
    let tenant = tenant(args, settings)?;
    let policy = tenant.safety.as_ref().ok_or_else(|| {
        CommandError::configuration(format!("tenant `{}` has no `safety`: nobody is asked", tenant.id))
    })?;
    let text = normalised(&text(args, tenant)?);
    if text.is_empty() {
        return Err(CommandError::usage("the text is empty"));
    }
    let local = local(tenant, &text, clock.as_ref());
    let censor = censor(args, secrets, clock)?;
    let asked = censor.check(Application { tenant: &tenant.id, policy }, &[&text]).await;
    told(policy, &local, asked)
}

fn tenant<'a>(args: &SafetyCheck, settings: &'a Settings) -> Result<&'a Tenant, CommandError> {
    let found = match &args.tenant {
        Some(id) => settings.tenants.get(id),
        None => settings.tenants.values().find(|tenant| tenant.safety.is_some()),
    };
    found
        .map(AsRef::as_ref)
        .ok_or_else(|| CommandError::usage("no such tenant is configured, or none with `safety`"))
}

fn text(args: &SafetyCheck, tenant: &Tenant) -> Result<String, CommandError> {
    match (&args.text, &args.file, &args.script) {
        (Some(text), ..) => Ok(text.clone()),
        (_, Some(file), _) => input::text(file),
        (.., Some(script)) => {
            let unknown = || CommandError::usage(format!("tenant `{}` has no script `{script}`", tenant.id));
            let script = tenant.scripts.get(script).ok_or_else(unknown)?;
            // Of an image, what can be read on it.
            let title = script.title.as_deref().unwrap_or_default();
            let text = script.image_text.as_deref().unwrap_or(&script.text);
            Ok(format!("{title}\n{text}"))
        }
        _ => Err(CommandError::usage("give --text, --file or --script")),
    }
}

/// What the local rules say of it as a private message of somebody: does such a text wait for the check at all?
fn local(tenant: &Tenant, text: &str, clock: &dyn Clock) -> sluice_domain::decision::Decision {
    let texts = [("text", text)];
    let censor = tenant.safety.as_ref().map(|safety| safety.longer_than);
    let facts =
        Facts { censor, ..Facts::inbound(EventKind::DirectMessage, &texts, &tenant.links, clock.now()) };
    tenant.rules.evaluate(&facts)
}

type CommandCensor = Censor<HyperClient, Arc<FileSecrets>, Arc<dyn Clock>>;

fn censor(
    args: &SafetyCheck,
    secrets: Arc<FileSecrets>,
    clock: Arc<dyn Clock>,
) -> Result<CommandCensor, CommandError> {
    let http = HyperClient::new().map_err(|error| CommandError::configuration(error.to_string()))?;
    Ok(Censor::new(args.at.endpoints()?, http, secrets, clock))
}

impl crate::cli::CensorPlace {
    /// The platform's own addresses, or those that were given.
    ///
    /// # Errors
    /// When one must not be used.
    pub fn endpoints(&self) -> Result<Endpoints, CommandError> {
        let defaults = Endpoints::default();
        let (douyin, toutiao) = (self.douyin.as_deref(), self.toutiao.as_deref());
        Endpoints::new(douyin.unwrap_or(defaults.douyin()), toutiao.unwrap_or(defaults.toutiao()))
            .map_err(|error| CommandError::configuration(error.to_string()))
    }
}

fn told(
    policy: &SafetyPolicy,
    local: &sluice_domain::decision::Decision,
    asked: Result<Answer, CensorError>,
) -> Result<Output, CommandError> {
    let rules: Vec<&str> = local.matched.iter().map(sluice_domain::id::RuleId::as_str).collect();
    let api = policy.api.as_str();
    match asked {
        Ok(answer) => {
            let hits: Vec<&str> = answer.hits.iter().map(ModelName::as_str).collect();
            let log_id = answer.log_id.as_ref().map(sluice_domain::safety::LogId::as_str);
            let outcome = if answer.is_hit() { "hit" } else { "clean" };
            let text = format!(
                "{outcome} (api {api}, log_id {}){}\nlocal rules that hold: {}",
                log_id.unwrap_or("none"),
                if hits.is_empty() { String::new() } else { format!(": {}", hits.join(" ")) },
                rules.join(" "),
            );
            let exit = if answer.is_hit() { Exit::No } else { Exit::Ok };
            Ok(Output::one(
                exit,
                text,
                json!({ "outcome": outcome, "api": api, "log_id": log_id, "hits": hits, "local_rules": rules }),
            ))
        }
        Err(error) => match error.trouble {
            Trouble::Credentials | Trouble::Secret | Trouble::Permission => {
                Err(CommandError::configuration(format!("{error}; see docs/RUNBOOK.md, content safety")))
            }
            _ => Err(CommandError::unavailable(error.to_string())),
        },
    }
}
