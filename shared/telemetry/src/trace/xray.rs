//! The header `X-Amzn-Trace-Id`, which X-Ray, API Gateway, Lambda and SQS (`AWSTraceHeader`) hand along.

use std::fmt;
use std::str::FromStr;

/// More bytes than any genuine header has. SQS and Lambda carry it beside a message's own size.
const LONGEST: usize = 512;

/// X-Ray's trace header, reduced to the fields that X-Ray itself defines: `Root`, `Parent`, `Sampled`, `Lineage`.
///
/// A caller may add fields of its own; they are dropped, for they may hold anything, a person's data included.
///
/// ```
/// use sluice_telemetry::trace::XRayHeader;
///
/// let kept: XRayHeader = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;Caller=somebody".parse()?;
/// assert_eq!(kept.as_str(), "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
/// # Ok::<(), sluice_telemetry::trace::XRayError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XRayHeader(String);

/// Why a text is no X-Ray trace header. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XRayError {
    /// Longer than any genuine one.
    #[error("X-Ray trace header must have at most {LONGEST} bytes, got {0}")]
    TooLong(usize),
    /// `Root` is missing or is not `1-`, 8, `-`, 24 hexadecimal digits.
    #[error("X-Ray trace header must have a `Root` of `1-`, 8, `-`, 24 hexadecimal digits")]
    Root,
    /// Another field of X-Ray's has a value that X-Ray does not write.
    #[error("X-Ray trace header has an impossible `{0}`")]
    Field(&'static str),
}

impl XRayHeader {
    /// The header's text, in the order Root, Parent, Sampled, Lineage.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The trace's id alone, as the X-Ray console searches for it: `1-5759e988-…`.
    pub fn root(&self) -> &str {
        let root = self.0.split(';').next().unwrap_or_default();
        root.strip_prefix("Root=").unwrap_or(root)
    }
}

impl fmt::Display for XRayHeader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for XRayHeader {
    type Err = XRayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(XRayError::TooLong(text.len()));
        }
        let field =
            |name: &str| text.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        let root = field("Root").filter(|root| is_root(root)).ok_or(XRayError::Root)?;
        let mut kept = format!("Root={root}");
        for name in ["Parent", "Sampled", "Lineage"] {
            match field(name) {
                None => {}
                Some(value) if is_genuine(name, value) => {
                    for part in [";", name, "=", value] {
                        kept.push_str(part);
                    }
                }
                Some(_) => return Err(XRayError::Field(name)),
            }
        }
        Ok(Self(kept))
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_root(value: &str) -> bool {
    let mut parts = value.split('-');
    parts.next() == Some("1")
        && parts.next().is_some_and(|time| is_hex(time, 8))
        && parts.next().is_some_and(|id| is_hex(id, 24))
        && parts.next().is_none()
}

fn is_genuine(name: &str, value: &str) -> bool {
    match name {
        "Parent" => is_hex(value, 16),
        "Sampled" => matches!(value, "0" | "1" | "?"),
        _ => is_lineage(value),
    }
}

/// `32767:e65a2c4d:255`, several joined by `|`: loop detection of Lambda.
fn is_lineage(value: &str) -> bool {
    (1..=255).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'|'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(text: &str) -> Result<String, XRayError> {
        text.parse::<XRayHeader>().map(|header| header.to_string())
    }

    #[test]
    fn keeps_the_documented_headers() {
        // X-Ray developer guide, "Tracing header"; Lambda developer guide, `_X_AMZN_TRACE_ID`.
        for header in [
            "Root=1-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=?;Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2",
        ] {
            assert_eq!(kept(header), Ok(header.to_owned()));
        }
    }

    #[test]
    fn drops_what_is_not_x_rays_and_orders_the_rest() {
        assert_eq!(
            kept(
                "Self=1-67891234-12456789abcdef012345678;Sampled=0; Root=1-5759e988-bd862e3fe1be46a994272793;Phone=13800138000"
            ),
            Ok("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0".to_owned())
        );
    }

    #[test]
    fn refuses_what_x_ray_never_writes() {
        for (text, error) in [
            ("", XRayError::Root),
            ("Root=2-5759e988-bd862e3fe1be46a994272793", XRayError::Root),
            ("Root=1-5759e988-bd862e3fe1be46a99427279", XRayError::Root),
            ("Root=1-5759e988-bd862e3fe1be46a994272793-1", XRayError::Root),
            ("Sampled=1", XRayError::Root),
            ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=13800138000", XRayError::Field("Parent")),
            ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=yes", XRayError::Field("Sampled")),
            ("Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=x y", XRayError::Field("Lineage")),
        ] {
            assert_eq!(kept(text), Err(error), "{text}");
        }
        assert_eq!(kept(&"x".repeat(513)), Err(XRayError::TooLong(513)));
    }

    #[test]
    fn the_root_alone_is_what_the_console_searches() {
        let header: XRayHeader = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".parse().unwrap();
        assert_eq!(header.root(), "1-5759e988-bd862e3fe1be46a994272793");
    }

    proptest! {
        #[test]
        fn what_is_kept_is_kept_again(text in "(Root=1-[0-9a-f]{8}-[0-9a-f]{24}|;|Sampled=[01?]|Parent=[0-9a-f]{16}|\\PC{0,9}){0,6}") {
            if let Ok(header) = kept(&text) {
                prop_assert_eq!(kept(&header), Ok(header));
            }
        }
    }
}
