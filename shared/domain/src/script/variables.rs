use std::collections::BTreeMap;

use serde::Serialize;

/// What a script may name.
#[derive(Clone, Serialize)]
pub struct Variables {
    /// The company's name: the sender must be stated (广告法 art. 43).
    pub tenant: String,
    /// What the person did, in Chinese: `提交表单`.
    pub event: String,
    /// The person's name, masked unless the decision allows it plainly; `未提供` when unknown.
    pub name: String,
    /// The person's phone number, likewise.
    pub phone: String,
    /// Other values of the form, by label, likewise.
    pub form: BTreeMap<String, String>,
    /// When the callback arrived, in China Standard Time: `2026-11-21 14:05`.
    pub received_at: String,
    /// The arm of the experiment; empty outside any.
    pub variant: String,
    /// The customer-acquisition link with its channel; empty when the destination has none.
    pub acquisition_link: String,
}

/// Values are personal.
impl std::fmt::Debug for Variables {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Variables").field("tenant", &self.tenant).field("event", &self.event).finish_non_exhaustive()
    }
}

impl Variables {
    /// What is shown for a value that the person did not give.
    pub const NOT_GIVEN: &'static str = "未提供";

    /// Made-up values, for checks and previews.
    pub fn example() -> Self {
        Self {
            tenant: "示例品牌".into(),
            event: "提交表单".into(),
            name: "张*".into(),
            phone: "138****8000".into(),
            form: BTreeMap::from([("城市".into(), "北京市".into())]),
            received_at: "2026-11-21 14:05".into(),
            variant: "plain".into(),
            acquisition_link: "https://work.weixin.qq.com/ca/example?customer_channel=v1.example".into(),
        }
    }
}
