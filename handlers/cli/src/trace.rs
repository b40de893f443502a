//! `suture trace RUN`: the messages of a run as a tree, each with how long it was on its way.

use crate::arguments::{Format, Trace};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, block_on, open, present};
use agents::trace::trace;
use pipeline::message::RunId;

/// Prints the tree.
pub fn run(arguments: &Trace, terminal: &Terminal) -> Result<Outcome, Failure> {
    let id: RunId = arguments.run.parse().map_err(|_| {
        Failure(format!("`{}` is no run; the trailer Suture-Run of a fix names its run", arguments.run))
    })?;
    let store = open::store_to_read(arguments.state.as_deref())?;
    let messages = block_on(async { trace(&store, id, arguments.hours).await.map_err(Failure::new) })?;
    if messages.is_empty() {
        return Err(Failure(format!(
            "nothing of the run {id} is in the journal within {} hours of its beginning; --hours N looks further",
            arguments.hours
        )));
    }
    match arguments.format {
        Format::Json => {
            let messages = messages.iter().map(present::message_json).collect::<Vec<_>>();
            let document = serde_json::json!({ "schema": "suture.trace/1", "run": id, "messages": messages });
            terminal.document(&present::json(&document)?);
        }
        Format::Table => terminal.result(&present::message_tree(&messages)),
    }
    Ok(Outcome::Clean)
}
