//! Where a bucket and a key are.

use std::fmt::Write as _;

/// How buckets are addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Addresses {
    /// AWS: a name for each bucket, `https://bucket.s3.region.amazonaws.com`.
    Aws { region: String },
    /// Elsewhere there is no name for each bucket: it is the first part of the path.
    At(String),
}

impl Addresses {
    pub(super) fn of(region: &str, endpoint: Option<&str>) -> Self {
        match endpoint {
            Some(endpoint) => Self::At(endpoint.trim_end_matches('/').to_owned()),
            None => Self::Aws { region: region.to_owned() },
        }
    }

    /// The address of a key with a query; every byte that is none of RFC 3986's unreserved is encoded, as the signature wants it.
    pub(super) fn of_key(&self, bucket: &str, key: &str, query: &[(&str, &str)]) -> String {
        let mut address = match self {
            Self::Aws { region } => {
                let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                // A certificate for `*.s3…` covers no name with a dot before it.
                if bucket.contains('.') {
                    format!("https://s3.{region}.{suffix}/{bucket}/")
                } else {
                    format!("https://{bucket}.s3.{region}.{suffix}/")
                }
            }
            Self::At(endpoint) => format!("{endpoint}/{bucket}/"),
        };
        encode(key, "/", &mut address);
        for (place, (name, value)) in query.iter().enumerate() {
            address.push(if place == 0 { '?' } else { '&' });
            encode(name, "", &mut address);
            address.push('=');
            encode(value, "", &mut address);
        }
        address
    }
}

fn encode(text: &str, also: &str, out: &mut String) {
    for byte in text.bytes() {
        let plain = char::from(byte);
        if plain.is_ascii_alphanumeric()
            || "-._~".contains(plain)
            || (byte.is_ascii() && also.contains(plain))
        {
            out.push(plain);
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_a_name_at_aws_and_a_path_elsewhere() {
        for (region, endpoint, bucket, expected) in [
            ("eu-west-1", None, "b", "https://b.s3.eu-west-1.amazonaws.com/k"),
            ("cn-north-1", None, "b", "https://b.s3.cn-north-1.amazonaws.com.cn/k"),
            ("eu-west-1", None, "b.c", "https://s3.eu-west-1.amazonaws.com/b.c/k"),
            ("eu-west-1", Some("http://127.0.0.1:1/"), "b", "http://127.0.0.1:1/b/k"),
        ] {
            assert_eq!(Addresses::of(region, endpoint).of_key(bucket, "k", &[]), expected);
        }
    }

    #[test]
    fn keys_and_values_are_encoded_once() {
        let addresses = Addresses::At("http://h".into());
        assert_eq!(
            addresses.of_key("b", "a%2Fb/一 +.json", &[("versions", ""), ("prefix", "a/%=&")]),
            "http://h/b/a%252Fb/%E4%B8%80%20%2B.json?versions=&prefix=a%2F%25%3D%26"
        );
    }
}
