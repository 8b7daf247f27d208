//! The handler, over the embedded store and the shipped configuration.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod consents;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod effects;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod reviews;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod shipped_rules;
#[cfg(test)]
mod subscriptions;
