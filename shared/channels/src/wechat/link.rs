//! Links into mini-programs: `generate_urllink`, `generatescheme`, `genwxashortlink`.
//!
//! A link binds to the first person who opens it and every call mints one (500 000 a day at least): they are made when somebody
//! clicks, never in advance, and never for two.

use serde_json::{Value, json};

use crate::call::Payload;
use crate::refusal::Refusal;

/// `query`, `page_url`: "at most 1024".
const QUERY_LIMIT: usize = 1_024;
/// `page_title`: at most 20 characters.
const TITLE_LIMIT: usize = 20;
/// "At most 30 days".
const DAYS_LIMIT: u32 = 30;

/// Which kind of link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MiniProgramLink {
    /// `https://wxaurl.cn/…`, which opens from outside WeChat.
    Url {
        /// The page, without a query; empty for the first page.
        path: String,
        /// The query.
        query: String,
        /// How many days it holds, 1 to 30.
        days: u32,
    },
    /// `weixin://dl/business/?t=…`.
    Scheme {
        /// The page, without a query.
        path: String,
        /// The query.
        query: String,
        /// How many days it holds, 1 to 30.
        days: u32,
    },
    /// `#小程序://…`, which opens inside WeChat only.
    Short {
        /// The page with its query.
        page: String,
        /// Its title.
        title: String,
    },
}

impl MiniProgramLink {
    /// The API below `/wxa/`.
    pub(crate) fn api(&self) -> &'static str {
        match self {
            Self::Url { .. } => "generate_urllink",
            Self::Scheme { .. } => "generatescheme",
            Self::Short { .. } => "genwxashortlink",
        }
    }

    /// The body.
    pub(crate) fn payload(&self) -> Result<Payload, Refusal> {
        let body = match self {
            Self::Url { path, query, days } => {
                bounded(query.len() <= QUERY_LIMIT && (1..=DAYS_LIMIT).contains(days))?;
                json!({ "path": path, "query": query, "expire_type": 1, "expire_interval": days, "env_version": "release" })
            }
            Self::Scheme { path, query, days } => {
                bounded(query.len() <= QUERY_LIMIT && (1..=DAYS_LIMIT).contains(days))?;
                let program = json!({ "path": path, "query": query, "env_version": "release" });
                json!({ "jump_wxa": program, "is_expire": true, "expire_type": 1, "expire_interval": days })
            }
            Self::Short { page, title } => {
                bounded(page.len() <= QUERY_LIMIT && title.chars().count() <= TITLE_LIMIT)?;
                json!({ "page_url": page, "page_title": title, "is_permanent": false })
            }
        };
        Payload::json(&body, usize::MAX)
    }

    /// The link in an answer.
    pub(crate) fn in_answer<'a>(&self, body: &'a Value) -> Option<&'a str> {
        let field = match self {
            Self::Url { .. } => "url_link",
            Self::Scheme { .. } => "openlink",
            Self::Short { .. } => "link",
        };
        body.get(field)?.as_str().filter(|link| !link.is_empty())
    }
}

fn bounded(fits: bool) -> Result<(), Refusal> {
    if fits { Ok(()) } else { Err(Refusal::content("link_out_of_bounds")) }
}
