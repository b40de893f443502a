//! The bill of materials of the app holds all that cargo would link into the handler.

use crate::world::program::{User, run};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_package_of_the_handler_is_in_the_bill_and_nothing_of_its_tests() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let tree = |edges: &str| {
        let arguments = [
            "tree",
            "-p",
            "custom-handler",
            "--edges",
            edges,
            "--prefix",
            "none",
            "--locked",
            "--offline",
            "--target",
            "all",
        ];
        let told = run(env!("CARGO"), &arguments, workspace);
        let told = told.expect(0).lines().filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
        });
        told.filter(|(name, _)| name != "custom-handler").collect::<BTreeSet<_>>()
    };
    let user = User::new();
    let arguments = [
        "package",
        "--app",
        "agents",
        "--handler",
        "/bin/true",
        "--for-this-machine",
        "--project",
        workspace.to_str().unwrap(),
    ];
    user.suture(&arguments).expect(0);
    let bill = std::fs::read_to_string(user.home().join("target/app/agents.cdx.json")).unwrap();
    let bill: Value = serde_json::from_str(&bill).unwrap();
    let text = |component: &Value, key: &str| component[key].as_str().unwrap().to_owned();
    let components = bill["components"].as_array().unwrap();
    let listed: BTreeSet<_> = components.iter().map(|of| (text(of, "name"), text(of, "version"))).collect();
    let linked = tree("normal,build");
    assert!(linked.len() > 100 && linked.is_subset(&listed), "{:?}", linked.difference(&listed));
    // A feature that is off may bring some more; what only tests need may not come along.
    let of_tests: BTreeSet<_> = tree("dev").difference(&linked).cloned().collect();
    assert!(!of_tests.is_empty() && of_tests.is_disjoint(&listed), "{:?}", of_tests.intersection(&listed));
}
