//! The tables of `DynamoDB`, against the engines that stand in for it.

mod conformance;
mod support;
