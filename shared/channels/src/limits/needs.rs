//! Which limits a send has. The platforms' numbers: [`sluice_domain::limit`].

use sluice_domain::destination::Channel;
use sluice_domain::id::TenantId;
use sluice_domain::limit::{LimitName, LimitOverrides};

use super::Need;
use super::cap::Cap;
use crate::shared::state_key;

/// The permits that one message needs, those of seconds first: who waits for one must not hold another that runs out.
pub(crate) fn of(
    tenant: &TenantId,
    channel: &Channel,
    recipient: Option<&str>,
    overrides: &LimitOverrides,
) -> Vec<Need> {
    let need = |name: LimitName, parts: &[&str]| need(tenant, overrides, name, parts);
    match channel {
        Channel::FeishuBot { hook, .. } => vec![need(LimitName::FeishuBot, &[hook])],
        Channel::FeishuApp { app_id, secret: _, receive_id_type, receive_id } => {
            let receiver = recipient.filter(|_| receive_id.starts_with("form.")).unwrap_or(receive_id);
            vec![
                need(LimitName::FeishuReceiver, &[receive_id_type, receiver]),
                need(LimitName::FeishuApi, &[app_id, "im/v1/messages"]),
            ]
        }
        Channel::WecomBot { key } => {
            vec![need(LimitName::WecomBot, &[key]), need(LimitName::WecomEgress, &["webhook/send"])]
        }
        Channel::WecomApp { corp_id, agent_id, secret: _, members } => {
            let agent = agent_id.to_string();
            let mut members: Vec<String> = members.iter().map(|member| member.to_lowercase()).collect();
            members.sort_unstable();
            members.dedup();
            let member = |name: &String| need(LimitName::WecomMember, &[corp_id, &agent, name]);
            let mut needs: Vec<Need> = members.iter().map(member).collect();
            needs.push(need(LimitName::WecomEgress, &["message/send"]));
            needs
        }
        // No limit by time is documented: a person's action or consent opens so many messages (45015, 45047, 43101). Webhooks say it
        // by themselves (429, `Retry-After`).
        Channel::WechatCustom { .. }
        | Channel::WechatTemplate { .. }
        | Channel::WechatSubscribe { .. }
        | Channel::DouyinMessage { .. }
        | Channel::DouyinComment { .. }
        | Channel::Webhook { .. } => Vec::new(),
    }
}

/// The permits that a call of WeCom's customer contact, or of its uploads, needs.
pub(crate) fn of_contact(tenant: &TenantId, corp_id: &str, api: &str) -> Vec<Need> {
    let none = LimitOverrides::new();
    vec![
        need(tenant, &none, LimitName::WecomCorp, &[corp_id, api]),
        need(tenant, &none, LimitName::WecomEgress, &[api]),
    ]
}

/// The permit that a call of one API of a Feishu application needs.
pub(crate) fn of_feishu_api(tenant: &TenantId, app_id: &str, api: &str) -> Need {
    need(tenant, &LimitOverrides::new(), LimitName::FeishuApi, &[app_id, api])
}

fn need(tenant: &TenantId, overrides: &LimitOverrides, name: LimitName, parts: &[&str]) -> Need {
    let limit = name.limit();
    let whose = (!limit.shared).then_some(tenant);
    let mut named = vec![name.as_str()];
    named.extend(parts);
    Need {
        name,
        key: state_key(whose, "limit", &named),
        cap: Cap::of(name, overrides),
        tenant: if limit.shared { tenant.to_string() } else { String::new() },
    }
}
