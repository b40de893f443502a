//! `suture heal PATH`: the agents in one process, on a local git repository.

mod run;

pub use run::{Healed, heal};

use crate::arguments::{Format, Heal};
use crate::scan::{is_partial_by_choice, refuse_to_call_clean};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open, present};
use agents::environment::effects::Effects;
use agents::environment::git::LocalRepository;
use pipeline::case::{Case, Status};
use pipeline::payload::Mode;
use pipeline::wording::plain;
use std::path::Path;

/// Paths with uncommitted changes that are named; the rest is counted.
const UNCOMMITTED_NAMED_MAX: usize = 3;

/// Heals the repository, and tells what became of each case.
pub fn run(arguments: &Heal, terminal: &Terminal) -> Result<Outcome, Failure> {
    if arguments.diff && arguments.format == Format::Json {
        return Err(Failure("--diff prints a table and diffs; use --dry-run with --format json".to_owned()));
    }
    let is_dry = arguments.dry_run || arguments.diff;
    let repository = LocalRepository::discover(&arguments.path, Effects::default()).map_err(Failure::new)?;
    warn(&repository, &arguments.path, terminal)?;
    let env = open::environment(open::Wanted {
        advisories: &arguments.advisories,
        known: Some(&arguments.known),
        policy: arguments.policy.as_deref(),
        repository: Some(repository),
        // A dry run leaves no trace: what is recorded of a case is what became of it.
        store: if is_dry { None } else { Some(open::store(arguments.state.as_deref())?) },
        terminal,
    })?;
    env.registries.notes().iter().for_each(|note| terminal.note(&format!("note: {note}")));
    let mode = if is_dry { Mode::DryRun } else { Mode::Heal };
    let healed = block_on(heal(&env, mode, terminal.progress()))?;
    match arguments.format {
        Format::Json => terminal.document(&present::heal_json(&healed)?),
        Format::Table => tell(&healed, arguments.diff, terminal),
    }
    healed.outcome(is_partial_by_choice(&env.advisories))
}

/// Says what somebody may take to be looked at, and is not.
pub fn warn(repository: &LocalRepository, path: &Path, terminal: &Terminal) -> Result<(), Failure> {
    if repository.place_of(path) != Path::new("") {
        terminal.note(&format!(
            "note: {} is part of the repository {}, all of which is healed",
            path.display(),
            repository.folder().display()
        ));
    }
    let commit = repository.head().map_err(Failure::new)?.commit;
    let changed = match repository.uncommitted() {
        Ok(changed) => changed,
        // An index of a kind that only git itself reads (split, sparse): a fix is made of commits, and needs none.
        Err(error) => {
            terminal.warning(&format!(
                "whether there are changes that are not committed can't be told ({error}); what is healed is the commit {}",
                commit.short()
            ));
            return Ok(());
        }
    };
    if !changed.is_empty() {
        let more = changed.len().saturating_sub(UNCOMMITTED_NAMED_MAX);
        let named = changed.iter().take(UNCOMMITTED_NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        terminal.warning(&format!(
            "changes that are not committed are not looked at: {named}{more}; what is healed is the commit {}",
            commit.short()
        ));
    }
    Ok(())
}

/// Prints what a run came to.
fn tell(healed: &Healed, with_diff: bool, terminal: &Terminal) {
    for (case, diff) in &healed.cases {
        terminal.result(&present::case_in_full(case, terminal.columns()));
        if let Some(diff) = diff.as_ref().filter(|_| with_diff) {
            terminal.diff(diff);
        }
    }
    let mut text = present::beside(&healed.errors, &healed.notes, &healed.limits_hit);
    if !healed.cases.is_empty() {
        text.push_str(&present::case_summary(healed.cases.iter().map(|(case, _)| case)));
    } else if healed.broken.is_empty() {
        text.push_str("nothing found to heal\n");
    }
    terminal.result(&text);
}

impl Healed {
    /// Clean if every case is completed and nothing is left. A failure if Suture could not do its work, or where that nothing
    /// is left can't be told.
    pub fn outcome(&self, is_partial_by_choice: bool) -> Result<Outcome, Failure> {
        if !self.broken.is_empty() {
            return Err(Failure(self.broken.iter().map(|reason| plain(reason)).collect::<Vec<_>>().join("\n")));
        }
        let is_whole = |case: &Case| {
            matches!(case.status, Status::Completed | Status::Suppressed | Status::FalsePositive)
                && case.left.is_empty()
        };
        if self.is_put_off || !self.cases.iter().all(|(case, _)| is_whole(case)) {
            return Ok(Outcome::Left);
        }
        refuse_to_call_clean(
            self.is_complete || is_partial_by_choice,
            &self.unread.iter().map(String::as_str).collect::<Vec<_>>(),
            self.has_unseen,
        )
    }
}
