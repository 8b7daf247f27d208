//! The handler, over the embedded store.

#[cfg(test)]
mod arbitrary_input;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod links;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod welcome;
