//! AWS on loopback: the emulators, a proxy that counts and breaks calls, and the bundle deployed to them.

pub mod proxy;
