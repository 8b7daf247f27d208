//! Key ring, secrets, reports, digests and settings against emulated AWS: KMS cryptography on moto, the states of keys, Secrets
//! Manager and S3 on ministack, the keys table on dynoxide; every call goes through the recording proxy.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can not go on has failed")]

mod head_signer;
mod images;
mod lexicons;
mod operator;
mod reports;
mod ring;
mod secrets;
mod settings;
mod states;
mod support;
