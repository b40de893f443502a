//! What can be asked for on the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use pipeline::finding::Severity;
use pipeline::version::Ecosystem;
use std::net::IpAddr;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes: 0 nothing left to do, 1 findings left, 2 could not run.

Examples:
  suture demo                       see a vulnerable repository healed, without a network
  suture scan .                     what is wrong here
  suture heal . --diff              what would be changed
  suture heal .                     put proven fixes on branches suture/<case>
  suture cases                      what became of them";

/// What a command reads, for its long help, and where it says what is over a limit. The lines are long: clap breaks them where
/// the terminal ends.
macro_rules! what_is_read {
    ($where_said:literal) => {
        concat!(
            "What is read: package.json, package-lock.json, npm-shrinkwrap.json, requirements files and their includes, .npmrc (registry \
addresses) and .suture.yml (what to ignore).

Hidden and generated files are read like any other. Passed over are .git, .hg and .svn; folders of vendored or installed code \
(node_modules, bower_components, jspm_packages, vendor, vendored, third_party, site-packages, dist-packages, __pypackages__, .eggs, \
venv, .venv, virtualenv, .tox, .nox, __pycache__); links, which are never followed; and what is over a limit, which is then said ",
            $where_said,
            "."
        )
    };
}

const SCAN_EXAMPLES: &str = "\
Examples:
  suture scan .
  suture scan . --fail-on high --format sarif > suture.sarif
  suture scan . --commit HEAD~1 --advisories ./osv
  suture scan . --since origin/main

Exit codes: 0 nothing found at or above --fail-on, 1 something found, 2 could not run: also where nothing was found but the \
advisories could not all be asked for, or a manifest or a folder could not be read. Who asks for part of the advisories, by --offline or \
--advisories starter, gets 0 and a note.";

const HEAL_EXAMPLES: &str = "\
Examples:
  suture heal .
  suture heal . --diff | git apply
  suture heal . --policy policies.yml --format json

The work tree is never touched: each fix is one commit on a branch suture/<case> of its own. What is healed is the commit that \
is checked out, in the whole repository that PATH is in. Registry addresses come from the lockfile, .npmrc, pip's configuration, or \
the settings SUTURE_NPM_REGISTRY and SUTURE_PIP_INDEX_URL.

Exit codes: 0 nothing is left to do: every case is completed, suppressed, or no longer true at the head, 1 any other case, or \
findings are left (a dry run completes nothing), 2 could not run: also where nothing was left but the advisories could not all be \
asked for, or a manifest or a folder could not be read.";

const DEMO_HELP: &str = "\
Example:
  suture demo --dir ./demo     change a version in ./demo, commit, run it again: the patch changes

Exit codes: 0 the demo ran, also where fixes are proposed and wait, 2 it could not run.";

const SBOM_EXAMPLES: &str =
    "Examples:\n  suture sbom . > sbom.cdx.json\n  suture sbom . --format spdx --commit HEAD > sbom.spdx.json";

const CASES_EXAMPLES: &str = "Examples:\n  suture cases\n  suture cases npm-0123456789ab\n  suture cases --format json";

const POLICY_EXAMPLES: &str = "\
Examples:
  suture policy check policies.yml .suture.yml
  suture policy explain --policy policies.yml --config .suture.yml
  suture policy schema > suture-policies.schema.json

Exit codes: 0 all is fine, 1 a file is wrong, 2 could not run.";

const KILL_SWITCH_EXAMPLES: &str = "\
Examples:
  suture kill-switch on --reason 'the registry is under attack'
  suture kill-switch off --reason 'it is over'
  SUTURE_STORE=az://ACCOUNT/CONTAINER suture kill-switch show

While it is on, cases are opened and no fix is offered, merged or rotated anywhere; what was offered before is still followed, and taken \
back where it does not hold. Exit codes: 0 done, 1 `show`: it is on, 2 could not be done.";

const AUDIT_EXAMPLES: &str = "\
Examples:
  suture audit --since 2026-11-01 > november.jsonl
  suture audit verify                               what is kept here
  suture audit verify november.jsonl
  SUTURE_STORE=az://ACCOUNT/CONTAINER suture audit --since 2026-11-01 --until 2026-12-01

One JSON object a line, after a header that says how many follow. Each has the hash of the one before it in its own, so that none can be \
edited, left out or moved. Keep the last hash elsewhere: whoever may write the whole store can write another chain. Exit codes: 0 done, 1 \
`verify`: the chain is broken, 2 could not be done.";

const LOCAL_EXAMPLES: &str = "\
Examples:
  suture package --app agents --for-this-machine
  suture local --repository ~/shop --scan          heal a repository, and go on
  suture local --json | jq -c 'select(.event == \"failed\")'
  suture local --show-keys                         keys for /api and /admin, without starting anything

Ctrl-C lets what has begun end; a second one does not. What was cut off is done at the next start. Exit codes: 0 ended as it was \
asked to, 2 could not start.";

const VERSIONS_EXAMPLES: &str = "\
Examples:
  printf '1.0.0 < 1.0.1\\n' | suture versions npm
  suture versions \"Red Hat\" < pairs.txt

Blank lines and those that begin with # are skipped. Exit code 1 if any line does not hold, or is none.";

const PACKAGE_EXAMPLES: &str = "\
Examples:
  suture package --app agents --handler target/x86_64-unknown-linux-gnu/release/handler
  suture package --app agents --for-this-machine

The first is for Azure; build its handler by
  pip install ziglang cargo-zigbuild
  cargo zigbuild --release --target x86_64-unknown-linux-gnu.2.28 -p custom-handler
The second is for `suture local` on this machine, with the handler beside this program.

What is made: DIR/APP (the folder that the functions host runs), DIR/APP.zip (the same bytes for the same input), and DIR/APP.cdx.json \
(what the handler is built of). Everything that the functions host would refuse is refused here.

Exit codes: 0 made, 2 could not be made.";

const BACKUP_EXAMPLES: &str = "\
Examples:
  suture backup suture.zip
  suture backup /backups/suture-$(date +%F).zip --state /var/lib/suture

Agents and `suture local` may work meanwhile. In the file are messages and the keys of the local host: it is for its owner alone.

Exit codes: 0 the backup is written, 2 it could not be, and there is no file.";

const RESTORE_EXAMPLES: &str = "\
Examples:
  suture restore suture.zip --state /var/lib/suture-restored
  suture restore suture.zip --state /var/lib/suture --force

The whole backup is looked at before anything is written; one that is damaged is refused. What was on its way when it was made goes \
on where it was.

Exit codes: 0 the state is restored, 2 it could not be, and nothing was changed.";

const SYNC_EXAMPLES: &str = "\
Examples:
  suture advisories sync --folder ./osv
  suture advisories sync --folder ./osv --ecosystem npm --output advisories.index
  suture scan . --advisories ./osv/advisories.index

A file is fetched only if it changed, and takes the place of the old one only if it is whole. Where files come from can be set: \
SUTURE_OSV_ARCHIVES, SUTURE_KEV_CATALOG and SUTURE_EPSS_SCORES.

Exit codes: 0 everything is as new as it can be, 2 something could not be fetched: then the index is built of what was there.";

/// Heals security wounds: scans, writes the smallest fix, and proves it before you review it.
#[derive(Debug, Parser)]
#[command(name = "suture", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Nothing but the result and errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Log lines on stderr, by a filter such as `debug` or `agents=trace`.
    #[arg(long, global = true, value_name = "FILTER", env = "SUTURE_LOG")]
    pub log: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find what is wrong in a folder or at a commit.
    Scan(Scan),
    /// Put proven fixes on branches of a local git repository.
    Heal(Heal),
    /// See a bundled vulnerable repository healed, without a network.
    Demo(Demo),
    /// List cases, or tell one in full.
    Cases(Cases),
    /// Check policies, explain them, or print their JSON Schema.
    Policy(Policy),
    /// Tell how reliable each kind of fix is, by what came of it.
    Learning(Learning),
    /// List the agents, what they can do, and how they are.
    Agents(Agents),
    /// Show the messages of a run as a tree, each with how long it took.
    Trace(Trace),
    /// Stop every change anywhere, or let them go on.
    KillSwitch(KillSwitch),
    /// Print who decided what, or see that nothing of it was changed.
    Audit(Audit),
    /// Run the staged apps on this machine: the functions host and the bus, without a cloud.
    Local(Local),
    /// Write the local state to a file, while it is in use.
    Backup(Backup),
    /// Put the state of a backup where there is none.
    Restore(Restore),
    /// Make a GitHub App, or a webhook on one repository.
    Setup(crate::setup::arguments::Setup),
    /// See what is right, what is wrong, and how to mend it.
    Doctor(crate::doctor::arguments::Doctor),
    /// Write a software bill of materials.
    Sbom(Sbom),
    /// Build an index of advisories.
    Advisories(Advisories),
    /// Make a function app for Azure, or for this machine.
    Package(Package),
    /// Check lines `a < b`, `a = b`, `a > b` on standard input against the order of an ecosystem.
    Versions(Versions),
    /// Look at, send and replay messages on Service Bus.
    #[cfg(feature = "servicebus")]
    Bus(crate::bus::arguments::Bus),
}

/// Where advisories come from.
#[derive(Debug, Clone, Args)]
pub struct AdvisoryChoice {
    /// A folder of OSV zips (ECOSYSTEM/all.zip, indexed once), or an index that `suture advisories build` wrote.
    /// Without it: the OSV API, and where that can't be asked the bundled starter set, which says so.
    #[arg(long, value_name = "DIR|FILE|starter")]
    pub advisories: Option<PathBuf>,
    /// Ask nobody: no advisories from a network, no registries.
    #[arg(long)]
    pub offline: bool,
}

/// What is known already.
#[derive(Debug, Clone, Args)]
pub struct Known {
    /// An earlier `suture scan --format json`: findings in it are not told again.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// OpenVEX documents: what they call not_affected or fixed is not told.
    #[arg(long, value_name = "FILE")]
    pub vex: Vec<PathBuf>,
}

/// Kinds of detectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Vulnerable dependencies.
    Dependency,
    /// Exposed secrets.
    Secret,
    /// Insecure code.
    Code,
    /// Container images and Dockerfiles.
    Container,
    /// Configuration.
    Configuration,
}

/// Forms of a scan's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// For people.
    Table,
    /// `suture.scan/1`.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// CycloneDX 1.6, JSON.
    Cyclonedx,
    /// SPDX 2.3, JSON.
    Spdx,
}

/// `suture scan`
#[derive(Debug, Args)]
#[command(after_help = SCAN_EXAMPLES, after_long_help = format!("{SCAN_EXAMPLES}\n\n{}", what_is_read!("under limits_hit")))]
pub struct Scan {
    /// Folder to look at.
    pub path: PathBuf,
    /// Look at a commit of the git repository instead of the files on the disk.
    #[arg(long, value_name = "REVISION")]
    pub commit: Option<String>,
    /// Tell only what is new since a commit of the git repository: findings that its tree has too are left out, also of SARIF.
    #[arg(long, value_name = "REVISION")]
    pub since: Option<String>,
    /// Only these kinds of findings; may be given more than once. Default: every kind that this version has a detector for,
    /// which is dependency.
    #[arg(long, value_enum)]
    pub kind: Vec<Kind>,
    /// Form of the result.
    #[arg(long, value_enum, default_value = "table")]
    pub format: ScanFormat,
    /// Exit with 1 only for findings of this severity or worse.
    #[arg(long, value_name = "SEVERITY", default_value = "unknown")]
    pub fail_on: Severity,
    /// Where advisories come from.
    #[command(flatten)]
    pub advisories: AdvisoryChoice,
    /// What is known already.
    #[command(flatten)]
    pub known: Known,
}

/// Forms of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// JSON.
    Json,
}

/// `suture heal`
#[derive(Debug, Args)]
#[command(after_help = HEAL_EXAMPLES, after_long_help = format!("{HEAL_EXAMPLES}\n\n{}", what_is_read!("under limits_hit")))]
pub struct Heal {
    /// A local git repository.
    pub path: PathBuf,
    /// Plan and prove, but deliver nothing, and record nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// As --dry-run, and print the changes as a unified diff. Not with --format json.
    #[arg(long)]
    pub diff: bool,
    /// Healing policies that come before the built-in ones, and in the place of those of the same name.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Where Suture keeps its own records of cases. Default: $SUTURE_STORE, else the user's state directory.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Where advisories come from.
    #[command(flatten)]
    pub advisories: AdvisoryChoice,
    /// What is known already.
    #[command(flatten)]
    pub known: Known,
}

/// `suture demo`
#[derive(Debug, Args)]
#[command(after_help = DEMO_HELP)]
pub struct Demo {
    /// Where to put the repository. One that is there already is healed as it is. Default: a new temporary folder.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `suture cases`
#[derive(Debug, Args)]
#[command(after_help = CASES_EXAMPLES)]
pub struct Cases {
    /// Tell this one in full.
    pub id: Option<String>,
    /// Where the records of cases are. Default: $SUTURE_STORE, else the user's state directory.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

/// `suture policy`
#[derive(Debug, Args)]
#[command(after_help = POLICY_EXAMPLES)]
pub struct Policy {
    /// What to do.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// The commands of `suture policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Read policy files and `.suture.yml`, and tell what is wrong, with line and column.
    Check {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Tell in words what holds.
    Explain {
        /// Policies that come before the built-in ones.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// A repository's `.suture.yml`, which makes them stricter.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Form of the result.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Print the JSON Schema of policy files, for editors.
    Schema,
}

/// `suture learning`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  suture learning\n  suture learning --format json | jq .brier")]
pub struct Learning {
    /// Where the records are. Default: $SUTURE_STORE, else the user's state directory.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

/// `suture agents`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  suture agents\n  suture agents --format json\n\nExit codes: 0 all is well, 1 an agent is silent or none was asked for three quarters of an hour, 2 could not be told."
)]
pub struct Agents {
    /// Where the records are. Default: $SUTURE_STORE, else the user's state directory.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

/// `suture trace`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  suture trace 019ac2d1-7c3e-7a51-8d7f-2f6f3c1e9b10\n  suture trace 019ac2d1-7c3e-7a51-8d7f-2f6f3c1e9b10 --format json"
)]
pub struct Trace {
    /// The run: the correlation id of its messages.
    pub run: String,
    /// How long after its beginning is looked, in hours.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(i64).range(1..=24 * 365))]
    pub hours: i64,
    /// Where the records are. Default: $SUTURE_STORE, else the user's state directory.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

/// `suture kill-switch`
#[derive(Debug, Args)]
#[command(after_help = KILL_SWITCH_EXAMPLES)]
pub struct KillSwitch {
    /// Where the records are. Default: $SUTURE_STORE, else the user's state directory.
    #[arg(long, value_name = "DIR", global = true)]
    pub state: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: KillSwitchCommand,
}

/// The commands of `suture kill-switch`.
#[derive(Debug, Subcommand)]
pub enum KillSwitchCommand {
    /// Nothing is delivered any more, from the next decision on.
    On {
        /// Why, for those who ask.
        #[arg(long)]
        reason: String,
        /// Who says so.
        #[arg(long, env = "USER")]
        by: String,
    },
    /// What was held back goes on within the hour.
    Off {
        /// Why, for those who ask.
        #[arg(long)]
        reason: String,
        /// Who says so.
        #[arg(long, env = "USER")]
        by: String,
    },
    /// Tell how it stands.
    Show,
}

/// `suture audit`
#[derive(Debug, Args)]
#[command(after_help = AUDIT_EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Audit {
    /// Where the records are. Default: $SUTURE_STORE, else the user's state directory.
    #[arg(long, value_name = "DIR", global = true)]
    pub state: Option<PathBuf>,
    /// From this day or moment on.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Before this day or moment.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Timestamp>,
    /// What to do instead of printing it.
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
}

/// The commands of `suture audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Hold the lines against each other.
    Verify {
        /// What was printed; `-` reads standard input. Default: what is kept.
        file: Option<PathBuf>,
    },
}

/// A moment like `2026-11-01T08:00:00Z`, or the beginning of a day by UTC like `2026-11-01`.
fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let told = "it has to be a day like 2026-11-01, or a moment like 2026-11-01T08:00:00Z";
    text.parse().ok().or_else(day).ok_or_else(|| told.to_owned())
}

/// `suture local`
#[derive(Debug, Args)]
#[command(after_help = LOCAL_EXAMPLES)]
pub struct Local {
    /// Where records, messages and keys are kept. Default: $SUTURE_STORE, else the user's state directory.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Port for HTTP functions (/api) and inlets (/admin); 0 is any that is free.
    #[arg(long, default_value_t = 7071)]
    pub port: u16,
    /// Address to listen on. Any other than a loopback address lets other machines in.
    #[arg(long, default_value = "127.0.0.1")]
    pub address: IpAddr,
    /// Where `suture package` staged the apps: a folder of apps, or one app.
    #[arg(long, value_name = "DIR", default_value = "target/app")]
    pub app: PathBuf,
    /// A local git repository that the agents may heal; may be given more than once. Default: $SUTURE_REPOSITORIES.
    #[arg(long, value_name = "PATH")]
    pub repository: Vec<PathBuf>,
    /// Begin a run on each --repository at the start.
    #[arg(long, requires = "repository")]
    pub scan: bool,
    /// One JSON object a line for everything that happens, instead of a view.
    #[arg(long)]
    pub json: bool,
    /// How long what has begun may take to end once it is asked to stop.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub drain_s: u64,
    /// Show the keys, and end.
    #[arg(long)]
    pub show_keys: bool,
}

/// Forms of a bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SbomFormat {
    /// CycloneDX 1.6, JSON.
    Cyclonedx,
    /// SPDX 2.3, JSON.
    Spdx,
}

/// `suture sbom`
#[derive(Debug, Args)]
#[command(after_help = SBOM_EXAMPLES, after_long_help = format!("{SBOM_EXAMPLES}\n\n{}", what_is_read!("as a warning")))]
pub struct Sbom {
    /// Folder to look at.
    pub path: PathBuf,
    /// Look at a commit of the git repository instead of the files on the disk.
    #[arg(long, value_name = "REVISION")]
    pub commit: Option<String>,
    /// Form of the document.
    #[arg(long, value_enum, default_value = "cyclonedx")]
    pub format: SbomFormat,
}

/// `suture advisories`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  suture advisories sync --folder ./osv\n  suture advisories build ./osv --output advisories.index"
)]
pub struct Advisories {
    /// What to do with advisories.
    #[command(subcommand)]
    pub command: AdvisoriesCommand,
}

/// The commands of `suture advisories`.
#[derive(Debug, Subcommand)]
pub enum AdvisoriesCommand {
    /// Fetch what has changed of OSV's archives, CISA's known exploited vulnerabilities and the EPSS scores, and build an index of it.
    #[command(after_help = SYNC_EXAMPLES)]
    Sync {
        /// Folder for the files, which is made where it is absent.
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// An ecosystem, as OSV names it; may be given more than once.
        #[arg(long, value_name = "ECOSYSTEM", default_values = ["npm", "PyPI"])]
        ecosystem: Vec<Ecosystem>,
        /// The index to write. Default: advisories.index in the folder.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Build an index of a folder of OSV zips (ECOSYSTEM/all.zip).
    #[command(
        after_help = "Example:\n  suture advisories build ./osv --output advisories.index\n  suture scan . --advisories advisories.index"
    )]
    Build {
        /// Folder of OSV zips.
        folder: PathBuf,
        /// The index to write.
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        /// CISA's catalogue of known exploited vulnerabilities. Default: known_exploited_vulnerabilities.json in the folder, if it is there.
        #[arg(long, value_name = "FILE")]
        kev: Option<PathBuf>,
        /// EPSS scores of FIRST, packed by gzip or not. Default: epss_scores-current.csv.gz in the folder, if it is there.
        #[arg(long, value_name = "FILE")]
        epss: Option<PathBuf>,
    },
}

/// `suture package`
#[derive(Debug, Args)]
#[command(after_help = PACKAGE_EXAMPLES)]
pub struct Package {
    /// Which app of functions/apps.json.
    #[arg(long)]
    pub app: String,
    /// The program that the functions host will start. Default: `handler` beside this program.
    #[arg(long, value_name = "FILE")]
    pub handler: Option<PathBuf>,
    /// Where to put the app.
    #[arg(long, value_name = "DIR", default_value = "target/app")]
    pub output: PathBuf,
    /// The project, which has host.json and functions/.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub project: PathBuf,
    /// Take a handler that needs what Azure does not have.
    #[arg(long)]
    pub for_this_machine: bool,
    /// Form of the result.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

/// `suture versions`
#[derive(Debug, Args)]
#[command(after_help = VERSIONS_EXAMPLES)]
pub struct Versions {
    /// npm, PyPI, Go, crates.io, Maven, NuGet, RubyGems, Packagist, Debian, Alpine or "Red Hat".
    pub ecosystem: Ecosystem,
}

/// `suture backup`
#[derive(Debug, Args)]
#[command(after_help = BACKUP_EXAMPLES)]
pub struct Backup {
    /// The file to write; one that is there is replaced.
    pub file: PathBuf,
    /// Where the state is. Default: $SUTURE_STORE, else the user's state directory.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// `suture restore`
#[derive(Debug, Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub struct Restore {
    /// A file that `suture backup` wrote.
    pub file: PathBuf,
    /// Put a state that is there aside, beside itself with `.before-…` at the end of its name.
    #[arg(long)]
    pub force: bool,
    /// Where to put the state. Default: $SUTURE_STORE, else the user's state directory.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}
