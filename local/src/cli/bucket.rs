use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use sluice_domain::id::{ExperimentId, TenantId};

/// `bucket`.
#[derive(Debug, Subcommand)]
pub enum Bucket {
    /// Hash one key, or many.
    #[command(
        after_help = "Example: sluice bucket hash --algorithm murmur3-x86-32 --seed 0 --key exp1:p-1 --buckets 10000 --json"
    )]
    Hash(BucketHash),
    /// Show bucket, arm and script of a unit in an experiment.
    #[command(after_help = "Example: sluice bucket assign --experiment greeting --unit p-0011")]
    Assign(BucketAssign),
}

/// `bucket hash`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("hash_input").required(true).args(["key", "keys"]))]
pub struct BucketHash {
    /// The hash.
    #[arg(long, default_value = "murmur3-x86-32")]
    pub algorithm: Algorithm,
    /// Its seed.
    #[arg(long, default_value_t = 0)]
    pub seed: u32,
    /// The key.
    #[arg(long)]
    pub key: Option<String>,
    /// A file of keys, one a line; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Also scale the hash to so many buckets: (hash · N) >> 32.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub buckets: Option<u32>,
}

/// The hashes of `bucket hash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// MurmurHash3, 32 bits, for x86.
    #[value(name = "murmur3-x86-32")]
    Murmur3X86_32,
}

/// `bucket assign`.
#[derive(Debug, Args)]
pub struct BucketAssign {
    /// Whose experiment; default the tenant that has it.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// The experiment.
    #[arg(long)]
    pub experiment: ExperimentId,
    /// The unit: a person's pseudonym.
    #[arg(long)]
    pub unit: String,
}
