//! `suture cases`: what became of every wound.

use crate::arguments::{Cases, Format};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open, present};
use agents::environment::store::Store;
use agents::history;
use pipeline::case::{Case, fold};
use pipeline::ids::CaseId;
use std::path::Path;

/// Lists the cases, or tells one in full.
pub fn run(arguments: &Cases, state: Option<&Path>, terminal: &Terminal) -> Result<Outcome, Failure> {
    let store = open::store(state)?;
    let cases = block_on(read(&store, arguments.id.as_deref()))?;
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

async fn read(store: &Store, id: Option<&str>) -> Result<Vec<Case>, Failure> {
    let ids = match id {
        Some(id) => vec![id.to_owned()],
        None => store.folders("cases").await.map_err(Failure::new)?,
    };
    let mut cases = Vec::new();
    for id in &ids {
        let id: CaseId = id.parse().map_err(Failure::new)?;
        cases.extend(fold(history::case_records(store, &id).await.map_err(Failure::new)?));
    }
    if let (Some(id), true) = (id, cases.is_empty()) {
        return Err(Failure(format!("there is no case `{id}`; `suture cases` lists them")));
    }
    cases.sort_by_key(|case| std::cmp::Reverse(case.updated));
    Ok(cases)
}
