//! Where the censors are: at Douyin's own addresses, or, for tests, at simulators on this machine.

use sluice_domain::failure::FailureKind;

/// Names simulators: `douyin=http://127.0.0.1:1,toutiao=http://127.0.0.1:2`. Both, on this machine only: a deployed function with it asks nobody.
pub const VARIABLE: &str = "SLUICE_CENSOR_ENDPOINTS";

/// The base addresses, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    douyin: String,
    toutiao: String,
}

/// A base address that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the base address of `{0}` must be https (or http to a loopback address), without a path")]
pub struct InvalidEndpoint(&'static str);

impl InvalidEndpoint {
    /// A person must mend the set-up.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

/// The variable does not name two simulators of this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{VARIABLE}` must be `douyin=<address>,toutiao=<address>` with addresses http://127.0.0.1:<port>; it is for tests: unset it elsewhere"
)]
pub struct NoSimulators;

impl NoSimulators {
    /// A person must mend the set-up.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            douyin: "https://open.douyin.com".to_owned(),
            toutiao: "https://developer.toutiao.com".to_owned(),
        }
    }
}

impl Endpoints {
    /// Other hosts: simulators on this machine.
    ///
    /// # Errors
    /// [`InvalidEndpoint`] for anything but `https://host[:port]`, or `http://` to a loopback address: bodies carry texts and credentials.
    pub fn new(douyin: &str, toutiao: &str) -> Result<Self, InvalidEndpoint> {
        Ok(Self { douyin: base("douyin", douyin)?, toutiao: base("toutiao", toutiao)? })
    }

    /// The platform's own addresses, or the simulators that [`VARIABLE`] names.
    ///
    /// # Errors
    /// [`NoSimulators`].
    pub fn of(variable: Option<&str>) -> Result<Self, NoSimulators> {
        let Some(text) = variable.filter(|text| !text.is_empty()) else { return Ok(Self::default()) };
        let address = |name: &str| {
            let named = |part: &'_ str| part.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
            // In the clear `new` takes only this machine's addresses, so these are.
            text.split(',')
                .find_map(named)
                .filter(|address| address.starts_with("http://"))
                .ok_or(NoSimulators)
        };
        Self::new(&address("douyin")?, &address("toutiao")?).map_err(|_| NoSimulators)
    }

    /// The open platform's.
    pub fn douyin(&self) -> &str {
        &self.douyin
    }

    /// The mini-app's.
    pub fn toutiao(&self) -> &str {
        &self.toutiao
    }
}

fn base(name: &'static str, address: &str) -> Result<String, InvalidEndpoint> {
    let address = address.strip_suffix('/').unwrap_or(address);
    let invalid = InvalidEndpoint(name);
    let Ok(uri) = address.parse::<http::Uri>() else { return Err(invalid) };
    let bare = uri.path() == "/" && uri.query().is_none() && !address.ends_with('/');
    let host = uri.host().unwrap_or_default();
    let loopback = || {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
    };
    let allowed = match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => loopback(),
        _ => false,
    };
    if bare && allowed { Ok(address.to_owned()) } else { Err(invalid) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_goes_to_this_machine_only() {
        for (address, good) in [
            ("https://open.douyin.com", true),
            ("https://open.douyin.com/", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://open.douyin.com", false),
            ("http://127.0.0.1.example.com", false),
            ("https://open.douyin.com/api", false),
            ("open.douyin.com", false),
            ("", false),
        ] {
            assert_eq!(Endpoints::new(address, "https://developer.toutiao.com").is_ok(), good, "{address}");
        }
    }

    #[test]
    fn only_simulators_of_this_machine_can_be_named() {
        let good = "douyin=http://127.0.0.1:1, toutiao=http://127.0.0.1:2";
        let endpoints = Endpoints::of(Some(good)).unwrap();
        assert_eq!((endpoints.douyin(), endpoints.toutiao()), ("http://127.0.0.1:1", "http://127.0.0.1:2"));
        for unset in [None, Some("")] {
            assert_eq!(Endpoints::of(unset).unwrap(), Endpoints::default());
        }
        for bad in ["douyin=http://127.0.0.1:1", "douyin=https://a.cn,toutiao=https://b.cn", "x"] {
            assert_eq!(Endpoints::of(Some(bad)).unwrap_err(), NoSimulators, "{bad}");
        }
    }
}
