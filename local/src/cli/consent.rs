use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use sluice_domain::consent::Separate;
use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::time::BusinessDay;

/// `consent`.
#[derive(Debug, Subcommand)]
pub enum Consent {
    /// Record a consent that was given elsewhere.
    #[command(
        after_help = "Example: sluice consent grant --tenant demo-brand --open-id aaa-1 --purpose sales_contact --recipient wecom_sales --text-version 1 --text-file consent.txt --note 'paper form 17'"
    )]
    Grant {
        /// Who and what.
        #[command(flatten)]
        who: Person,
        /// For what.
        #[arg(long)]
        purpose: String,
        /// To whom.
        #[arg(long)]
        recipient: String,
        /// The version of the text that was shown.
        #[arg(long)]
        text_version: String,
        /// The text that was shown.
        #[arg(long, value_name = "FILE")]
        text_file: PathBuf,
        /// What proves it.
        #[arg(long)]
        note: String,
        /// For how many days; without it, until withdrawn.
        #[arg(long)]
        valid_days: Option<u32>,
        /// What the person agreed to apart; repeat it.
        #[arg(long, value_name = "WHAT")]
        separate: Vec<SeparateName>,
    },
    /// Withdraw all consents of a person, or one.
    #[command(
        after_help = "Example: sluice consent withdraw --tenant demo-brand --open-id aaa-1 --note 'asked by phone'"
    )]
    Withdraw {
        /// Who.
        #[command(flatten)]
        who: Person,
        /// Only for this purpose (with --recipient).
        #[arg(long, requires = "recipient")]
        purpose: Option<String>,
        /// Only towards this recipient (with --purpose).
        #[arg(long, requires = "purpose")]
        recipient: Option<String>,
        /// What proves it.
        #[arg(long)]
        note: String,
    },
    /// Erase a person: destroy what is known of them, put away what law says to keep. It can not be undone.
    #[command(
        after_help = "Example: sluice consent erase --tenant demo-brand --open-id aaa-1 --report erasure.json"
    )]
    Erase {
        /// Who.
        #[command(flatten)]
        who: Person,
        /// Write the report here: what was destroyed, what is kept and why. It names nobody.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Erase the people of a day whose events say so (`erase_on` in the configuration), unless they agreed anew since. The night does it, too.
    #[command(after_help = "Example: sluice consent erase-due --tenant demo-brand --day 2026-11-20")]
    EraseDue {
        /// Whose customers.
        #[arg(long)]
        tenant: TenantId,
        /// The day of the events, in China Standard Time; default yesterday.
        #[arg(long)]
        day: Option<BusinessDay>,
    },
    /// Export a signed receipt of a person's consents, in the shape of ISO/IEC TS 27560; or verify one.
    #[command(
        subcommand_negates_reqs = true,
        args_conflicts_with_subcommands = true,
        after_help = "Example: sluice consent receipt --tenant demo-brand --open-id aaa-1 --out receipt.json"
    )]
    Receipt {
        /// Instead: verify one.
        #[command(subcommand)]
        action: Option<ReceiptAction>,
        /// Whose customer.
        #[arg(long, required = true)]
        tenant: Option<TenantId>,
        /// The platform's open id.
        #[arg(long, required_unless_present = "person_id", conflicts_with = "person_id")]
        open_id: Option<String>,
        /// The pseudonym, `p-…`, or the reference of an erased person.
        #[arg(long = "person")]
        person_id: Option<PersonId>,
        /// Write it here.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show the consents of a person.
    #[command(after_help = "Example: sluice consent show --tenant demo-brand --open-id aaa-1")]
    Show {
        /// Who.
        #[command(flatten)]
        who: Person,
    },
}

/// `consent receipt …`.
#[derive(Debug, Subcommand)]
pub enum ReceiptAction {
    /// Say whether a receipt is genuine and unchanged.
    #[command(after_help = "Example: sluice consent receipt verify receipt.json --public-key audit.pem")]
    Verify {
        /// The receipt.
        file: PathBuf,
        /// A public key that counts, in PEM, as `sluice audit public-key` prints it; repeat it for keys that were in force before.
        #[arg(long, required = true, value_name = "FILE")]
        public_key: Vec<PathBuf>,
    },
}

/// What a person agrees to apart from everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SeparateName {
    /// Data is given to another handler (PIPL art. 23).
    Sharing,
    /// Data leaves the mainland (PIPL art. 39).
    CrossBorder,
    /// Data is sensitive (PIPL art. 29).
    Sensitive,
}

impl From<SeparateName> for Separate {
    fn from(name: SeparateName) -> Self {
        match name {
            SeparateName::Sharing => Self::Sharing,
            SeparateName::CrossBorder => Self::CrossBorder,
            SeparateName::Sensitive => Self::Sensitive,
        }
    }
}

/// Who: by the platform's open id, or by the pseudonym that logs and records show.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("person").required(true).args(["open_id", "person_id"]))]
pub struct Person {
    /// Whose customer.
    #[arg(long)]
    pub tenant: TenantId,
    /// The platform's open id.
    #[arg(long, conflicts_with = "person_id")]
    pub open_id: Option<String>,
    /// The pseudonym, `p-…`.
    #[arg(long = "person")]
    pub person_id: Option<PersonId>,
}
