//! What trees say of their packages.

use super::*;
use crate::dependency;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Packages of a lockfile: name, further members.
type Entries<'a> = &'a [(&'a str, Value)];

/// A manifest and a lockfile of version 3 in which the project asks for `direct`.
fn npm(direct: &[&str], entries: Entries<'_>) -> Vec<(String, String)> {
    let asked: serde_json::Map<String, Value> =
        direct.iter().map(|name| ((*name).to_owned(), json!("1.0.0"))).collect();
    let manifest = json!({ "name": "own", "dependencies": asked });
    let mut packages = serde_json::Map::from_iter([(String::new(), manifest.clone())]);
    for (name, more) in entries {
        let mut entry = json!({ "version": "1.0.0" });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        packages.insert(format!("node_modules/{name}"), entry);
    }
    let lockfile = json!({ "lockfileVersion": 3, "packages": packages });
    vec![("package.json".to_owned(), manifest.to_string()), ("package-lock.json".to_owned(), lockfile.to_string())]
}

/// What is said of each package of the first graph of `project`, beside which stand `sources`.
fn judged(project: &[(String, String)], sources: &[(&str, &[u8])]) -> Vec<(String, Imported)> {
    let tree: SourceTree = project.iter().map(|(path, text)| (path.as_str(), text)).collect();
    let all: SourceTree =
        project.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).chain(sources.iter().copied()).collect();
    let wanted = all.paths().filter(|path| wants(path)).map(|path| (path, all.bytes(path).unwrap()));
    let (graphs, _) = dependency::graphs(&tree);
    let imported = imported(&graphs, &tree, &wanted.collect());
    graphs[0].packages.iter().map(|package| package.name.clone()).zip(imported[0].iter().copied()).collect()
}

/// What is said of `latch`, for which a project asks beside others, where `text` is in the file at `path`.
fn of_latch(path: &str, text: &str) -> Imported {
    let entries =
        [("latch", json!({ "bin": { "lx": "x.js" } })), ("latch.merge", json!({})), ("@door/latch-x", json!({}))];
    let project = npm(&["latch", "latch.merge", "@door/latch-x"], &entries);
    let sources: &[(&str, &[u8])] = &[("index.js", b"start()"), (path, text.as_bytes())];
    let judged = judged(&project, sources);
    judged.into_iter().find(|(name, _)| name == "latch").unwrap().1
}

#[test]
fn whatever_names_a_direct_dependency_imports_it() {
    for (path, text) in [
        ("a.js", "const x = require('latch')"),
        ("a.mjs", "import x from \"latch/deep/file.js\""),
        ("a.ts", "import type { X } from 'latch'"),
        ("a.ts", "import latch = require(`latch`)"),
        ("a.jsx", "const X = lazy(() => import('latch'))"),
        ("a.js", "/*/\n latch\n*/"),
        ("a.js", "// latch is not used any more"),
        ("a.js", "/** @jsxImportSource latch */"),
        ("a.js", "/*\n  @jest-environment latch\n*/"),
        ("a.js", "run(`\n  npx latch\n`)"),
        ("a.js", "loaders: ['style!latch?x']"),
        ("bin/a.mjs", "#!/usr/bin/env latch"),
        ("A.vue", "<script>\nimport x from 'latch'\n</script>"),
        ("a.svelte", "<script>import 'latch'</script>"),
        ("index.html", "<script src=/node_modules/latch/latch.min.js></script>"),
        ("a.scss", "@import ~latch/css"),
        (".github/workflows/ci.yml", "run: npx latch ."),
        ("Makefile", "all:\n\tnode_modules/.bin/latch"),
        ("Makefile", "all:\n\tlx ."),
        (".babelrc", "{ plugins: [latch] }"),
        ("web/package.json", r#"{ "scripts": { "build": "lx ." } }"#),
        ("web/package.json", r#"{ "jest": { "preset": "latch" } }"#),
        ("web/package.json", r#"{ "dependencies": { "latch": "1" } broken"#),
        ("docs/a.md", "import X from 'latch'"),
    ] {
        assert_eq!(of_latch(path, text), Imported::Seen, "{path}: {text}");
    }
}

#[test]
fn what_only_resembles_or_lists_a_dependency_does_not_import_it() {
    for (path, text) in [
        ("a.js", "const x = require('latch.merge')"),
        ("a.js", "import '@door/latch-x'"),
        ("a.js", "latch.open(); const latch = 1"),
        ("a.js", "/* a\n b */\nlatch.open()"),
        ("a.js", "require('latches'); require('xlatch'); require('latch_')"),
        ("a.vue", "<template>latches</template>"),
        ("docs/a.md", "The latch is closed."),
        ("yarn.lock", "latch@1.0.0:"),
        ("web/pnpm-lock.yaml", "latch: 1.0.0"),
        ("latch.png", "latch"),
        ("web/package.json", r#"{ "devDependencies": { "latch": "1" }, "overrides": { "latch": "1" } }"#),
    ] {
        assert_eq!(of_latch(path, text), Imported::NotSeen, "{path}: {text}");
    }
}

#[test]
fn nothing_is_certain_where_not_all_could_be_read() {
    for (path, text) in [
        ("a.js", "\0"),
        ("notes", "\u{fffe}\0"),
        (".gitmodules", "[submodule \"x\"]"),
        ("webpack.config.js", "vendor: Object.keys(require('./package.json').dependencies)"),
    ] {
        let bytes = if path == "notes" { b"\xff\xfea\0".as_slice() } else { text.as_bytes() };
        let project = npm(&["latch"], &[("latch", json!({}))]);
        let judged = judged(&project, &[("index.js", b""), (path, bytes)]);
        assert_eq!(judged[0].1, Imported::Unknown, "{path}");
    }
    assert_eq!(judged(&npm(&["latch"], &[("latch", json!({}))]), &[("README.md", b"")])[0].1, Imported::Unknown);
    assert_eq!(of_latch("program", "\x7fELF\0bolt"), Imported::NotSeen);
    let (project, mut sources) = (npm(&["latch"], &[("latch", json!({}))]), SourceTree::from_iter([("a.js", "")]));
    let tree: SourceTree = project.iter().map(|(path, text)| (path.as_str(), text)).collect();
    let (graphs, _) = dependency::graphs(&tree);
    assert_eq!(imported(&graphs, &tree, &sources), [[Imported::NotSeen]]);
    sources.has_unseen = true;
    assert_eq!(imported(&graphs, &tree, &sources), [[Imported::Unknown]]);
}

#[test]
fn what_is_loaded_unasked_is_never_certain() {
    let entries = [
        ("karma-latch", json!({})),
        ("@latch/plugin-x", json!({})),
        ("pg", json!({})),
        ("built", json!({ "hasInstallScript": true })),
        ("latch", json!({})),
    ];
    let names: Vec<&str> = entries.iter().map(|(name, _)| *name).collect();
    let judged = judged(&npm(&names, &entries), &[("index.js", b"")]);
    let certain: Vec<_> = judged.iter().filter(|(_, imported)| *imported != Imported::Unknown).collect();
    assert_eq!(certain, [&("latch".to_owned(), Imported::NotSeen)]);
}

#[test]
fn lockfile_that_does_not_tell_of_programs_leaves_all_unknown() {
    let manifest = json!({ "dependencies": { "latch": "1.0.0" } }).to_string();
    let lockfile = json!({ "lockfileVersion": 1, "dependencies": { "latch": { "version": "1.0.0" } } }).to_string();
    let project = [("package.json".to_owned(), manifest), ("package-lock.json".to_owned(), lockfile)];
    assert_eq!(judged(&project, &[("a.js", b"")])[0].1, Imported::Unknown);
    assert_eq!(judged(&project, &[("a.js", b"'latch'")])[0].1, Imported::Seen);
}

#[test]
fn package_is_imported_if_one_that_is_brings_it_in() {
    let entries = [
        ("gate", json!({ "dependencies": { "hinge": "*", "pin": "*" } })),
        ("fence", json!({ "dependencies": { "post": "*", "pin": "*" } })),
        ("eslint-plugin-x", json!({ "dependencies": { "rule": "*" }, "peerDependencies": { "parser": "*" } })),
        ("hinge", json!({ "dependencies": { "screw": "*" } })),
        ("pin", json!({})),
        ("post", json!({ "dependencies": { "nail": "*" } })),
        ("screw", json!({})),
        ("nail", json!({})),
        ("rule", json!({})),
        ("parser", json!({})),
        ("stray", json!({})),
    ];
    let project = npm(&["gate", "fence", "eslint-plugin-x"], &entries);
    let told = |text: &str| {
        let judged = judged(&project, &[("a.js", text.as_bytes())]);
        let of = |wanted: Imported| {
            let names = judged.iter().filter(|(_, imported)| *imported == wanted).map(|(name, _)| name.as_str());
            names.collect::<Vec<_>>().join(" ")
        };
        (of(Imported::Seen), of(Imported::NotSeen))
    };
    let own = |seen: &str, not_seen: &str| (seen.to_owned(), not_seen.to_owned());
    assert_eq!(told("require('gate')"), own("gate hinge pin screw", "fence post nail"));
    assert_eq!(told("require('nail')"), own("nail", "gate fence hinge pin post screw"));
    assert_eq!(told("require('fence')"), own("fence pin post nail", "gate hinge screw"));
}

#[test]
fn code_of_workspaces_counts_and_what_they_ask_for_is_direct() {
    let lockfile = json!({ "lockfileVersion": 3, "packages": {
        "": { "workspaces": ["web"] },
        "web": { "version": "1.0.0", "dependencies": { "latch": "1", "gate": "1" } },
        "node_modules/web": { "link": true, "resolved": "web" },
        "node_modules/latch": { "version": "1.0.0" },
        "web/node_modules/gate": { "version": "1.0.0" },
    }});
    let web = json!({ "name": "web", "version": "1.0.0", "dependencies": { "latch": "1", "gate": "1" } });
    let project = [
        ("package.json".to_owned(), json!({ "workspaces": ["web"] }).to_string()),
        ("web/package.json".to_owned(), web.to_string()),
        ("package-lock.json".to_owned(), lockfile.to_string()),
    ];
    let judged = judged(&project, &[("web/src/a.ts", b"import 'web'; import 'gate/x'")]);
    let of = |name: &str| judged.iter().find(|(own, _)| own == name).unwrap().1;
    assert_eq!((of("gate"), of("latch")), (Imported::Seen, Imported::NotSeen));
}

#[test]
fn alias_is_a_name_too() {
    let lockfile = json!({ "lockfileVersion": 3, "packages": {
        "": { "dependencies": { "door": "npm:latch@1" } },
        "node_modules/door": { "name": "latch", "version": "1.0.0" },
    }});
    let manifest = json!({ "dependencies": { "door": "npm:latch@1" } });
    let project =
        [("package.json".to_owned(), manifest.to_string()), ("package-lock.json".to_owned(), lockfile.to_string())];
    assert_eq!(judged(&project, &[("a.js", b"'door'")]), [("latch".to_owned(), Imported::Seen)]);
    assert_eq!(judged(&project, &[("a.js", b"'floor'")]), [("latch".to_owned(), Imported::NotSeen)]);
}

/// What is said of the package `name` of a compiled `requirements`, where `text` is in a file of Python.
fn of_python(requirements: &str, name: &str, text: &str) -> Imported {
    let project = [("requirements.txt".to_owned(), requirements.to_owned())];
    let judged = judged(&project, &[("app/main.py", text.as_bytes())]);
    judged.into_iter().find(|(own, _)| own == name).unwrap().1
}

#[test]
fn modules_of_other_names_prove_that_a_distribution_is_imported() {
    for (name, text) in [
        ("PyYAML", "import yaml"),
        ("PyYAML", "from yaml.loader import SafeLoader as L"),
        ("PyYAML", "x = importlib.import_module(\"yaml\")"),
        ("Pillow", "from PIL import Image"),
        ("beautifulsoup4", "import bs4 as soup"),
        ("opencv-python", "import numpy, cv2"),
        ("scikit-learn", "from sklearn import svm"),
        ("python-dateutil", "from dateutil.parser import parse"),
        ("protobuf", "from google.protobuf import text_format"),
        ("google-cloud-storage", "from google.cloud import storage"),
        ("ruamel.yaml", "from ruamel.yaml import YAML"),
        ("zope.interface", "import zope.interface"),
        ("django-environ", "INSTALLED_APPS = ['environ']"),
        ("Django_Rest-Swagger", "INSTALLED_APPS = [\n  \"rest_swagger\",\n]"),
        ("python-magic", "import magic"),
        ("pyodbc", "import pyodbc"),
        ("some-lib-py", "import some_lib"),
    ] {
        assert_eq!(of_python(&format!("{name}==1.0\n"), name, text), Imported::Seen, "{name}: {text}");
    }
}

#[test]
fn of_python_nothing_is_said_that_follows_from_a_guess() {
    for (name, text) in [
        ("PyYAML", "from .yaml import load"),
        ("PyYAML", "import yamlish"),
        ("some-lib", "import other"),
        // A plain list does not say whether another package needs it.
        ("Django", "import other"),
    ] {
        assert_eq!(of_python(&format!("{name}==1.0\n"), name, text), Imported::Unknown, "{name}: {text}");
    }
}

#[test]
fn compiled_file_tells_what_is_not_imported() {
    const COMPILED: &str = "\
#    pip-compile requirements.in
django==3.2
    # via -r requirements.in
mystery==1.0
    # via -r requirements.in
oauthlib==3.0
    # via
    #   fastapi
    #   flask
sqlparse==0.4
    # via django
rsa==4.0
    # via mystery
h11==0.9
    # via absent
flask==2.0
    # via -r requirements.in
fastapi==0.60
    # via -r requirements.in
";
    let of = |name: &str, text: &str| of_python(COMPILED, name, text);
    assert_eq!(of("django", "import flask"), Imported::NotSeen);
    assert_eq!(of("sqlparse", "import flask"), Imported::NotSeen);
    assert_eq!(of("sqlparse", "from django.db import models"), Imported::Seen);
    assert_eq!(of("oauthlib", "import django"), Imported::NotSeen);
    assert_eq!(of("oauthlib", "import flask"), Imported::Seen);
    assert_eq!(of("mystery", "import django"), Imported::Unknown);
    assert_eq!(of("rsa", "import django"), Imported::Unknown);
    assert_eq!(of("rsa", "import mystery"), Imported::Seen);
    assert_eq!(of("h11", "import django"), Imported::Unknown);
    let project = [("requirements.txt".to_owned(), COMPILED.to_owned())];
    assert_eq!(judged(&project, &[("a.js", b"")])[0].1, Imported::Unknown, "there is no code of Python");
}

const TEXTS: &str = "[a-c@/'\"` .\\n\\\\*-]{0,24}|require\\('(a|b|@a/b|a.b)'\\)|// (a|b)|import '(a|b)/x'|\0";

proptest! {
    #[test]
    fn more_text_never_makes_a_package_less_imported(files in prop::collection::vec(("[xy]\\.(js|ts|vue|json|py)", TEXTS), 1..4), more in TEXTS) {
        let entries =
            [("a", json!({ "dependencies": { "c": "*" } })), ("b", json!({})), ("@a/b", json!({})), ("a.b", json!({})), ("c", json!({}))];
        let project = npm(&["a", "b", "@a/b", "a.b"], &entries);
        let bytes = |files: &[(String, String)]| -> Vec<Imported> {
            let sources: Vec<(&str, &[u8])> = [("index.js", &b""[..])]
                .into_iter()
                .chain(files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())))
                .collect();
            judged(&project, &sources).into_iter().map(|(_, imported)| imported).collect()
        };
        let before = bytes(&files);
        let mut longer = files.clone();
        let last = longer.last_mut().unwrap();
        last.1 = format!("{}\n{more}", last.1);
        for (before, after) in before.iter().zip(bytes(&longer)) {
            prop_assert!(*before == Imported::Unknown || !(*before == Imported::Seen && after == Imported::NotSeen), "{files:?} {more:?}");
        }
    }

    #[test]
    fn import_of_a_direct_dependency_is_always_seen(text in TEXTS, name in "(@[a-z]{1,3}/)?[a-z][a-z0-9.-]{0,6}[a-z0-9]", form in 0..4_usize, path in "[xy]\\.(js|mjs|ts|vue|svelte)") {
        let project = npm(&[&name], &[(&name, json!({}))]);
        let import = [
            format!("import x from '{name}'"),
            format!("const x = require(\"{name}\")"),
            format!("import('{name}/sub')"),
            format!("export * from `{name}`"),
        ];
        let text = format!("{}\n{}\n{}", text.replace('\0', ""), import[form], text.replace('\0', ""));
        let judged = judged(&project, &[(&path, text.as_bytes())]);
        prop_assert_eq!(judged[0].1, Imported::Seen, "{}", text);
    }
}
