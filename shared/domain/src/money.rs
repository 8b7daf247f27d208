//! Money is integer fen. Never a float.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in fen (1/100 yuan), as every Douyin order API states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(pub i64);

impl Fen {
    /// The amount in yuan, exact.
    pub fn to_yuan(self) -> rust_decimal::Decimal {
        rust_decimal::Decimal::new(self.0, 2)
    }
}

/// `¥29.90`.
impl fmt::Display for Fen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "¥{}", self.to_yuan())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fen_print_as_yuan_with_two_decimals() {
        assert_eq!(Fen(2_990).to_string(), "¥29.90");
        assert_eq!(Fen(-5).to_string(), "¥-0.05");
        assert_eq!(Fen(i64::MAX).to_string(), "¥92233720368547758.07");
    }
}
