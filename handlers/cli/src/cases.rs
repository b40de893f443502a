//! `suture cases`: what became of every wound.

use crate::arguments::{Cases, Format};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open, present};
use agents::environment::store::Store;
use agents::journal;
use pipeline::case::{Case, fold};
use pipeline::ids::CaseId;

/// Lists the cases, or tells one in full.
pub fn run(arguments: &Cases, terminal: &Terminal) -> Result<Outcome, Failure> {
    let store = open::store(arguments.state.as_deref())?;
    let cases = block_on(read(&store, arguments.id.as_deref()))?;
    let text = match (arguments.format, arguments.id.is_some()) {
        (Format::Json, _) => present::json(&serde_json::json!({ "schema": "suture.cases/1", "cases": cases }))?,
        (Format::Table, true) => cases.iter().map(present::case_in_full).collect(),
        (Format::Table, false) => present::case_list(&cases),
    };
    terminal.result(&text);
    Ok(Outcome::Clean)
}

async fn read(store: &Store, id: Option<&str>) -> Result<Vec<Case>, Failure> {
    let ids = match id {
        Some(id) => vec![id.to_owned()],
        None => store.folders("cases").await.map_err(Failure::new)?,
    };
    let mut cases = Vec::new();
    for id in &ids {
        let id: CaseId = id.parse().map_err(Failure::new)?;
        cases.extend(fold(journal::case_records(store, &id).await.map_err(Failure::new)?));
    }
    if let (Some(id), true) = (id, cases.is_empty()) {
        return Err(Failure(format!("there is no case `{id}`; `suture cases` lists them")));
    }
    cases.sort_by_key(|case| std::cmp::Reverse(case.updated));
    Ok(cases)
}
