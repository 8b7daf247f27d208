//! 生活服务 SPI: what Douyin asks for differs by set-up, so the source's configuration says what a call means.

use super::{EventKind, Facts, Found};
use crate::scheme::Received;

/// The name is the `action` or `method` parameter, which is signed; a source maps it in `events`.
pub(super) fn read(received: &Received<'_>) -> Found {
    let parameter = |name| received.find_query(name).ok().flatten().filter(|value| !value.is_empty());
    let name = parameter("action").or_else(|| parameter("method")).unwrap_or("spi");
    let mut facts = Facts::new(EventKind::Unhandled, name);
    facts.account = parameter("account_id").map(str::to_owned);
    Found::one(facts)
}
