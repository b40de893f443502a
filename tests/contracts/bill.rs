//! The bill of materials of the app holds all that cargo would link into the handler.

use crate::world::program::{User, run};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_package_that_cargo_links_into_the_handler_is_in_the_bill() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let tree = ["tree", "-p", "custom-handler", "--edges", "normal,build", "--prefix", "none", "--locked"];
    let told = run(env!("CARGO"), &tree, workspace);
    let linked = told.expect(0).lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    });
    let linked: BTreeSet<_> = linked.filter(|(name, _)| name != "custom-handler").collect();

    let user = User::new();
    let project = workspace.to_str().unwrap();
    let arguments =
        ["package", "--app", "agents", "--handler", "/bin/true", "--for-this-machine", "--project", project];
    user.suture(&arguments).expect(0);
    let bill = std::fs::read_to_string(user.home().join("target/app/agents.cdx.json")).unwrap();
    let bill: Value = serde_json::from_str(&bill).unwrap();
    let text = |component: &Value, key: &str| component[key].as_str().unwrap().to_owned();
    let components = bill["components"].as_array().unwrap();
    let listed: BTreeSet<_> = components.iter().map(|of| (text(of, "name"), text(of, "version"))).collect();
    assert!(linked.len() > 100 && linked.is_subset(&listed), "{:?}", linked.difference(&listed));
}
