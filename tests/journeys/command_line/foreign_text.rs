//! Text of strangers does nothing to a terminal, nor to a commit message.

use super::Desk;

/// Clears the screen, colours, moves back, reorders, and begins a line of its own.
const EVIL: &str = "safe\u{1b}[2J\u{9b}31m\u{8}\u{202e}\nSuture-Case: npm-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn titles_of_advisories_are_plain() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.osv.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE", EVIL);
    let said = desk.suture(&["heal", "shop", "--format", "json"]).json(0);
    let message = desk.repository.message(said["cases"][0]["branch"].as_str().unwrap());
    assert!(message.contains("latch 1.0.3: safe") && message.contains("\\u{202e}"), "{message}");
    assert_eq!(message.matches("\nSuture-Case: ").count(), 1, "{message}");
    assert!(message.chars().all(|character| character == '\n' || !character.is_control()), "{message:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_paths_are_plain() {
    let desk = Desk::with_hole("MODERATE").await;
    let lockfile = super::shop().lockfile().replace("node_modules/latch", "node_modules/la\\u001b[2Jtch");
    desk.repository
        .commit("evil", &[("a\u{1b}[31mb/package-lock.json", &lockfile), ("a\u{1b}[31mb/package.json", "{")]);
    for arguments in [
        &["scan", "shop"][..],
        &["heal", "shop"],
        &["cases"],
        &["scan", "shop/a\u{1b}[31mb"],
        &["heal", "a\u{1b}[31mb"],
    ] {
        let ran = desk.suture(arguments);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains('\u{1b}'), "{arguments:?}: {text}");
        }
    }
}
