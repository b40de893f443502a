//! Rows: a file, an edit, the file after it.

use super::edit::{AddEdit, Edit, EditError, PinEdit, RemoveEdit, apply};
use super::verify::verify;
use detectors::dependency::pip::file::RequirementsFile;
use detectors::source_tree::SourceTree;

const PATH: &str = "requirements.txt";

fn pin(line: u32, name: &str, to: &str, hashes: &[&str]) -> Edit {
    let hashes = hashes.iter().map(|hash| format!("sha256:{hash}")).collect();
    Edit::Pin(PinEdit { path: PATH.to_owned(), line, name: name.to_owned(), to: to.to_owned(), hashes })
}

fn add(name: &str, version: &str, hashes: &[&str], via: &[&str]) -> Edit {
    let hashes = hashes.iter().map(|hash| format!("sha256:{hash}")).collect();
    let via = via.iter().map(ToString::to_string).collect();
    let (name, version) = (name.to_owned(), version.to_owned());
    Edit::Add(AddEdit { path: PATH.to_owned(), name, version, marker: None, hashes, via })
}

fn remove(line: u32, name: &str) -> Edit {
    Edit::Remove(RemoveEdit { path: PATH.to_owned(), line, name: name.to_owned() })
}

fn edited(before: &str, edits: &[Edit]) -> Result<String, EditError> {
    let tree: SourceTree = [(PATH, before)].into_iter().collect();
    let patch = apply(&tree, edits)?;
    Ok(patch.files.into_iter().next().map_or(before.to_owned(), |file| file.after))
}

#[track_caller]
fn check(before: &str, edit: Edit, expect: &str) {
    assert_eq!(edited(before, std::slice::from_ref(&edit)), Ok(expect.to_owned()), "{before:?}");
    // `verify` does not take an unchanged file for an edited one.
    if before != expect {
        assert!(verify(PATH, before, before, &[&edit]).is_err());
    }
}

#[test]
fn another_space_before_a_comment_and_another_backslash_are_other_bytes() {
    let edit = pin(1, "foo", "1.1", &["aa"]);
    let hash = "--hash=sha256:aa";
    let differs = |before: &str, after: &str| {
        let text = |version: &str, rest: &str| format!("foo=={version} {hash} {rest}\n");
        assert_eq!(verify(PATH, &text("1.0", before), &text("1.1", before), &[&edit]), Ok(()), "{before}");
        assert!(verify(PATH, &text("1.0", before), &text("1.1", after), &[&edit]).is_err(), "{before} {after}");
    };
    differs("-C x=y  # why", "-C x=y# why");
    differs("-C x=y  # why", "-C x=y # why");
    differs("# why", " # why");
    differs("-C x\\y", "-C x y");
}

#[test]
fn a_pin_changes_and_nothing_else() {
    check("a==1\nFoo_Bar == 1.0 # why\nb\n", pin(2, "foo-bar", "1.2", &[]), "a==1\nFoo_Bar == 1.2 # why\nb\n");
    check(
        "foo[x, y]==1.0 ; python_version < '3'\r\nb\r\n",
        pin(1, "foo", "2", &[]),
        "foo[x, y]==2 ; python_version < '3'\r\nb\r\n",
    );
    check("\u{feff}foo===1.0", pin(1, "foo", "1!2+l", &[]), "\u{feff}foo===1!2+l");
    check("foo (==1.0)\n", pin(1, "foo", "1.1", &[]), "foo (==1.1)\n");
    check(
        "foo \\\n  == \\\n  1.0 \\\n  ; os_name == 'nt'\n",
        pin(1, "foo", "1.1", &[]),
        "foo \\\n  == \\\n  1.1 \\\n  ; os_name == 'nt'\n",
    );
    check("foo==1.0 -C a=b\n", pin(1, "foo", "1.1", &["aa"]), "foo==1.1 -C a=b\n");
    check("foo==1.0,!=1.5,<2\n", pin(1, "foo", "1.7", &[]), "foo==1.7,!=1.5,<2\n");
    check("foo==1.0\n", pin(1, "foo", "1.0", &[]), "foo==1.0\n");
    check("foo==1.0.0\n", pin(1, "foo", "1", &[]), "foo==1.0.0\n");
}

#[test]
fn hashes_are_replaced_in_their_layout() {
    let text = "a==1 \\\r\n    --hash=sha256:aa \\\r\n    --hash=sha256:bb\r\n    # via b\r\nb==2 --hash=sha256:cc\r\n";
    check(
        text,
        pin(1, "a", "2", &["dd", "cc"]),
        "a==2 \\\r\n    --hash=sha256:cc \\\r\n    --hash=sha256:dd\r\n    # via b\r\nb==2 --hash=sha256:cc\r\n",
    );
    check(
        text,
        pin(1, "a", "2", &["cc"]),
        "a==2 \\\r\n    --hash=sha256:cc\r\n    # via b\r\nb==2 --hash=sha256:cc\r\n",
    );
    check(
        text,
        pin(1, "a", "2", &["c1", "c2", "c3"]),
        "a==2 \\\r\n    --hash=sha256:c1 \\\r\n    --hash=sha256:c2 \\\r\n    --hash=sha256:c3\r\n    # via b\r\nb==2 --hash=sha256:cc\r\n",
    );
    check(
        text,
        pin(5, "b", "3", &["e1", "e2"]),
        &text.replace("b==2 --hash=sha256:cc", "b==3 --hash=sha256:e1 --hash=sha256:e2"),
    );
    check("a==1 --hash sha512:aa -C x=y --hash=sha256:bb", pin(1, "a", "2", &["cc"]), "a==2 --hash sha256:cc -C x=y");
    check(text, pin(1, "a", "1", &[]), text);
    check(text, pin(1, "a", "1", &["bb", "aa"]), text);
    assert_eq!(edited(text, &[pin(1, "a", "2", &[])]), Err(EditError::HashesMissing("a".to_owned())));
}

#[test]
fn additions_go_to_their_place_in_the_order() {
    check("# head\na==1\nc==1\n", add("b", "2", &[], &["a"]), "# head\na==1\nb==2\nc==1\n");
    check("# head\nb==1\n", add("a", "2", &[], &[]), "# head\na==2\nb==1\n");
    check("a==1\n# of c\nc==1", add("b", "2", &[], &[]), "a==1\nb==2\n# of c\nc==1");
    check("a==1", add("b", "2", &[], &[]), "a==1\nb==2");
    check("a==1\u{c}", add("b", "2", &[], &[]), "a==1\u{c}b==2\n");
    check("z==1\na==1\nx==1\nb==1\n\n# end\n", add("c", "2", &[], &[]), "z==1\na==1\nx==1\nb==1\nc==2\n\n# end\n");
    check("", add("a", "2", &[], &[]), "a==2\n");
    check(
        "a==1    # via -r x.in\r\nc==1  # via a\r\n",
        add("b", "2", &[], &["a", "c"]),
        "a==1    # via -r x.in\r\nb==2  # via a, c\r\nc==1  # via a\r\n",
    );
    let hashed = "a==1 \\\n    --hash=sha256:aa\n    # via\n    #   -r x.in\nz==1 \\\n    --hash=sha256:bb\n    # via a\n\n# The following packages are considered to be unsafe in a requirements file:\nsetuptools==1 --hash=sha256:cc\n";
    let new = "zz==2 \\\n    --hash=sha256:d1 \\\n    --hash=sha256:d2\n    # via\n    #   a\n    #   z\n";
    check(hashed, add("zz", "2", &["d1", "d2"], &["a", "z"]), &hashed.replace("\n\n# The", &format!("\n{new}\n# The")));
    assert_eq!(edited(hashed, &[add("zz", "2", &[], &[])]), Err(EditError::HashesMissing("zz".to_owned())));
    let there = EditError::AlreadyThere { path: PATH.to_owned(), line: 1, name: "A".to_owned() };
    assert_eq!(edited("a==1\n", &[add("A", "2", &[], &[])]), Err(there));
}

#[test]
fn removals_take_their_comments_along() {
    check(
        "a==1\nb==1 \\\n  --hash=sha256:aa\n    # via\n    #   a\n# of c\nc==1\n",
        remove(2, "B"),
        "a==1\n# of c\nc==1\n",
    );
    check("a==1\nb==1", remove(2, "b"), "a==1\n");
    check("a==1 --install-option=x\nprose, not more\nb==1\n", remove(1, "a"), "prose, not more\nb==1\n");
}

#[test]
fn several_edits_of_one_file_are_made_at_once() {
    let edits = [
        pin(1, "a", "2", &[]),
        remove(2, "b"),
        add("d", "1", &[], &[]),
        pin(3, "c", "2", &[]),
        add("e", "1", &[], &[]),
    ];
    assert_eq!(edited("a==1\nb==1\nc==1", &edits), Ok("a==2\nc==2\nd==1\ne==1".to_owned()));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let refused = |text: &str, edit: Edit| edited(text, &[edit]).map_err(|error| error.to_string());
    let row = |text: &str, edit: Edit, expect: &str| assert_eq!(refused(text, edit), Err(expect.to_owned()));
    row("a==1\n", pin(2, "a", "2", &[]), "requirements.txt:2 does not ask for a");
    row("a==1\n", pin(1, "b", "2", &[]), "requirements.txt:1 does not ask for b");
    row("a @ https://h/x.zip\n", pin(1, "a", "2", &[]), "a is not taken from a registry");
    row("a==1,!=2\n", pin(1, "a", "2", &[]), "a 2 is forbidden by `!=2` on the same line");
    row("a==1,<2\n", pin(1, "a", "2", &[]), "a 2 is forbidden by `<2` on the same line");
    row("a>=1\n", pin(1, "a", "2", &[]), "a is not pinned");
    row(
        "a==1 --hash=sha256:aa\n",
        pin(1, "a", "2", &["zz"]),
        "`sha256:zz` can't be written: its digest is not hexadecimal",
    );
    assert!(refused("a==1\n", pin(1, "a", "2\nevil==1", &[])).is_err());
    assert!(refused("a==1\n", pin(1, "a", "2 --pre", &[])).is_err());
    assert!(refused("a==1\n", add("b --pre", "2", &[], &[])).is_err());
    assert!(refused("a==1\n# via b\n", add("b", "2", &[], &["a\nevil==1"])).is_ok_and(|text| !text.contains("evil")));
    assert_eq!(
        edited("a==1\n", &[pin(1, "a", "2", &[]), pin(1, "a", "3", &[])]),
        Err(EditError::Twice(PATH.to_owned(), 1))
    );
    let tree: SourceTree = [(PATH, b"\xff\xfea\0=\0=\x001\0")].into_iter().collect();
    assert_eq!(apply(&tree, &[pin(1, "a", "2", &[])]), Err(EditError::NotUtf8(PATH.to_owned())));
    assert_eq!(apply(&SourceTree::default(), &[pin(1, "a", "2", &[])]), Err(EditError::Absent(PATH.to_owned())));
}

#[test]
fn hash_that_goes_takes_its_gap_along_whatever_option_stands_between() {
    let before = "a===1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:aa -C x=y \\\n    --hash=sha256:aa  # why\n";
    let after = "a===2 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd -C x=y  # why\n";
    assert_eq!(edited(before, &[pin(1, "a", "2", &["ab", "cd"])]), Ok(after.to_owned()));
}

#[test]
fn every_pin_of_a_real_project_can_be_changed_alone() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    #[expect(clippy::disallowed_methods, reason = "a test finds its material by the environment")]
    let root = std::env::var("SUTURE_TEST_SHARED").unwrap_or_else(|_| root.to_owned());
    let Ok(text) = std::fs::read_to_string(format!("{root}/repositories/cabot/requirements.txt")) else {
        println!("skipped: no shared repositories at {root}");
        return;
    };
    let tree: SourceTree = [(PATH, &text)].into_iter().collect();
    let (graphs, _) = detectors::dependency::pip::graphs(&tree);
    for package in &graphs[0].packages {
        let edits = [pin(package.line, &package.name, "999.1", &[])];
        let patch = apply(&tree, &edits).unwrap();
        let file = &patch.files[0];
        let is_as_intended = |edit: &Edit| verify(&file.path, &file.before, &file.after, &[edit]);
        assert_eq!(is_as_intended(&edits[0]), Ok(()));
        let changed: Vec<_> = text.lines().zip(patch.files[0].after.lines()).filter(|(was, is)| was != is).collect();
        let (was, is) = (format!("{}=={}", package.name, package.version), format!("{}==999.1", package.name));
        assert_eq!(changed, [(was.as_str(), is.as_str())]);
        // The line of another package is not taken for the edited one.
        assert!(is_as_intended(&pin(package.line + 1, &package.name, "999.1", &[])).is_err());
    }
}

proptest::proptest! {
    #[test]
    fn an_edit_keeps_every_byte_outside_of_its_requirement(text in text(), chosen in 0_usize..8, major in 5_u8..9) {
        let file = RequirementsFile::parse(&text);
        let entries: Vec<_> = file.entries.iter().filter(|entry| entry.requirement().is_some()).collect();
        if let Some(entry) = entries.get(chosen % entries.len().max(1)) {
            let requirement = entry.requirement().unwrap();
            let same = requirement.pin().unwrap_or("1");
            let hashes: Vec<_> = requirement.hashes.iter().map(|hash| hash.value.trim_start_matches("sha256:")).collect();
            if requirement.pin().is_some()
                && let Ok(unchanged) = edited(&text, &[pin(entry.line, &requirement.name, same, &hashes)])
            {
                proptest::prop_assert_eq!(&unchanged, &text);
            }
            let to = format!("{major}.1.2");
            let result = edited(&text, &[pin(entry.line, &requirement.name, &to, &["ab", "cd"])]);
            // Broken lines, addresses and what stands beside a pin can be in the way; nothing else is.
            let plain = requirement.pin().is_some() && requirement.specifiers.len() == 1 && requirement.address.is_none();
            proptest::prop_assert!(result.is_ok() || !plain || !file.errors.is_empty(), "{:?}", result);
            if let Ok(after) = result {
                proptest::prop_assert!(after.starts_with(&text[..entry.span.start]));
                proptest::prop_assert!(after.ends_with(&text[entry.span.end..]));
                let again = RequirementsFile::parse(&after);
                let found = again.entries.iter().find(|found| found.line == entry.line).and_then(|found| found.requirement()).unwrap();
                proptest::prop_assert_eq!(found.pin(), Some(to.as_str()));
                // Twice is once.
                proptest::prop_assert_eq!(edited(&after, &[pin(entry.line, &requirement.name, &to, &["ab", "cd"])]), Ok(after.clone()));
            }
            if let Ok(after) = edited(&text, &[remove(entry.line, &requirement.name)]) {
                proptest::prop_assert!(after.starts_with(&text[..entry.span.start]));
                proptest::prop_assert!(text.ends_with(&after[entry.span.start..]));
            }
        }
        if let Ok(after) = edited(&text, &[add("new", "1", &["ab"], &["foo"])]) {
            proptest::prop_assert!(after.len() > text.len());
        }
    }

    #[test]
    fn a_plain_pin_can_always_be_changed(eol in "\r?\n", gap in "[ ]{0,3}", comment in "( # [a-z ]{0,9})?", hashes in 0_usize..4, tail in "\\PC{0,20}") {
        let options: String = (0..hashes).map(|n| format!(" \\{eol}    --hash=sha256:a{n}")).collect();
        let rest = format!("{comment}{eol}# {tail}{eol}b");
        let text = format!("foo{gap}=={gap}1.0{options}{rest}");
        let new: &[&str] = if hashes == 0 { &[] } else { &["bb"] };
        let option = if hashes == 0 { String::new() } else { format!(" \\{eol}    --hash=sha256:bb") };
        proptest::prop_assert_eq!(edited(&text, &[pin(1, "foo", "2", new)]), Ok(format!("foo{gap}=={gap}2{option}{rest}")));
    }
}

/// Requirements in all layouts, with what pip and we must pass over.
fn text() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    const WORDS: &[&str] = &[
        "foo==1.0",
        "Foo_Bar.b[x] == 1.0",
        "baz>=1,<2",
        "qux~=1.4.2",
        "bare",
        "z===1.0",
        "u @ https://h/x.zip",
        " \\\n    --hash=sha256:aa",
        " \\\r\n  --hash=sha256:bb",
        " --hash sha256:cc",
        " -C x=y",
        " ; os_name == 'nt'",
        ",!=6.1.2",
        "\\\n",
        "\n",
        "\n",
        "\r\n",
        "\n    # via foo",
        "\n# head\n",
        "  # why",
        " # via foo, bar",
        " ",
        "\u{c}",
        "\u{feff}",
        "-r x.txt",
        "--pre",
        "é",
        "(",
        ")",
    ];
    let word = prop_oneof![20 => proptest::sample::select(WORDS).prop_map(str::to_owned), 1 => ".{0,3}"];
    proptest::collection::vec(word, 0..20).prop_map(|words| words.concat())
}
