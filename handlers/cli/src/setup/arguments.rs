//! What can be asked of `suture setup`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

const GITHUB_EXAMPLES: &str = "\
Examples:
  suture setup github --url https://APP/api/github/webhook --out github.json
  suture setup github --url https://APP/api/github/webhook --organization ORG --out github.json
  suture setup github --url https://APP/api/github/webhook --print
  suture setup github --code CODE --out github.json
  SUTURE_GITHUB_TOKEN=… suture setup github --url https://APP/api/github/webhook --repository OWNER/NAME --out github.json

The first makes a GitHub App: it shows a page on this machine, whose button asks GitHub for exactly what Suture needs. Where no browser \
can reach this machine, --print says what to post to GitHub and where, and --code takes what comes of it. FILE holds secrets: it is for \
its owner alone, and one that is there is never written over. SUTURE_GITHUB_URL is the address of a GitHub Enterprise Server.

Exit codes: 0 done, or there already, 2 it could not be done.";

/// `suture setup`
#[derive(Debug, Args)]
pub struct Setup {
    /// What to set up.
    #[command(subcommand)]
    pub command: SetupCommand,
}

/// The commands of `suture setup`.
#[derive(Debug, Subcommand)]
pub enum SetupCommand {
    /// Make a GitHub App with what Suture needs, or a webhook on one repository.
    Github(SetupGitHub),
}

/// `suture setup github`
#[derive(Debug, Args)]
#[command(after_help = GITHUB_EXAMPLES)]
pub struct SetupGitHub {
    /// Where deliveries go: the address of the function app, with /api/github/webhook at its end.
    #[arg(long, value_name = "URL", required_unless_present = "code")]
    pub url: Option<String>,
    /// Where to put the settings: id, key and webhook secret.
    #[arg(long, value_name = "FILE", required_unless_present = "print")]
    pub out: Option<PathBuf>,
    /// Make the App for an organization instead of yourself.
    #[arg(long, value_name = "ORG")]
    pub organization: Option<String>,
    /// Name of the App; nobody else may have it. Default: suture- and six digits.
    #[arg(long)]
    pub name: Option<String>,
    /// Only print the manifest of the App, and where to post it.
    #[arg(long, conflicts_with_all = ["out", "code"])]
    pub print: bool,
    /// Take the code that GitHub sent the browser back with, after --print.
    #[arg(long, conflicts_with_all = ["url", "organization", "name"])]
    pub code: Option<String>,
    /// Make a webhook on this repository instead of an App, with the token in SUTURE_GITHUB_TOKEN.
    #[arg(long, value_name = "OWNER/NAME", conflicts_with_all = ["organization", "name", "print", "code"])]
    pub repository: Option<String>,
    /// Port of the page on this machine; 0 is any that is free.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// How long to wait for the browser to come back.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub wait_s: u64,
}
