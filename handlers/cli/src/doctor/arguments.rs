//! What can be asked of `suture doctor`.

use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  suture doctor
  suture doctor --settings github.json
  suture doctor --repository OWNER/NAME --json | jq '.lines[] | select(.state == \"wrong\")'

It reads the settings of the handler from the environment, asks GitHub, the webhook's host and the store, and changes nothing.

Exit codes: 0 all is well, 1 something is wrong, 2 it could not run, or nothing is wrong and something could not be asked.";

/// `suture doctor`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Doctor {
    /// Settings that go before those of the environment: a file that `suture setup` wrote, or a local.settings.json; may be given more
    /// than once.
    #[arg(long, value_name = "FILE")]
    pub settings: Vec<PathBuf>,
    /// Look at this repository as well; may be given more than once.
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Vec<String>,
    /// JSON: `suture.doctor/1`.
    #[arg(long)]
    pub json: bool,
}
