//! How fast a platform may be called: its documented limits as data, and a company's own in place of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// At most so many in any span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// So many.
    pub most: u32,
    /// In so many seconds.
    pub seconds: u32,
}

/// A company's limits in place of the platforms'.
pub type LimitOverrides = BTreeMap<LimitName, Vec<Span>>;

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    /// One custom bot of Feishu.
    FeishuBot,
    /// One API of one Feishu application.
    FeishuApi,
    /// One person or group that Feishu applications write to, whichever of them does.
    FeishuReceiver,
    /// One group bot of WeCom.
    WecomBot,
    /// One API of one WeCom corporation.
    WecomCorp,
    /// One WeCom API, from one address of ours: all companies together.
    WecomEgress,
    /// One member that a WeCom application writes to.
    WecomMember,
}

/// A limit and where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Its name.
    pub name: LimitName,
    /// What is counted together.
    pub per: &'static str,
    /// How many, in which spans: all of them hold.
    pub spans: &'static [Span],
    /// What is beyond is dropped without a word: never to be tried out, so a company can only make it stricter.
    pub silent: bool,
    /// Companies share it.
    pub shared: bool,
    /// The platform's document.
    pub source: &'static str,
}

const fn span(most: u32, seconds: u32) -> Span {
    Span { most, seconds }
}

impl LimitName {
    /// Every limit.
    pub const ALL: [Self; 7] = [
        Self::FeishuBot,
        Self::FeishuApi,
        Self::FeishuReceiver,
        Self::WecomBot,
        Self::WecomCorp,
        Self::WecomEgress,
        Self::WecomMember,
    ];

    /// As the configuration names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FeishuBot => "feishu_bot",
            Self::FeishuApi => "feishu_api",
            Self::FeishuReceiver => "feishu_receiver",
            Self::WecomBot => "wecom_bot",
            Self::WecomCorp => "wecom_corp",
            Self::WecomEgress => "wecom_egress",
            Self::WecomMember => "wecom_member",
        }
    }

    /// What the platform says. All are documented by the platforms; how WeCom counts a minute (fixed or sliding) is not, so every
    /// span is taken as a sliding one, which keeps within both.
    pub const fn limit(self) -> Limit {
        let (per, spans, source): (_, &'static [Span], _) = match self {
            Self::FeishuBot => {
                ("bot", const { &[span(5, 1), span(100, 60)] }, "Feishu, 自定义机器人使用指南 and 频控策略")
            }
            Self::FeishuApi => (
                "tenant, application, API",
                const { &[span(50, 1), span(1_000, 60)] },
                "Feishu, im/v1/messages create",
            ),
            Self::FeishuReceiver => {
                ("person or group", const { &[span(5, 1)] }, "Feishu, im/v1/messages create")
            }
            Self::WecomBot => ("bot", const { &[span(20, 60)] }, "WeCom path/99110"),
            Self::WecomCorp => {
                ("corporation, API", const { &[span(10_000, 60), span(150_000, 3_600)] }, "WeCom path/90454")
            }
            Self::WecomEgress => (
                "egress address, API",
                const { &[span(20_000, 60), span(600_000, 3_600)] },
                "WeCom path/90454",
            ),
            Self::WecomMember => {
                ("application, member", const { &[span(30, 60), span(1_000, 3_600)] }, "WeCom path/90236")
            }
        };
        let silent = matches!(self, Self::WecomMember);
        let shared = matches!(self, Self::WecomEgress);
        Limit { name: self, per, spans, silent, shared, source }
    }

    /// The spans that hold: the company's, if it has any for this limit, else the platform's.
    pub fn spans(self, overrides: &LimitOverrides) -> Vec<Span> {
        overrides
            .get(&self)
            .filter(|own| !own.is_empty())
            .map_or_else(|| self.limit().spans.to_vec(), Clone::clone)
    }

    /// Why a company's own spans can not be taken, in words.
    ///
    /// # Errors
    /// A span of nothing; more than a day; a silent limit that would be laxer than the platform's.
    pub fn check(self, own: &[Span]) -> Result<(), String> {
        let name = self.as_str();
        if own.is_empty() || own.iter().any(|span| span.most == 0 || !(1..=86_400).contains(&span.seconds)) {
            return Err(format!("limit `{name}` needs spans of at least 1 in 1 to 86400 seconds"));
        }
        let kept =
            |theirs: &Span| own.iter().any(|span| span.most <= theirs.most && span.seconds >= theirs.seconds);
        if self.limit().silent && !self.limit().spans.iter().all(kept) {
            return Err(format!(
                "limit `{name}` may only be made stricter: the platform drops what is beyond without telling"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_configuration() {
        for name in LimitName::ALL {
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{}\"", name.as_str()));
            assert_eq!(name.limit().name, name);
            assert!(name.limit().spans.iter().all(|span| span.most > 0 && span.seconds > 0));
        }
    }

    #[test]
    fn what_is_dropped_in_silence_can_only_be_made_stricter() {
        let member = LimitName::WecomMember;
        assert_eq!(member.check(&[span(20, 60), span(500, 3_600)]), Ok(()));
        assert_eq!(member.check(&[span(30, 3_600)]), Ok(()), "stricter than both");
        for lax in [
            vec![span(31, 60), span(1_000, 3_600)],
            vec![span(30, 60)],
            vec![span(30, 59), span(1_000, 3_600)],
        ] {
            assert!(member.check(&lax).is_err(), "{lax:?}");
        }
        assert_eq!(LimitName::WecomBot.check(&[span(100, 60)]), Ok(()), "a platform may grant more");
        assert!(LimitName::WecomBot.check(&[]).is_err());
        assert!(LimitName::WecomBot.check(&[span(0, 60)]).is_err());
    }
}
