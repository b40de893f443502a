//! Whole journeys: a repository in, a branch out, in every weather.

mod after_merge;
mod command_line;
mod dependencies;
mod github;
mod github_action;
mod github_processes;
mod github_repositories;
mod github_webhook;
mod handler_process;
mod host_conformance;
mod imports;
mod kill;
mod package;
mod policies;
mod pull_requests;
mod real_npm;
mod real_pip;
mod real_projects;
mod sweep;
mod unattended;
mod upgrade;
mod urgency;
