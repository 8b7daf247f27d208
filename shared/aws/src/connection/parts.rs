use std::collections::BTreeMap;

use secrecy::SecretString;

use super::{ConnectionError, Patience};

/// The services that Sluice calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Tables.
    DynamoDb,
    /// Queues.
    Sqs,
    /// The key of the tenants' keys.
    Kms,
    /// Configuration and reports.
    S3,
    /// Secrets of the platforms.
    SecretsManager,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::DynamoDb, Self::Sqs, Self::Kms, Self::S3, Self::SecretsManager];

    /// The variable with its endpoint, as every SDK of AWS calls it.
    pub fn variable(self) -> &'static str {
        match self {
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::Sqs => "AWS_ENDPOINT_URL_SQS",
            Self::Kms => "AWS_ENDPOINT_URL_KMS",
            Self::S3 => "AWS_ENDPOINT_URL_S3",
            Self::SecretsManager => "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        }
    }
}

/// What a [`super::Connection`] is made of.
#[derive(Debug, Clone)]
pub struct ConnectionParts {
    /// `cn-north-1`, `us-east-1`, …: the SDK knows the addresses that go with it, `amazonaws.com.cn` included.
    pub region: String,
    /// The access key.
    pub access_key: String,
    /// The secret that goes with it.
    pub secret_key: SecretString,
    /// The token of temporary credentials, as Lambda's are.
    pub session_token: Option<SecretString>,
    /// In place of AWS's own addresses.
    pub endpoint: Option<String>,
    /// In place of `endpoint`, by service.
    pub endpoints: BTreeMap<Service, String>,
    /// Certificate authorities in PEM, in place of the compiled-in ones.
    pub ca_bundle: Option<Vec<u8>>,
    /// Said in the `User-Agent` of every call, as `app/<name>`.
    pub app_name: Option<String>,
    /// How long calls may take.
    pub patience: Patience,
}

impl ConnectionParts {
    /// What reaches one address, for tests and tools.
    pub fn at(
        endpoint: impl Into<String>,
        region: impl Into<String>,
        access_key: impl Into<String>,
        secret_key: impl Into<String>,
    ) -> Self {
        Self {
            region: region.into(),
            access_key: access_key.into(),
            secret_key: SecretString::from(secret_key.into()),
            session_token: None,
            endpoint: Some(endpoint.into()),
            endpoints: BTreeMap::new(),
            ca_bundle: None,
            app_name: None,
            patience: Patience::STEP,
        }
    }

    /// From the variables that Lambda sets, `AWS_ENDPOINT_URL[_<SERVICE>]` and `AWS_CA_BUNDLE`.
    ///
    /// # Errors
    /// [`ConnectionError::Unset`] names everything that is missing; [`ConnectionError::CaBundle`].
    pub fn from_environment() -> Result<Self, ConnectionError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`Self::from_environment`], from what `variable` says.
    ///
    /// # Errors
    /// As there.
    pub fn from_variables(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, ConnectionError> {
        // An empty variable is how a template unsets one.
        let variable = |name: &'static str| variable(name).filter(|value| !value.is_empty());
        let mut missing = Vec::new();
        let mut needed = |name: &'static str| {
            variable(name).unwrap_or_else(|| {
                missing.push(name);
                String::new()
            })
        };
        let region = needed("AWS_REGION");
        let access_key = needed("AWS_ACCESS_KEY_ID");
        let secret_key = SecretString::from(needed("AWS_SECRET_ACCESS_KEY"));
        if !missing.is_empty() {
            return Err(ConnectionError::Unset(missing));
        }
        let of = |service: Service| variable(service.variable()).map(|endpoint| (service, endpoint));
        Ok(Self {
            region,
            access_key,
            secret_key,
            session_token: variable("AWS_SESSION_TOKEN").map(SecretString::from),
            endpoint: variable("AWS_ENDPOINT_URL"),
            endpoints: Service::ALL.into_iter().filter_map(of).collect(),
            ca_bundle: variable("AWS_CA_BUNDLE").map(|path| read_bundle(&path)).transpose()?,
            app_name: variable("AWS_LAMBDA_FUNCTION_NAME"),
            patience: Patience::STEP,
        })
    }

    /// Where a service is called, if not at AWS's own address.
    pub(super) fn endpoint_of(&self, service: Service) -> Option<&str> {
        self.endpoints.get(&service).or(self.endpoint.as_ref()).map(String::as_str)
    }

    pub(super) fn check(&self) -> Result<(), ConnectionError> {
        let general = self.endpoint.iter().map(|endpoint| ("AWS_ENDPOINT_URL", endpoint));
        let special = self.endpoints.iter().map(|(service, endpoint)| (service.variable(), endpoint));
        for (name, endpoint) in general.chain(special) {
            if !may_be_called(endpoint) {
                return Err(ConnectionError::Endpoint(name));
            }
        }
        Ok(())
    }
}

fn read_bundle(path: &str) -> Result<Vec<u8>, ConnectionError> {
    std::fs::read(path)
        .map_err(|cause| ConnectionError::CaBundle(format!("the file can not be read: {}", cause.kind())))
}

/// Signed requests carry pseudonyms and wrapped keys: they leave this machine over TLS only.
fn may_be_called(endpoint: &str) -> bool {
    let (rest, clear) = match (endpoint.strip_prefix("https://"), endpoint.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return false,
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
        return false;
    }
    !clear || is_loopback(authority)
}

fn is_loopback(authority: &str) -> bool {
    use std::net::{IpAddr, SocketAddr};
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let bare = authority.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let host = authority.split_once(':').map_or(authority, |(host, _)| host);
    host == "localhost"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> Result<ConnectionParts, ConnectionError> {
        ConnectionParts::from_variables(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    const NEEDED: [(&str, &str); 3] =
        [("AWS_REGION", "cn-north-1"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "hidden")];

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let missing = of(&[("AWS_ACCESS_KEY_ID", "a"), ("AWS_REGION", "")]).unwrap_err();
        assert_eq!(missing, ConnectionError::Unset(vec!["AWS_REGION", "AWS_SECRET_ACCESS_KEY"]));
        assert!(
            missing.to_string().starts_with("`AWS_REGION`, `AWS_SECRET_ACCESS_KEY` not set"),
            "{missing}"
        );
    }

    #[test]
    fn a_services_own_endpoint_comes_before_the_general_one() {
        let mut set = NEEDED.to_vec();
        set.extend([
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:2"),
        ]);
        let parts = of(&set).unwrap();
        assert_eq!(parts.endpoint_of(Service::Kms), Some("http://127.0.0.1:2"));
        assert_eq!(parts.endpoint_of(Service::Sqs), Some("http://127.0.0.1:1"));
        assert_eq!(of(&NEEDED).unwrap().endpoint_of(Service::Sqs), None);
    }

    #[test]
    fn nothing_secret_is_printed() {
        let mut set = NEEDED.to_vec();
        set.push(("AWS_SESSION_TOKEN", "hidden"));
        let parts = of(&set).unwrap();
        assert!(!format!("{parts:?}").contains("hidden"));
        assert!(!format!("{:?}", super::super::Connection::new(parts).unwrap()).contains("hidden"));
    }

    #[test]
    fn clear_text_goes_to_this_machine_only() {
        for (endpoint, good) in [
            ("https://vpce-1.sqs.cn-north-1.vpce.amazonaws.com.cn", true),
            ("https://sqs.example:8443/", true),
            ("http://127.0.0.1:4566", true),
            ("http://[::1]:4566", true),
            ("http://localhost:4566/", true),
            ("http://sqs.cn-north-1.amazonaws.com.cn", false),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost.example.com:80", false),
            ("http://localhost@example.com", false),
            ("http://10.0.0.1:4566", false),
            ("https://sqs.example/path", false),
            ("https://", false),
            ("sqs.example", false),
        ] {
            let parts = ConnectionParts::at(endpoint, "cn-north-1", "a", "s");
            assert_eq!(parts.check().is_ok(), good, "{endpoint}");
        }
    }

    #[test]
    fn a_bundle_that_is_not_there_is_named() {
        let mut set = NEEDED.to_vec();
        set.push(("AWS_CA_BUNDLE", "/nowhere/bundle.pem"));
        let error = of(&set).unwrap_err().to_string();
        assert!(error.starts_with("`AWS_CA_BUNDLE`: the file can not be read"), "{error}");
    }
}
