//! `extensionBundle`: where the host gets its Service Bus from.

use crate::app::json::Node;
use crate::app::version_range::VersionRange;

const ID: &str = "Microsoft.Azure.Functions.ExtensionBundle";
/// The bundles that hold version 5 of the Service Bus extension, which is what the rest is written for.
const MAJORS: (u32, u32) = (3, 4);
const REMEDY: &str = "Write \"extensionBundle\": { \"id\": \"Microsoft.Azure.Functions.ExtensionBundle\", \"version\": \"[4.*, 5.0.0)\" }";

/// Checks that there is one, and that it holds Service Bus 5 whichever version of it the host takes.
pub fn check(host_json: &Node<'_>) {
    let Some(bundle) = host_json.get("extensionBundle") else {
        host_json.fault("has no extensionBundle, so the host would know no Service Bus", REMEDY);
        return;
    };
    match bundle.get("id") {
        None => bundle.fault("has no id", REMEDY),
        Some(id) => {
            if id.text().is_some_and(|text| !text.eq_ignore_ascii_case(ID)) {
                id.fault(format!("is another bundle than {ID}"), REMEDY);
            }
        }
    }
    let Some(version) = bundle.get("version") else {
        bundle.fault("has no version", REMEDY);
        return;
    };
    match version.text().map(str::parse::<VersionRange>) {
        None => {}
        Some(Err(error)) => version.fault(error, REMEDY),
        Some(Ok(range)) if range.is_within_majors(MAJORS.0, MAJORS.1) => {}
        Some(Ok(_)) => version.fault("does not keep to bundles 3 and 4, which hold version 5 of Service Bus", REMEDY),
    }
}
