//! 抖音: what its APIs answer.

pub(crate) mod errors;

#[cfg(test)]
pub(crate) use errors::TABLES;
