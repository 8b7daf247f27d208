//! Destinations: shapes that the platforms ask for.

use sluice_domain::destination::Channel;

use super::{Findings, links};
use crate::file::TenantFile;

/// `WW97398`: the customer-acquisition link as the platform gives it out.
const ACQUISITION: &str = "https://work.weixin.qq.com/ca/";

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    for destination in &tenant.destinations {
        let here = &destination.value;
        let id = &here.id;
        match &here.channel {
            Channel::WecomApp { members, .. } if members.is_empty() => {
                findings.add(
                    destination,
                    "no_member",
                    format!("destination `{id}` needs at least one member"),
                );
            }
            Channel::FeishuApp { receive_id_type, .. } if !is_receive_id_type(receive_id_type) => {
                findings.add(
                    destination,
                    "receive_id_type",
                    format!("destination `{id}`: `receive_id_type` must be open_id, union_id, user_id, email or chat_id"),
                );
            }
            Channel::WecomApp { .. }
            | Channel::FeishuApp { .. }
            | Channel::FeishuBot { .. }
            | Channel::WecomBot { .. }
            | Channel::WechatCustom { .. }
            | Channel::WechatTemplate { .. }
            | Channel::WechatSubscribe { .. }
            | Channel::DouyinMessage { .. }
            | Channel::DouyinComment { .. }
            | Channel::Webhook { .. } => {}
        }
        let Some(link) = &here.acquisition_link else { continue };
        let plain = link.strip_prefix(ACQUISITION).is_some_and(|code| {
            !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        });
        if !plain {
            findings.add(
                destination,
                "acquisition_link",
                format!(
                    "destination `{id}`: `acquisition_link` must be {ACQUISITION} and a code, without a query"
                ),
            );
        } else if !links::allows(tenant, "work.weixin.qq.com") {
            findings.add(
                destination,
                "acquisition_link_not_allowed",
                format!("destination `{id}`: `work.weixin.qq.com` is missing in `links.allowed_domains`"),
            );
        }
    }
}

fn is_receive_id_type(text: &str) -> bool {
    matches!(text, "open_id" | "union_id" | "user_id" | "email" | "chat_id")
}
