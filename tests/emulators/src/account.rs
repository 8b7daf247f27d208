use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// An account of its own: what one test makes, no other test sees.
///
/// ministack takes an access key of twelve digits for the number of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    number: String,
}

impl Account {
    /// One that nobody has had before.
    pub fn fresh() -> Self {
        // Seeded by the system anew in every process; the count inside `RandomState` tells calls apart.
        let random = RandomState::new().build_hasher().finish() % 900_000_000_000;
        Self { number: (100_000_000_000 + random).to_string() }
    }

    /// Its twelve digits, which are its access key too.
    pub fn number(&self) -> &str {
        &self.number
    }
}

/// Where to call, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://127.0.0.1:<port>`, no slash at the end.
    pub url: String,
    /// The region to sign for.
    pub region: String,
    /// The access key.
    pub access_key: String,
    /// The secret that goes with it; no emulator looks at it.
    pub secret_key: String,
}

impl Endpoint {
    /// The region of every emulator.
    pub const REGION: &'static str = "us-east-1";

    pub(crate) fn of(url: &str, account: &Account) -> Self {
        Self {
            url: url.to_owned(),
            region: Self::REGION.to_owned(),
            access_key: account.number.clone(),
            secret_key: "local".to_owned(),
        }
    }

    /// As the variables that a Lambda function or an AWS tool reads.
    pub fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_ACCESS_KEY_ID", self.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_key.clone()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_another_one_of_twelve_digits() {
        let numbers: std::collections::HashSet<_> = (0..1_000).map(|_| Account::fresh().number).collect();
        assert_eq!(numbers.len(), 1_000);
        for number in numbers {
            assert!(number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit()), "{number}");
        }
    }
}
