//! `suture`: scan, heal and prove from the command line.

mod advisories;
mod agents_list;
mod arguments;
mod audit;
mod backup;
#[cfg(feature = "servicebus")]
mod bus;
mod cases;
mod demo;
mod doctor;
mod heal;
mod kill_switch;
mod learning;
mod local;
mod open;
mod package;
mod policy;
mod present;
mod sbom;
mod scan;
mod setup;
mod terminal;
mod trace;
mod versions;

use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;
use terminal::Terminal;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nothing is left.
    Clean,
    /// Findings are left.
    Left,
}

/// Why a command could not run, in words for people: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(String);

impl Failure {
    fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let terminal = Terminal::new(arguments.quiet);
    log(&arguments);
    let outcome = match arguments.command {
        Command::Scan(scan) => scan::run(&scan, &terminal),
        Command::Heal(heal) => heal::run(&heal, &terminal),
        Command::Demo(demo) => demo::run(&demo, &terminal),
        Command::Cases(cases) => cases::run(&cases, &terminal),
        Command::Policy(policy) => policy::run(&policy.command, &terminal),
        Command::Learning(learning) => learning::run(&learning, &terminal),
        Command::Agents(agents) => agents_list::run(&agents, &terminal),
        Command::Trace(trace) => trace::run(&trace, &terminal),
        Command::Audit(audit) => audit::run(&audit, &terminal),
        Command::KillSwitch(switch) => kill_switch::run(&switch, &terminal),
        Command::Local(local) => local::run(&local, &terminal),
        Command::Backup(backup) => backup::backup(&backup, &terminal),
        Command::Restore(restore) => backup::restore(&restore, &terminal),
        Command::Setup(setup) => setup::run(&setup, &terminal),
        Command::Doctor(doctor) => doctor::run(&doctor, &terminal),
        Command::Sbom(sbom) => sbom::run(&sbom, &terminal),
        Command::Advisories(advisories) => advisories::run(&advisories, &terminal),
        Command::Package(package) => package::run(&package, &terminal),
        Command::Versions(versions) => versions::run(versions.ecosystem, &terminal),
        #[cfg(feature = "servicebus")]
        Command::Bus(bus) => bus::run(&bus, &terminal),
    };
    match terminal.lost().map_or(outcome, Err) {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Left) => ExitCode::from(1),
        Err(failure) => {
            terminal.failure(&failure);
            ExitCode::from(2)
        }
    }
}

/// Log lines go to stderr, and only where they are asked for: they are for whoever looks for a fault.
fn log(arguments: &Arguments) {
    if let Some(filter) = &arguments.log {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
}

/// Runs `work` to its end on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::new)?;
    runtime.block_on(work)
}

/// As [`block_on`], for work that never waits for a network or a clock: what waits for them is not even started.
fn block_on_local<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Failure::new)?;
    runtime.block_on(work)
}
