//! The tables of `DynamoDB`, against the engines that stand in for it.

mod budget;
mod conformance;
mod endpoints;
mod faults;
mod items;
mod support;
mod template;
mod with_sqs;
