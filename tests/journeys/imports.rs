//! Whether code imports what is vulnerable, from the scan to the decision.

use super::github::shop_with_hole;
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// `code` was pushed to the shop, and GitHub told of it; nobody has worked yet.
async fn shop_with_code(code: &str) -> World {
    let mut world = shop_with_hole().await;
    world.push("main", &[("src/door.js", code)]);
    world.hear().await;
    world
}

/// Adds whatever is called `name` in `value`, however deep.
fn collect(value: &Value, name: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(name).and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, name, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, name, found)),
        _ => {}
    }
}

/// Every urgency that `function` answered with; the least is not written.
async fn urgencies(world: &World, function: &str) -> Vec<String> {
    let found = Mutex::new(BTreeSet::new());
    let look = |record: &mut Value| collect(record, "urgency", &mut found.lock().unwrap());
    world.rewrite(&format!("journal/{function}"), look).await;
    found.into_inner().unwrap().into_iter().collect()
}

#[tokio::test]
async fn what_no_code_imports_is_decided_to_be_less_urgent_both_times() {
    for (code, expect) in [("require('./door')", None), ("require('gate').open()", Some("sixty_days"))] {
        let mut world = shop_with_code(code).await;
        world.live().await;
        assert_eq!(world.open_pulls().len(), 1);
        for function in ["analyze", "remediate"] {
            let urgencies = urgencies(&world, function).await;
            assert_eq!(urgencies, expect.into_iter().collect::<Vec<_>>(), "{function}: {code}");
        }
        world.finish();
    }
}
