//! `sluice channels`: what is known of the platforms.

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_channels::codes::{TABLES, Table};
use sluice_channels::{
    CallError, ContactWay, CustomerContact, HyperClient, MiniProgramLink, Row, simulators,
};
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::id::{DestinationId, TenantId};
use sluice_domain::link::contact_state;
use sluice_domain::settings::Settings;
use sluice_embedded::FileSecrets;
use sluice_ports::Clock;

use crate::cli::{ChannelsCodes, ChannelsContactWay, ChannelsMiniLink, MiniLinkKind};
use crate::exit::Exit;
use crate::output::{CommandError, Output};

/// Where the platforms are: `SLUICE_CHANNEL_ENDPOINTS` names simulators.
pub(super) fn channels<T: Clock>(
    secrets: Arc<FileSecrets>,
    clock: T,
) -> Result<sluice_channels::Channels<HyperClient, Arc<FileSecrets>, T>, CommandError> {
    let named = std::env::var(simulators::VARIABLE).ok();
    let endpoints = simulators::endpoints(named.as_deref());
    let endpoints = endpoints.map_err(|error| CommandError::usage(error.to_string()))?;
    let http = HyperClient::new().map_err(|error| CommandError::unavailable(error.to_string()))?;
    Ok(sluice_channels::Channels::new(endpoints, http, secrets, clock))
}

pub(super) fn destination<'a>(
    settings: &'a Settings,
    tenant: &TenantId,
    id: &DestinationId,
) -> Result<&'a Destination, CommandError> {
    let found = settings.tenants.get(tenant).and_then(|tenant| tenant.destinations.get(id));
    found.ok_or_else(|| {
        CommandError::usage(format!("destination `{id}` of tenant `{tenant}` is not configured"))
    })
}

/// The platform's no, with its words.
fn refused(error: &CallError) -> Output {
    let (code, words) =
        (error.0.code.as_deref().unwrap_or("-"), error.0.message.as_deref().unwrap_or_default());
    let text = format!("not made: {} ({code}) {words}", error.0.outcome.as_str());
    let json = json!({ "made": false, "outcome": error.0.outcome.as_str(), "code": code, "message": words });
    Output::one(Exit::No, text, json)
}

/// `sluice channels contact-way`.
///
/// # Errors
/// When the destination is not configured, or keys or secrets can not be had.
pub async fn contact_way(
    args: &ChannelsContactWay,
    settings: &Settings,
    secrets: Arc<FileSecrets>,
    clock: impl Clock,
) -> Result<Output, CommandError> {
    let destination = destination(settings, &args.tenant, &args.destination)?;
    let Channel::WecomApp { corp_id, agent_id, secret, .. } = &destination.channel else {
        return Err(CommandError::usage(format!("destination `{}` is no `wecom_app`", destination.id)));
    };
    let way = ContactWay {
        members: args.members.clone(),
        state: contact_state(&args.tenant, &destination.id, args.bucket),
        remark: args.remark.clone(),
    };
    let contact = CustomerContact { corp_id, agent_id: *agent_id, secret };
    let channels = channels(secrets, clock)?;
    Ok(match channels.contact_way(&args.tenant, &destination.id, contact, &way).await {
        Ok(made) => {
            let text =
                format!("{}\nconfig_id {} (keep it), state {}", made.qr_code, made.config_id, way.state);
            let json = json!({ "made": true, "config_id": made.config_id, "qr_code": made.qr_code, "state": way.state });
            Output::one(Exit::Ok, text, json)
        }
        Err(error) => refused(&error),
    })
}

/// `sluice channels mini-link`.
///
/// # Errors
/// When the destination is not configured, or the endpoints can not be used.
pub async fn mini_link(
    args: &ChannelsMiniLink,
    settings: &Settings,
    secrets: Arc<FileSecrets>,
    clock: impl Clock,
) -> Result<Output, CommandError> {
    let destination = destination(settings, &args.tenant, &args.destination)?;
    let (Channel::WechatCustom { app_id, secret, .. }
    | Channel::WechatTemplate { app_id, secret, .. }
    | Channel::WechatSubscribe { app_id, secret, .. }) = &destination.channel
    else {
        return Err(CommandError::usage(format!("destination `{}` is no WeChat account's", destination.id)));
    };
    let (path, query, days) = (args.path.clone(), args.query.clone(), args.days);
    let link = match args.kind {
        MiniLinkKind::Url => MiniProgramLink::Url { path, query, days },
        MiniLinkKind::Scheme => MiniProgramLink::Scheme { path, query, days },
        MiniLinkKind::Short => MiniProgramLink::Short {
            page: if query.is_empty() { path } else { format!("{path}?{query}") },
            title: String::new(),
        },
    };
    let channels = channels(secrets, clock)?;
    Ok(match channels.mini_program_link(&args.tenant, &destination.id, (app_id, secret), &link).await {
        Ok(link) => Output::one(Exit::Ok, link.clone(), json!({ "made": true, "link": link })),
        Err(error) => refused(&error),
    })
}

/// `sluice channels codes`.
pub fn codes(args: &ChannelsCodes) -> Output {
    let wanted =
        TABLES.iter().filter(|table| args.platform.is_none_or(|name| name.as_str() == table.platform));
    let rows: Vec<(&Table, &Row)> = wanted
        .flat_map(|table| table.rows.iter().map(move |row| (table, row)))
        .filter(|(_, row)| args.code.is_none_or(|code| (row.code..=row.last).contains(&code)))
        .collect();
    let text: Vec<String> = rows.iter().map(|(table, row)| line(table, row)).collect();
    let json: Vec<Value> = rows.iter().map(|(table, row)| document(table, row)).collect();
    match args.code {
        Some(code) if rows.is_empty() => {
            let text = format!(
                "{code}: in no table: refused for good, the endpoint stopped, the answer kept, an alarm raised"
            );
            Output::lines(Exit::No, text, Vec::new())
        }
        _ => Output::lines(Exit::Ok, text.join("\n"), json),
    }
}

fn code(row: &Row) -> String {
    if row.code == row.last { row.code.to_string() } else { format!("{}-{}", row.code, row.last) }
}

fn line(table: &Table, row: &Row) -> String {
    let wait = row.verdict.wait().map(|wait| format!(" ({wait})")).unwrap_or_default();
    let most = row.most_attempts.map(|most| format!("; {most} attempts at most")).unwrap_or_default();
    format!(
        "{:<7} {:<9} {:>11}  {:<10} {}{wait}{most}\n{:31}{} [{}; {}]",
        table.platform,
        table.api,
        code(row),
        row.verdict.class(),
        row.verdict.action(),
        "",
        row.meaning,
        row.source,
        row.evidence.as_str(),
    )
}

fn document(table: &Table, row: &Row) -> Value {
    json!({
        "platform": table.platform, "api": table.api, "code": row.code, "last": row.last, "class": row.verdict.class(),
        "action": row.verdict.action(), "wait": row.verdict.wait(), "most_attempts": row.most_attempts,
        "meaning": row.meaning, "source": row.source, "evidence": row.evidence.as_str(),
    })
}
