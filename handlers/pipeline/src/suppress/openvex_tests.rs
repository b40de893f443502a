use super::super::tests::finding;
use super::*;
use proptest::prelude::*;

fn document(statements: &str) -> Result<OpenVex, String> {
    let text = format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://maker.example/1","author":"maker",
        "timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[{statements}]}}"#
    );
    OpenVex::parse("vex.json", &text)
}

/// What the document says of CVE-2021-23337 in `purl`.
fn check(statements: &str, purl: &str, expect: Option<&str>) {
    let document = document(statements).unwrap();
    let latest = document.latest(&finding("GHSA-35jh-r3h4-6jhm", "CVE-2021-23337", purl));
    assert_eq!(latest.map(|found| found.reason.as_str()), expect, "{statements}");
}

const LODASH: &str = "pkg:npm/lodash@4.17.20";

#[test]
fn both_versions_of_the_format_are_read() {
    check(
        r#"{"vulnerability":{"@id":"https://nvd.example/CVE-2021-23337","name":"CVE-2021-23337"},
        "products":[{"@id":"https://maker.example/shop","identifiers":{"purl":"pkg:npm/lodash@4.17.20"}}],
        "status":"not_affected","justification":"vulnerable_code_not_in_execute_path","impact_statement":"no templates"}"#,
        LODASH,
        Some("not_affected: no templates (vulnerable_code_not_in_execute_path)"),
    );
    check(
        r#"{"vulnerability":"CVE-2021-23337","products":["pkg:oci/shop"],"subcomponents":["pkg:npm/lodash"],"status":"fixed"}"#,
        LODASH,
        Some("fixed"),
    );
}

#[test]
fn vulnerabilities_are_matched_by_any_id() {
    for vulnerability in [
        r#"{"name":"X-1","aliases":["cve-2021-23337"]}"#,
        r#"{"name":"GHSA-35jh-r3h4-6jhm"}"#,
        r#"{"@id":"https://nvd.example/vuln/CVE-2021-23337"}"#,
    ] {
        let text = format!(r#"{{"vulnerability":{vulnerability},"products":["pkg:npm/lodash"],"status":"fixed"}}"#);
        check(&text, LODASH, Some("fixed"));
    }
    check(r#"{"vulnerability":"CVE-2021-2333","products":["pkg:npm/lodash"],"status":"fixed"}"#, LODASH, None);
}

#[test]
fn products_are_matched_by_purl() {
    let says = |product: &str, expect| {
        let text = format!(r#"{{"vulnerability":"CVE-2021-23337","products":[{product}],"status":"fixed"}}"#);
        check(&text, LODASH, expect);
    };
    says(r#""pkg:npm/lodash@4.17.20""#, Some("fixed"));
    says(r#""pkg:npm/lodash@4.17.21""#, None);
    says(r#"{"@id":"pkg:npm/lodash"}"#, Some("fixed"));
    says(r#"{"@id":"pkg:npm/lodash?arch=x"}"#, None);
    says(r#"{"@id":"pkg:oci/shop","subcomponents":[{"@id":"pkg:npm/lodash"}]}"#, Some("fixed"));
    says(r#"{"@id":"pkg:oci/shop","subcomponents":[{"identifiers":{"purl":"pkg:npm/lodash"}}]}"#, Some("fixed"));
    // The statement is about what is inside of the product, not about the product.
    says(r#"{"@id":"pkg:npm/lodash","subcomponents":[{"@id":"pkg:npm/inner"}]}"#, None);
    says(r#"{"@id":"https://maker.example/shop"}"#, None);
    check(r#"{"vulnerability":"CVE-2021-23337","status":"fixed"}"#, LODASH, None);
}

#[test]
fn the_later_statement_wins() {
    let says = |early: &str, late: &str| {
        format!(
            r#"{{"vulnerability":"CVE-2021-23337","products":["pkg:npm/lodash"],"status":"affected"{early}}},
            {{"vulnerability":{{"name":"GHSA-35jh-r3h4-6jhm"}},"products":["pkg:npm/lodash"],"status":"fixed"{late}}}"#
        )
    };
    check(&says("", ""), LODASH, Some("fixed"));
    check(&says(r#","timestamp":"2026-01-01T00:00:01Z""#, ""), LODASH, Some("affected"));
    check(&says("", r#","timestamp":"2025-12-31T00:00:00+00:00""#), LODASH, Some("affected"));
}

#[test]
fn broken_purls_are_passed_over_and_said() {
    let text = r#"{"vulnerability":"CVE-1","products":["pkg:npm","pkg:npm/lodash","pkg:/"],"status":"fixed"}"#;
    let note = document(text).unwrap().note().unwrap();
    insta::assert_snapshot!(note, @"vex.json: 2 products are passed over; the first: `pkg:npm` is not a purl: missing type");
}

#[test]
fn errors_say_where() {
    for (statements, expect) in [
        (r#"{"products":[],"status":"fixed"}"#, "vex.json: statements[0]: it names no `vulnerability`"),
        (r#"{"vulnerability":"CVE-1"}"#, "vex.json: statements[0]: it has no `status`"),
        (
            r#"{"vulnerability":"CVE-1","status":"maybe"}"#,
            "vex.json: statements[0]: `maybe` is not a status; the known ones are not_affected, affected, fixed, under_investigation",
        ),
        (
            r#"{"vulnerability":"CVE-1","status":"fixed","timestamp":"today"}"#,
            "vex.json: statements[0]: `today` is not a time: RFC 3339 is needed",
        ),
    ] {
        assert_eq!(document(statements).map(|_| ()), Err(expect.to_owned()));
    }
    for text in ["", "[]", "{}", r#"{"statements":{}}"#, r#"{"@context":"https://cyclonedx.example","statements":[]}"#]
    {
        assert!(OpenVex::parse("vex.json", text).is_err(), "{text}");
    }
    assert!(OpenVex::parse("vex.json", &format!("{}1", "[".repeat(100_000))).is_err());
}

proptest! {
    #[test]
    fn no_text_panics(
        text in "\\PC*",
        json in "(\\{|\\}|\\[|\\]|\"statements\":|\"status\":|\"fixed\"|\"products\":|\"vulnerability\":|\"CVE-1\"|\"pkg:[a-z/@%?#]{0,8}\"|,){0,30}",
        purl in "pkg:\\PC{0,20}",
    ) {
        let _ = OpenVex::parse("vex.json", &text);
        let _ = OpenVex::parse("vex.json", &json);
        let statement = serde_json::json!({ "vulnerability": "CVE-1", "products": [purl], "status": "fixed" });
        prop_assert!(document(&statement.to_string()).is_ok());
    }
}
