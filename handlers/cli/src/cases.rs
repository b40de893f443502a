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

#[cfg(test)]
mod tests {
    use super::*;
    use agents::environment::effects::Effects;
    use agents::offered::Offer;
    use jiff::Timestamp;
    use pipeline::case::{Status, Wound};
    use pipeline::message::{MessageId, RunId};

    #[test]
    fn case_that_is_held_shows_what_it_offers_still() {
        let store = Store::memory(Effects::default());
        let wound: Wound = serde_json::from_value(json!({
            "repository": "github.example/octo/shop",
            "base_branch": "main",
            "commit": "0".repeat(40),
            "event_type": "vulnerability.dependency",
            "rule": "GHSA-aaaa-bbbb-cccc",
            "severity": "medium",
            "path": "package-lock.json",
            "findings": [],
        }))
        .unwrap();
        let id = CaseId::of(&wound.repository, "main", "npm", &wound.path);
        let run = |second| RunId::new(Timestamp::from_second(second).unwrap(), [0; 10]);
        let offer: Offer = serde_json::from_value(json!({
            "run": run(1),
            "hops": 2,
            "wound": wound,
            "delivery": { "branch": id.branch(), "commit": "1".repeat(40), "files": [], "diff": "diffs/1" },
            "left": [],
        }))
        .unwrap();
        let record = |second, hops, agent: &str, status| {
            let at = Timestamp::from_second(second).unwrap();
            let mut record = CaseRecord::new(id.clone(), MessageId(Default::default()), run(second), hops, agent, at);
            (record.wound, record.status) = (Some(wound.clone()), Some(status));
            record
        };
        let held = record(2, 0, "scan", Status::Initiated);
        let told = |status: Status| {
            block_on(async {
                for record in [&held, &record(1, 3, "verify", status)] {
                    store.overwrite(&history::record_key(record), record).await.map_err(Failure::new)?;
                }
                Ok(one(&store, id.as_str()).await?.case.delivery)
            })
            .unwrap()
        };
        block_on(async { offered::keep(&store, &id, offer.clone()).await.map_err(Failure::new) }).unwrap();
        assert_eq!(told(Status::Proposed), Some(offer.delivery.clone()));
        assert_eq!(told(Status::Superseded), None, "it is not offered any more");
    }
}
