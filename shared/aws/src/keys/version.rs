use std::fmt;

/// One row of a tenant in the keys table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// The key of hashes; there is one, for ever.
    Index,
    /// A data key.
    Data(u32),
    /// No key: the tenant's keys were destroyed, and none may be made again.
    Destroyed,
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "index" => Some(Self::Index),
            "destroyed" => Some(Self::Destroyed),
            data => {
                let digits = data.strip_prefix("data-").filter(|digits| digits.len() == 10)?;
                digits
                    .bytes()
                    .all(|digit| digit.is_ascii_digit())
                    .then(|| digits.parse().ok())?
                    .map(Self::Data)
            }
        }
    }
}

/// Ten digits, so that data keys sort by number.
impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index => out.write_str("index"),
            Self::Data(number) => write!(out, "data-{number:010}"),
            Self::Destroyed => out.write_str("destroyed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_they_are_written_and_nothing_else() {
        for version in [Version::Index, Version::Destroyed, Version::Data(1), Version::Data(u32::MAX)] {
            assert_eq!(Version::parse(&version.to_string()), Some(version));
        }
        for text in ["", "data-1", "data-+000000001", "data-9999999999", "Index", "data-00000000010"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert!(Version::Data(9).to_string() < Version::Data(10).to_string());
    }
}
