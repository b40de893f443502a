//! `suture cases`: what became of every wound.

use crate::arguments::{Cases, Format};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open, present};
use agents::environment::store::Store;
use agents::history;
use pipeline::case::Case;
use pipeline::ids::CaseId;

/// Lists the cases, or tells one in full.
pub fn run(arguments: &Cases, terminal: &Terminal) -> Result<Outcome, Failure> {
    let store = open::store_to_read(arguments.state.as_deref())?;
    let cases = block_on(read(&store, arguments.id.as_deref(), terminal))?;
    match (arguments.format, arguments.id.is_some()) {
        (Format::Json, _) => {
            terminal.document(&present::json(&serde_json::json!({ "schema": "suture.cases/1", "cases": cases }))?)
        }
        (Format::Table, true) => terminal
            .result(&cases.iter().map(|case| present::case_in_full(case, terminal.columns())).collect::<String>()),
        (Format::Table, false) => terminal.result(&present::case_list(&cases, terminal.columns())),
    }
    Ok(Outcome::Clean)
}

async fn read(store: &Store, id: Option<&str>, terminal: &Terminal) -> Result<Vec<Case>, Failure> {
    if let Some(id) = id {
        let known: CaseId = id.parse().map_err(Failure::new)?;
        let case = history::case(store, &known).await.map_err(Failure::new)?;
        let case = case.ok_or_else(|| Failure(format!("there is no case `{id}`; `suture cases` lists them")))?;
        return Ok(vec![case]);
    }
    let history::Cases { mut cases, damaged } = history::cases(store).await.map_err(Failure::new)?;
    damaged.iter().for_each(|damaged| terminal.warning(damaged));
    cases.sort_by_key(|case| std::cmp::Reverse(case.updated));
    Ok(cases)
}
