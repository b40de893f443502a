//! `suture scan` in repositories with code: whether that imports what is vulnerable.

use super::Desk;
use serde_json::json;

const IMPORTING: &[(&str, &str)] = &[("src/door.ts", "import { open } from 'gate/lib/open.js'\n")];
const OTHER: &[(&str, &str)] = &[("src/door.ts", "import { open } from './gates'\n")];

#[tokio::test(flavor = "multi_thread")]
async fn package_that_no_code_imports_is_not_exposed_and_said_to_be_so() {
    let desk = Desk::with_hole("HIGH").await;
    let code = desk.repository.commit("the code", OTHER);
    let importing = desk.repository.commit("the gate is used", IMPORTING);
    for (commit, imported, is_exposed) in [(code.as_str(), "not_seen", false), (importing.as_str(), "seen", true)] {
        let said = desk.suture(&["scan", "shop", "--commit", commit, "--format", "json"]).json(1);
        let finding = &said["findings"][0];
        assert_eq!((&finding["imported"], finding["risk"]["exposed"] == true), (&json!(imported), is_exposed));
    }
    let ran = desk.suture(&["scan", "shop", "--commit", &code]);
    let expect = "\
package-lock.json
 severity  mend within   package      advisory             fixed in  brought in by
 high      next upgrade  latch 1.0.3  GHSA-aaaa-bbbb-cccc  1.2.0     gate (not imported)

shop: 1 high (2 packages of 1 project)
";
    assert_eq!(ran.expect(1), expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_on_the_disk_is_looked_through_as_it_is() {
    let desk = Desk::with_hole("HIGH").await;
    let imported = || desk.suture(&["scan", "shop", "--format", "json"]).json(1)["findings"][0]["imported"].clone();
    assert_eq!(imported(), json!(null), "there is no code");
    desk.write("node_modules/other/index.js", "require('gate')");
    desk.write("src/door.js", "open()");
    assert_eq!(imported(), json!("not_seen"));
    desk.write("vendor/other.js", "require('gate')");
    assert_eq!(imported(), json!("seen"));
    desk.write("vendor/other.js", "\0");
    assert_eq!(imported(), json!(null), "some code could not be read");
}
