//! The verbs of Suture: one module per function, plus the environment in which they work.

pub mod analyze;
pub mod audit;
mod breaker;
mod budget;
pub mod dashboard;
mod declined;
pub mod environment;
pub mod error;
pub mod examine;
pub mod facts;
pub mod functions;
pub mod github_webhook;
mod guards;
pub mod health;
pub mod history;
mod hold;
pub mod identity;
pub mod in_process;
pub mod inventory;
pub mod journal;
pub mod kill_switch;
pub mod learned;
pub mod lease;
pub mod merges;
pub mod monitor;
pub mod notify;
pub mod offer;
pub mod offered;
pub mod poison;
pub mod prove;
pub mod remediate;
pub mod request;
mod reverted;
pub mod scan;
pub mod state;
pub mod status;
pub mod sweep;
pub mod topology;
pub mod trace;
pub mod tries;
mod unreadable;
pub mod verify;
mod words;

#[cfg(test)]
mod journal_tests;
#[cfg(test)]
mod test_office;
