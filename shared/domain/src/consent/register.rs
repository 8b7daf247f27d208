//! The register of those who receive personal data: what the configuration says of each recipient.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ConsentTerms, Kind, MAINLAND, Method, Receiver, Recipient, Separate, is_sensitive};

/// In which role a recipient handles the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientRole {
    /// A part of the company itself.
    #[default]
    Own,
    /// Somebody who handles it for the company under a contract (受托人, PIPL art. 21): no consent of its own.
    Entrusted,
    /// Another handler, who decides itself what it does (PIPL art. 23): the person must agree apart.
    Handler,
}

/// One recipient. It is also the record of sharing that 网络数据安全管理条例 art. 12 wants kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientEntry {
    /// As forms, routes and destinations name it.
    pub id: Recipient,
    /// Its name.
    pub name: String,
    /// How a person reaches it.
    pub contact: String,
    /// In which role it handles the data.
    #[serde(default)]
    pub role: RecipientRole,
    /// How it handles the data. A consent whose notice did not tell all of it must be asked for again.
    #[serde(default)]
    pub methods: BTreeSet<Method>,
    /// Which kinds of data it handles; likewise.
    #[serde(default)]
    pub kinds: BTreeSet<Kind>,
    /// Where it handles them, as an ISO 3166 code.
    #[serde(default = "mainland")]
    pub region: String,
}

fn mainland() -> String {
    MAINLAND.to_owned()
}

impl RecipientEntry {
    /// What a consent to this recipient must hold, where the gate itself runs in `region`.
    pub fn terms(&self, region: &str) -> ConsentTerms {
        let mut separate = BTreeSet::new();
        if self.role == RecipientRole::Handler {
            separate.insert(Separate::Sharing);
        }
        if self.region != MAINLAND || region != MAINLAND {
            separate.insert(Separate::CrossBorder);
        }
        if self.kinds.iter().any(is_sensitive) {
            separate.insert(Separate::Sensitive);
        }
        ConsentTerms {
            methods: self.methods.clone(),
            kinds: self.kinds.clone(),
            separate,
            channels: BTreeSet::new(),
        }
    }

    /// As a notice names it.
    pub fn receiver(&self) -> Receiver {
        Receiver { name: self.name.clone(), contact: self.contact.clone() }
    }
}

/// A box of a form that the person ticks apart from everything else (单独同意).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeparateBox {
    /// To what they agree by it.
    #[serde(rename = "for")]
    pub about: Separate,
    /// The form's field that holds the tick. Without it, the form can not be sent without agreeing, on a page of its own.
    #[serde(default)]
    pub field: Option<String>,
}

impl SeparateBox {
    /// Is this answer a tick?
    pub fn is_ticked(answer: &str) -> bool {
        let answer = answer.trim().to_lowercase();
        matches!(
            answer.as_str(),
            "是" | "同意" | "我同意" | "已同意" | "已勾选" | "勾选" | "true" | "yes" | "y" | "1" | "on"
        )
    }
}
