//! `suture cases`: what became of every wound.

use crate::arguments::{Cases, Format};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open, present};
use agents::environment::store::{Store, StoreError};
use agents::{history, offered};
use pipeline::case::{Case, CaseRecord};
use pipeline::ids::CaseId;
use serde_json::json;

/// Records of one case that are read for its timeline: the newest.
const TIMELINE_MAX: usize = 500;

/// Lists the cases, or tells one in full.
pub fn run(arguments: &Cases, terminal: &Terminal) -> Result<Outcome, Failure> {
    let store = open::store_to_read(arguments.state.as_deref())?;
    match &arguments.id {
        Some(id) => tell(&block_on(one(&store, id))?, arguments.format, terminal)?,
        None => list(&block_on(all(&store, terminal))?, arguments.format, terminal)?,
    }
    Ok(Outcome::Clean)
}

fn list(cases: &[Case], format: Format, terminal: &Terminal) -> Result<(), Failure> {
    match format {
        Format::Json => terminal.document(&present::json(&json!({ "schema": "suture.cases/1", "cases": cases }))?),
        Format::Table => terminal.result(&present::case_list(cases, terminal.columns())),
    }
    Ok(())
}

/// One case, and what it went through.
struct Told {
    case: Case,
    timeline: Vec<CaseRecord>,
    /// Records that are older than those of the timeline.
    older: usize,
}

fn tell(told: &Told, format: Format, terminal: &Terminal) -> Result<(), Failure> {
    let Told { case, timeline, older } = told;
    match format {
        Format::Json => {
            let document = json!({ "schema": "suture.cases/1", "cases": [case], "timeline": timeline, "older": older });
            terminal.document(&present::json(&document)?);
        }
        Format::Table => {
            let columns = terminal.columns();
            let whole = present::case_in_full(case, columns) + &present::grounds(case, columns);
            terminal.result(&(whole + &present::timeline(timeline, *older, columns)));
        }
    }
    Ok(())
}

async fn one(store: &Store, id: &str) -> Result<Told, Failure> {
    let known: CaseId = id.parse().map_err(Failure::new)?;
    let case = history::case(store, &known).await.map_err(Failure::new)?;
    let mut case = case.ok_or_else(|| Failure(format!("there is no case `{id}`; `suture cases` lists them")))?;
    find_offer(store, &mut case).await.map_err(Failure::new)?;
    let (timeline, older) = history::timeline(store, &known, TIMELINE_MAX).await.map_err(Failure::new)?;
    Ok(Told { case, timeline, older })
}

/// Adds where the fix of `case` is, if it is offered and a later run, which a guard rail holds, has nothing to say of it.
async fn find_offer(store: &Store, case: &mut Case) -> Result<(), StoreError> {
    let Some(wound) = case.wound.as_ref().filter(|_| case.status.is_open() && case.delivery.is_none()) else {
        return Ok(());
    };
    if offered::stands(store, &case.case, wound).await? {
        let offered = offered::find(store, &case.case, wound).await?;
        case.delivery = offered.and_then(|offered| offered.offer).map(|offer| offer.delivery);
    }
    Ok(())
}

async fn all(store: &Store, terminal: &Terminal) -> Result<Vec<Case>, Failure> {
    let history::Cases { mut cases, damaged } = history::cases(store).await.map_err(Failure::new)?;
    damaged.iter().for_each(|damaged| terminal.warning(damaged));
    cases.sort_by_key(|case| std::cmp::Reverse(case.updated));
    Ok(cases)
}
