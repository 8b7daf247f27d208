//! SQS, against ministack.

mod faults;
mod inbox;
mod letters;
mod putting_back;
mod sending;
mod support;
mod traces;
