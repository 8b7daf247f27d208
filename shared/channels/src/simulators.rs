//! Where the platforms are: at their own addresses, or, for tests, at simulators on this machine.

use sluice_domain::failure::FailureKind;

use crate::Endpoints;

/// Names simulators: `feishu=http://127.0.0.1:1,wecom=http://127.0.0.1:2,wechat=http://127.0.0.1:3`. All three, on this machine only:
/// a deployed function with it sends nothing anywhere.
pub const VARIABLE: &str = "SLUICE_CHANNEL_ENDPOINTS";

/// The variable does not name three simulators of this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{VARIABLE}` must be `feishu=<address>,wecom=<address>,wechat=<address>` with addresses http://127.0.0.1:<port>; it is for tests: unset it elsewhere"
)]
pub struct NoSimulators;

impl NoSimulators {
    /// A person must mend the set-up.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

/// The platforms' own addresses, or the simulators that the variable names.
///
/// # Errors
/// [`NoSimulators`].
pub fn endpoints(variable: Option<&str>) -> Result<Endpoints, NoSimulators> {
    let Some(text) = variable.filter(|text| !text.is_empty()) else { return Ok(Endpoints::default()) };
    let address = |platform: &str| {
        let named = |part: &str| part.trim().strip_prefix(platform)?.strip_prefix('=').map(str::to_owned);
        // In the clear `Endpoints` takes only this machine's addresses, so these are.
        text.split(',').find_map(named).filter(|address| address.starts_with("http://")).ok_or(NoSimulators)
    };
    Endpoints::new(address("feishu")?, address("wecom")?, address("wechat")?).map_err(|_| NoSimulators)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_simulators_of_this_machine_can_be_named() {
        let good = "feishu=http://127.0.0.1:1,wecom=http://127.0.0.1:2, wechat=http://127.0.0.1:3";
        let found = endpoints(Some(good)).unwrap();
        assert_eq!((found.feishu(), found.wechat()), ("http://127.0.0.1:1", "http://127.0.0.1:3"));
        for unset in [None, Some("")] {
            assert_eq!(endpoints(unset).unwrap().feishu(), Endpoints::default().feishu());
        }
        for bad in [
            "feishu=http://127.0.0.1:1",
            &good.replace("http://127.0.0.1:2", "https://qyapi.weixin.qq.com"),
            &good.replace("127.0.0.1:2", "10.0.0.1:2"),
            "x",
        ] {
            assert_eq!(endpoints(Some(bad)).unwrap_err(), NoSimulators, "{bad}");
        }
    }
}
