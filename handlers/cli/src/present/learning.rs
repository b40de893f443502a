//! What was learned of remedies.

use super::{lines, table};
use jiff::Timestamp;
use pipeline::learning::Model;
use pipeline::learning::outcome::Ending;
use pipeline::learning::reliability::{LOWER, UPPER};
use serde_json::{Value, json};

/// The contract `suture.learning/1`.
pub fn learning_json(model: &Model, now: Timestamp) -> Value {
    let remedies = model.remedies.iter().map(|(remedy, sums)| {
        let reliability = sums.reliability(remedy.prior(), now);
        let endings: serde_json::Map<String, Value> =
            Ending::ALL.iter().map(|ending| (ending.to_string(), json!(sums.count(*ending)))).collect();
        json!({
            "remedy": remedy,
            "outcomes": sums.telling(),
            "endings": endings,
            "mean": reliability.mean(),
            "lower": reliability.quantile(LOWER),
            "upper": reliability.quantile(UPPER),
            "demoted": sums.demotion(),
        })
    });
    json!({
        "schema": "suture.learning/1",
        "at": now,
        "remedies": remedies.collect::<Vec<_>>(),
        "brier": model.calibration.brier(),
        "calibration": model.calibration.rows(),
    })
}

/// The same for people.
pub fn learning(model: &Model, now: Timestamp, columns: Option<u16>) -> String {
    if model.remedies.is_empty() {
        return "nothing was learned yet: no pull request has come to its end\n".to_owned();
    }
    let mut remedies = table(columns);
    remedies.set_header([
        "remedy",
        "outcomes",
        "merged",
        "edited",
        "declined",
        "wrong",
        "silent",
        "reliable",
        "5 % to 95 %",
    ]);
    let mut demoted = String::new();
    for (remedy, sums) in &model.remedies {
        let reliability = sums.reliability(remedy.prior(), now);
        let wrong: u64 = Ending::ALL
            .iter()
            .filter(|ending| ending.is_success() == Some(false))
            .map(|ending| sums.count(*ending))
            .sum();
        remedies.add_row([
            remedy.to_string(),
            sums.telling().to_string(),
            sums.count(Ending::Merged).to_string(),
            sums.count(Ending::MergedEdited).to_string(),
            sums.count(Ending::Declined).to_string(),
            wrong.to_string(),
            sums.count(Ending::Censored).to_string(),
            format!("{:.3}", reliability.mean()),
            format!("{:.3} to {:.3}", reliability.quantile(LOWER), reliability.quantile(UPPER)),
        ]);
        if let Some(why) = sums.demotion() {
            demoted.push_str(&format!("{remedy} is only proposed: {why}\n"));
        }
    }
    let mut groups = table(columns);
    groups.set_header(["confidence", "fixes", "expected", "right", "5 % to 95 %"]);
    for row in model.calibration.rows() {
        groups.add_row([
            format!("{:.1} to {:.1}", row.from, row.to),
            row.fixes.to_string(),
            format!("{:.3}", row.expected),
            format!("{:.3}", row.seen),
            format!("{:.3} to {:.3}", row.interval.0, row.interval.1),
        ]);
    }
    let brier = model.calibration.brier().map_or_else(String::new, |brier| format!("Brier score {brier:.4}\n"));
    format!("{}{demoted}\n{}{brier}", lines(&remedies), lines(&groups))
}
