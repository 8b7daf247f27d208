//! Rules: a versioned YAML pack of ordered rules with reason codes and legal basis.

/// A compiled rule pack.
#[derive(Debug, Clone)]
pub struct RulePack {}
