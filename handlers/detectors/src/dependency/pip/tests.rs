//! Rows of requirements files and the graphs that they give.

use super::file::RequirementsFile;
use super::*;
use pipeline::dependency::Source;
use pipeline::finding::Scope;

/// Each package as `place name version scope direct via`, each direct dependency as `file:line name requirement -> place`,
/// each error as `path:line message`.
fn shown(files: &[(&str, &str)]) -> String {
    let tree: SourceTree = files.iter().copied().collect();
    let (graphs, errors) = graphs(&tree);
    let mut lines = Vec::new();
    for graph in graphs {
        lines.push(format!("[{}]", graph.manifest));
        for package in &graph.packages {
            let direct = if package.direct { "direct" } else { "transitive" };
            let version = if package.version.is_empty() { "-" } else { &package.version };
            lines.push(format!(
                "{} {} {version} {} {direct} {}",
                package.place,
                package.name,
                package.scope,
                package.via.join(">")
            ));
        }
        for need in &graph.direct {
            let written = need.written.as_ref().map(|written| format!("{}:{}", written.path, written.line)).unwrap();
            let to = need.to.map_or("nothing", |to| &graph.packages[to].place);
            lines.push(format!("{written} `{} {}` -> {to}", need.name, need.requirement));
        }
    }
    let line = |line: Option<u32>| line.map_or("-".to_owned(), |line| line.to_string());
    lines.extend(errors.iter().map(|error| format!("! {}:{} {}", error.path, line(error.line), error.message)));
    lines.join("\n")
}

#[test]
fn pins_are_packages_and_unpinned_requirements_are_noted() {
    insta::assert_snapshot!(shown(&[(
        "requirements.txt",
        "-i https://registry.example/simple\nDjango[argon2] == 3.2.1 ; python_version < \"3.10\"  # why\nflask>=1.0,<2.0\nsix\n\
         a===2004d\nb==1.2.*\nc==${VERSION}\n-e git+https://t0ken@git.example/x.git#egg=x\nd @ https://registry.example/d-1.0+c-py3-none-any.whl\n./here\n"
    )]), @r#"
    [requirements.txt]
    requirements.txt:2 Django 3.2.1 prod direct Django
    requirements.txt:3 flask - prod direct flask
    requirements.txt:4 six - prod direct six
    requirements.txt:5 a 2004d prod direct a
    requirements.txt:6 b - prod direct b
    requirements.txt:7 c - prod direct c
    requirements.txt:8 x - prod direct x
    requirements.txt:9 d 1.0+c prod direct d
    requirements.txt:10 ./here - prod direct ./here
    requirements.txt:2 `Django [argon2] == 3.2.1 ; python_version < "3.10"` -> requirements.txt:2
    requirements.txt:3 `flask >=1.0,<2.0` -> requirements.txt:3
    requirements.txt:4 `six ` -> requirements.txt:4
    requirements.txt:5 `a ===2004d` -> requirements.txt:5
    requirements.txt:6 `b ==1.2.*` -> requirements.txt:6
    requirements.txt:7 `c ==${VERSION}` -> requirements.txt:7
    requirements.txt:8 `x git+https://***@git.example/x.git#egg=x` -> requirements.txt:8
    requirements.txt:9 `d @ https://registry.example/d-1.0+c-py3-none-any.whl` -> requirements.txt:9
    requirements.txt:10 ` ./here` -> requirements.txt:10
    ! requirements.txt:3 4 are not pinned: the version is chosen at install time, so it is not judged: flask (line 3), six (line 4), b (line 6), c (line 7)
    "#);
}

#[test]
fn a_constraint_pins_what_is_asked_for_without_version() {
    insta::assert_snapshot!(shown(&[
        ("requirements.txt", "-c constraints.txt\nflask>=1\nsix==1.0\nother\n"),
        ("constraints.txt", "Flask==1.1\nsix==1.0\nitsdangerous==0.24\nother<2\n"),
        ("tools/requirements.txt", "flask\n"),
    ]), @r#"
    [requirements.txt]
    requirements.txt:3 six 1.0 prod direct six
    requirements.txt:4 other - prod direct other
    constraints.txt:1 Flask 1.1 prod direct Flask
    constraints.txt:2 six 1.0 prod direct six
    constraints.txt:3 itsdangerous 0.24 prod transitive itsdangerous
    requirements.txt:2 `flask >=1` -> constraints.txt:1
    requirements.txt:3 `six ==1.0` -> requirements.txt:3
    requirements.txt:4 `other ` -> requirements.txt:4
    [tools/requirements.txt]
    tools/requirements.txt:1 flask - prod direct flask
    tools/requirements.txt:1 `flask ` -> tools/requirements.txt:1
    ! requirements.txt:4 1 is not pinned: the version is chosen at install time, so it is not judged: other (line 4)
    ! tools/requirements.txt:1 1 is not pinned: the version is chosen at install time, so it is not judged: flask (line 1)
    "#);
}

#[test]
fn files_that_include_each_other_are_one_graph() {
    insta::assert_snapshot!(shown(&[
        ("requirements.txt", "-r requirements/base.txt\na==1\n"),
        ("requirements/base.txt", "-r more.list\nb==1\n"),
        ("requirements/more.list", "c==1\n"),
        ("requirements/dev.txt", "-r base.txt\n--requirement=only-dev.list\nd==1\n"),
        ("requirements/only-dev.list", "e==1\n"),
    ]), @r#"
    [requirements.txt]
    requirements.txt:2 a 1 prod direct a
    requirements/base.txt:2 b 1 prod direct b
    requirements/dev.txt:3 d 1 dev direct d
    requirements/more.list:1 c 1 prod direct c
    requirements/only-dev.list:1 e 1 dev direct e
    requirements.txt:2 `a ==1` -> requirements.txt:2
    requirements/base.txt:2 `b ==1` -> requirements/base.txt:2
    requirements/dev.txt:3 `d ==1` -> requirements/dev.txt:3
    requirements/more.list:1 `c ==1` -> requirements/more.list:1
    requirements/only-dev.list:1 `e ==1` -> requirements/only-dev.list:1
    "#);
}

#[test]
fn broken_lines_and_includes_are_said_and_the_rest_is_read() {
    insta::assert_snapshot!(shown(&[
        ("requirements.txt", "a==1\nnot a requirement\nb = 2\n-r missing.txt\n-r ../out.txt\n-r /etc/x.txt\n-r https://registry.example/x.txt\n\
          --unknown\nc==1 --install-option=x\nd==1; python_version << '3'\ne==1 --hash=md5:ab\n-r loop/requirements.txt\nf==\n--hash\n-r 'open\n"),
        ("loop/requirements.txt", "-r ../requirements.txt\nz==1\n"),
    ]), @r#"
    [requirements.txt]
    requirements.txt:1 a 1 prod direct a
    requirements.txt:9 c 1 prod direct c
    requirements.txt:11 e 1 prod direct e
    loop/requirements.txt:2 z 1 prod direct z
    requirements.txt:1 `a ==1` -> requirements.txt:1
    requirements.txt:9 `c ==1` -> requirements.txt:9
    requirements.txt:11 `e ==1` -> requirements.txt:11
    loop/requirements.txt:2 `z ==1` -> loop/requirements.txt:2
    ! requirements.txt:2 `not a requirement` is not a requirement: a version follows an operator, such as ==
    ! requirements.txt:3 `b = 2` is not a requirement: = is not an operator: == is
    ! requirements.txt:4 `missing.txt` does not exist
    ! requirements.txt:5 `../out.txt` is outside of the repository, so it is not read
    ! requirements.txt:6 `/etc/x.txt` is outside of the repository, so it is not read
    ! requirements.txt:7 `https://registry.example/x.txt` is not in the repository, so it is not read
    ! requirements.txt:8 pip knows no option --unknown in a requirements file
    ! requirements.txt:9 pip knows no option --install-option in a requirements file
    ! requirements.txt:10 the marker `python_version << '3'` is broken: `<<` was not expected
    ! requirements.txt:11 hash algorithm md5 is not allowed: sha256, sha384 or sha512 is
    ! requirements.txt:12 the file includes itself through `loop/requirements.txt`: pip refuses it
    ! requirements.txt:13 `f==` is not a requirement: Unexpected end of version specifier, expected version
    ! requirements.txt:14 option --hash needs a value
    ! requirements.txt:15 a quotation mark is not closed
    "#);
}

#[test]
fn compiled_files_tell_who_brings_a_package_in() {
    insta::assert_snapshot!(shown(&[(
        "requirements.txt",
        "#\n# This file is autogenerated by pip-compile with Python 3.11\n#\nclick==8.1 \\\n    --hash=sha256:aa\n    # via\n    #   flask\n\
         flask==2.0    # via -r requirements.in\nmarkupsafe==2.0\n    # via jinja2\njinja2==3.0\n    # via flask\nlost==1\n    # via gone\n"
    )]), @r#"
    [requirements.txt]
    requirements.txt:4 click 8.1 prod transitive flask>click
    requirements.txt:8 flask 2.0 prod direct flask
    requirements.txt:9 markupsafe 2.0 prod transitive flask>jinja2>markupsafe
    requirements.txt:11 jinja2 3.0 prod transitive flask>jinja2
    requirements.txt:13 lost 1 prod transitive gone>lost
    requirements.txt:4 `click ==8.1` -> requirements.txt:4
    requirements.txt:8 `flask ==2.0` -> requirements.txt:8
    requirements.txt:9 `markupsafe ==2.0` -> requirements.txt:9
    requirements.txt:11 `jinja2 ==3.0` -> requirements.txt:11
    requirements.txt:13 `lost ==1` -> requirements.txt:13
    "#);
}

#[test]
fn names_hashes_and_sources_are_kept_as_written() {
    let tree: SourceTree = [(
        "requirements.txt",
        "Foo_Bar==1!2.0+l.1 \\\r\n  --hash=sha256:aa \\\r\n  --hash sha512:bb\r\nx @ git+ssh://git@h/x\r\n",
    )]
    .into_iter()
    .collect();
    let (graphs, errors) = graphs(&tree);
    assert_eq!(errors, []);
    let [first, second] = graphs[0].packages.as_slice() else { panic!("{graphs:?}") };
    assert_eq!(first.name, "Foo_Bar");
    assert_eq!(first.purl, "pkg:pypi/foo-bar@1!2.0%2Bl.1");
    assert_eq!(first.hashes, ["sha256:aa", "sha512:bb"]);
    assert_eq!(first.scope, Scope::Prod);
    assert_eq!((second.purl.as_str(), &second.source), ("", &Source::Other("git+ssh://git@h/x".to_owned())));
}

#[test]
fn requirements_that_pip_accepts_or_refuses_are_told_apart() {
    #[track_caller]
    fn check(text: &str, expect: Result<(&str, &str), ()>) {
        let file = RequirementsFile::parse(text);
        let found = file.requirements().next().map(|(_, found)| (found.name.as_str(), found.pin().unwrap_or_default()));
        assert_eq!(found.filter(|_| file.errors.is_empty()).ok_or(()), expect, "{text}: {:?}", file.errors);
    }
    check("foo (==1.0)", Ok(("foo", "1.0")));
    check("foo [a, b] == 1.0 , != 1.1", Ok(("foo", "1.0")));
    check("foo==1.0;", Ok(("foo", "1.0")));
    check("foo==v1.0", Ok(("foo", "v1.0")));
    check("foo === 1.0-build", Ok(("foo", "1.0-build")));
    check("foo==1!2.0+local.1", Ok(("foo", "1!2.0+local.1")));
    check("foo @ git+https://h/x.git@main#egg=foo", Ok(("foo", "")));
    check("https://h/foo.zip;x ; python_version<'3'", Ok(("", "")));
    check("foo==1.0 --config-settings=\"a=b c\" -C x=y", Ok(("foo", "1.0")));
    check("foo>=1,", Ok(("foo", "")));
    check("foo_==1", Err(()));
    check("_foo", Err(()));
    check("foo==1.0[a]", Err(()));
    check("foo~=1", Err(()));
    check("foo>=1,,<2", Err(()));
    check("foo @ ./local", Err(()));
    check("foo bar", Err(()));
    check("${NAME}==1", Err(()));
    check("é==1", Err(()));
    check("==1", Err(()));
    check("; os_name == 'nt'", Err(()));
    check("foo==1\t--hash=sha256:aa", Err(()));
}

#[test]
fn included_files_with_other_names_are_asked_for() {
    let mut tree: SourceTree = [("requirements.txt", "-r deps.list\n")].into_iter().collect();
    tree.insert_unread("deps.list", 10);
    assert_eq!(unread(&tree), ["deps.list"]);
    tree.insert("deps.list", b"a==1\n".as_slice());
    assert_eq!(unread(&tree), [] as [String; 0]);
    assert_eq!(graphs(&tree).0[0].packages.len(), 1);
}

#[test]
fn files_that_are_not_utf8_are_read_only() {
    let tree: SourceTree = [("requirements.txt", b"\xff\xfea\0=\0=\x001\0".as_slice())].into_iter().collect();
    let (graphs, errors) = graphs(&tree);
    assert_eq!((graphs[0].packages[0].version.as_str(), errors), ("1", vec![]));
    assert!(graphs[0].read_only.is_some());
}

#[test]
fn a_long_chain_of_includes_ends_at_its_limit() {
    let files = (0..100).map(|n| (format!("requirements/{n}.list"), format!("-r {}.list\nx{n}==1\n", n + 1)));
    let tree: SourceTree =
        files.chain([("requirements.txt".to_owned(), "-r requirements/0.list\n".to_owned())]).collect();
    let (graphs, errors) = graphs(&tree);
    assert_eq!((graphs.len(), graphs[0].packages.len(), errors.len()), (1, includes::INCLUDE_DEPTH_MAX, 1));
}

#[test]
fn too_many_files_that_include_each_other_end_at_the_limits() {
    let count = includes::FILES_MAX + 50;
    let files = (0..count).map(|n| {
        let includes: String =
            (1..12).map(|step| format!("-r {}.txt\n-c {}.txt\n", (n + step) % count, (n * 7 + step) % count)).collect();
        (format!("requirements/{n}.txt"), format!("{includes}x{n}\ny==1\n"))
    });
    let tree: SourceTree = files.collect();
    let (graphs, errors) = graphs(&tree);
    let packages: usize = graphs.iter().map(|graph| graph.packages.len()).sum();
    assert_eq!(packages, 2 * includes::FILES_MAX);
    for limit in ["requirements files: this one and all after it", "includes: those of this file are not followed"] {
        assert!(errors.iter().any(|error| error.message.contains(limit)), "{limit}");
    }
}

#[test]
fn many_broken_lines_are_counted() {
    let tree: SourceTree = [("requirements.txt", "this is prose\n".repeat(500))].into_iter().collect();
    let (graphs, errors) = graphs(&tree);
    assert_eq!((graphs.len(), errors.len()), (0, includes::ERRORS_MAX + 1));
    assert_eq!(errors.last().map(|error| error.message.as_str()), Some("480 more lines from here on are broken"));
}

#[test]
fn the_files_of_a_real_project_are_read_whole() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    #[expect(clippy::disallowed_methods, reason = "a test finds its material by the environment")]
    let root = std::env::var("SUTURE_TEST_SHARED").unwrap_or_else(|_| root.to_owned());
    let read = |name: &str| std::fs::read(format!("{root}/repositories/cabot/{name}"));
    let (Ok(main), Ok(dev)) = (read("requirements.txt"), read("requirements-dev.txt")) else {
        println!("skipped: no shared repositories at {root}");
        return;
    };
    let tree: SourceTree = [("requirements.txt", main), ("requirements-dev.txt", dev)].into_iter().collect();
    let (graphs, errors) = graphs(&tree);
    let shown: Vec<_> =
        graphs.iter().map(|graph| (graph.manifest.as_str(), graph.packages.len(), graph.packages[0].scope)).collect();
    assert_eq!(shown, [("requirements-dev.txt", 6, Scope::Dev), ("requirements.txt", 65, Scope::Prod)]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!((errors[0].line, errors[0].message.contains("1 is not pinned")), (Some(5), true));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic_and_without_a_gap(text in text()) {
        let file = RequirementsFile::parse(&text);
        let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        for entry in &file.entries {
            assert_eq!(entry.span.start, at);
            at = entry.span.end;
            if let Some(requirement) = entry.requirement() {
                let inner = [&requirement.range].into_iter().chain(requirement.hashes.iter().map(|hash| &hash.range));
                let inner = inner.chain(requirement.specifiers.iter().flat_map(|one| [&one.range, &one.version_range]));
                for range in inner {
                    assert!(entry.span.start <= range.start && range.end <= entry.span.end);
                    assert!(text.get(range.clone()).is_some());
                }
            }
        }
        assert_eq!(at, text.len());
        let tree: SourceTree = [("requirements.txt", text)].into_iter().collect();
        drop(graphs(&tree));
    }

    #[test]
    fn any_bytes_are_decoded_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let tree: SourceTree = [("requirements.txt", bytes)].into_iter().collect();
        drop(graphs(&tree));
    }
}

/// Text made of the words that mean something in these files, and of anything.
fn text() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    const WORDS: &[&str] = &[
        "foo",
        "Foo_Bar.b",
        "==",
        "1.0",
        "===",
        ">=",
        "~=",
        ",",
        "!=1.*",
        "[a,b]",
        "[",
        "(",
        ")",
        ";",
        " ; ",
        "python_version",
        "<",
        "\"3\"",
        "'",
        "\\",
        "\\\n",
        "\\\r\n",
        "\n",
        "\r\n",
        "\r",
        "\u{c}",
        "\u{2028}",
        " ",
        "\t",
        "#",
        " # via ",
        "#egg=x",
        "--hash=sha256:aa",
        " --hash sha256:bb",
        " -r ",
        "-c",
        "-e .",
        "@",
        " @ https://h/x-1-py3-none-any.whl",
        "git+ssh://",
        "./",
        "é",
        "\u{feff}",
        "${V}",
        "not in",
        "and",
        "--",
        "x.zip",
    ];
    let word = prop_oneof![9 => proptest::sample::select(WORDS).prop_map(str::to_owned), 1 => ".{0,3}"];
    proptest::collection::vec(word, 0..30).prop_map(|words| words.concat())
}

#[test]
fn the_wheel_of_a_version_is_judged_wherever_it_comes_from() {
    use crate::dependency::matching::findings;
    use pipeline::advisory::{Advisory, RangeEvent};
    let advisory = Advisory {
        id: "PYSEC-1".to_owned(),
        ranges: vec![vec![RangeEvent::Introduced("0".to_owned()), RangeEvent::Fixed("2".to_owned())]],
        ..Advisory::default()
    };
    let text = "https://host.example/foo_bar-1.0-py3-none-any.whl\nbaz @ git+https://host.example/baz.git\n./foo_bar\n";
    let tree: SourceTree = [("requirements.txt", text)].into_iter().collect();
    let (graphs, _) = graphs(&tree);
    let judged: Vec<_> =
        graphs[0].packages.iter().filter(|package| package.is_judged()).map(|package| &*package.name).collect();
    assert_eq!(judged, ["foo_bar"]);
    assert!(!graphs[0].packages[0].is_from_registry(), "and no fix can move it");
    let found = findings(graphs.iter().map(|graph| (graph.ecosystem, graph.packages.as_slice())), |_, name| {
        if name == "foo_bar" { std::slice::from_ref(&advisory) } else { &[] }
    });
    assert_eq!((found.len(), found[0].places.as_slice()), (1, ["requirements.txt:1".to_owned()].as_slice()));
}

#[test]
fn bad_includes_of_one_file_are_counted_after_the_first() {
    let text: String = (0..500).map(|at| format!("-r gone{at}.txt\n")).collect();
    let tree: SourceTree = [("requirements.txt", text.as_str())].into_iter().collect();
    let (_, errors) = graphs(&tree);
    assert_eq!(errors.len(), includes::ERRORS_MAX + 1);
    let last = errors.last().unwrap();
    assert_eq!((last.line, last.message.as_str()), (Some(21), "480 more lines from here on are broken"));
}

#[test]
fn secrets_in_addresses_are_in_no_message() {
    let text = "-r https://me:t0ken@host.example/r.txt?key=t0ken\nx y https://t0ken@host.example/x?key=t0ken\n";
    let tree: SourceTree = [("requirements.txt", text)].into_iter().collect();
    let (_, errors) = graphs(&tree);
    assert_eq!(errors.iter().filter(|error| error.message.contains("https://host.example/")).count(), 2, "{errors:?}");
    assert!(errors.iter().all(|error| !error.message.contains("t0ken")), "{errors:?}");
}
