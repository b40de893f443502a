use super::*;
use serde_json::json;

const HASH_A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const HASH_B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn page() -> Url {
    Url::parse("https://index.example/simple/a-b/").unwrap()
}

fn read(document: &Value) -> Project {
    read_json(document.to_string().as_bytes(), &page(), "a-b").unwrap()
}

#[test]
fn files_become_releases() {
    let project = read(&json!({
        "versions": ["1.0.0", "1.0", "2.0"],
        "files": [
            {"filename": "a_b-1.0-py3-none-any.whl", "url": "../../files/a_b-1.0-py3-none-any.whl", "hashes": {"sha256": HASH_A},
             "requires-python": ">=3.8", "upload-time": "2020-01-02T00:00:00.5Z", "yanked": false, "core-metadata": {"sha256": HASH_B}},
            {"filename": "a-b-1.0.tar.gz", "url": "https://files.example/a-b-1.0.tar.gz", "hashes": {"sha256": HASH_B},
             "upload-time": "2020-01-01T00:00:00Z", "yanked": "bad"},
            {"filename": "a-b-2.0.tar.gz", "url": "https://files.example/a-b-2.0.tar.gz", "hashes": {}, "yanked": ""},
            {"filename": "a-b-2.0.win32.exe", "url": "https://files.example/x.exe", "hashes": {"sha256": HASH_A}},
            {"filename": 7}, "odd", null,
        ],
    }));
    let [one, two] = project.facts.releases.as_slice() else { panic!("{project:?}") };
    assert_eq!(one.version, "1.0");
    assert_eq!(one.hashes, [format!("sha256:{HASH_A}"), format!("sha256:{HASH_B}")]);
    assert_eq!(one.published.map(|time| time.to_string()).as_deref(), Some("2020-01-01T00:00:00Z"));
    assert_eq!(one.engines.get("python").map(String::as_str), Some(">=3.8"));
    assert!(!one.yanked && two.yanked);
    assert_eq!((two.version.as_str(), two.published, two.hashes.len()), ("2.0", None, 0));
    let metadata = MetadataFile {
        url: "https://index.example/files/a_b-1.0-py3-none-any.whl.metadata".to_owned(),
        metadata: Metadata::Present(Some(HASH_B.to_owned())),
    };
    assert_eq!(project.metadata, [("1.0".to_owned(), metadata)].into());
}

#[test]
fn equal_versions_are_one_release_spelled_as_the_index_does() {
    let project = read(&json!({
        "versions": ["1.0.0"],
        "files": [
            {"filename": "a_b-1-py3-none-any.whl", "url": "w.whl", "hashes": {}},
            {"filename": "a-b-1.0.tar.gz", "url": "s.tar.gz", "hashes": {}},
        ],
    }));
    let versions: Vec<_> = project.facts.releases.iter().map(|release| release.version.as_str()).collect();
    assert_eq!(versions, ["1.0.0"]);
}

#[test]
fn html_says_the_same_without_times() {
    let text = format!(
        "<!DOCTYPE html><html><body><h1>Links</h1>\n\
         <a href=\"../../files/a_b-1.0-py3-none-any.whl#sha256={HASH_A}\" data-requires-python=\"&gt;=3.8\" data-dist-info-metadata=\"sha256={HASH_B}\">a_b-1.0-py3-none-any.whl</a>\
         <A HREF='https://files.example/a-b-2.0.tar.gz#md5=1' data-yanked>a-b-2.0.tar.gz</A><a>no link</a><a href=\"http://[\">odd</a>",
    );
    let project = read_html(&text, &page(), "a-b");
    let [one, two] = project.facts.releases.as_slice() else { panic!("{project:?}") };
    assert_eq!((one.version.as_str(), one.published, one.yanked), ("1.0", None, false));
    assert_eq!(one.hashes, [format!("sha256:{HASH_A}")]);
    assert_eq!(one.engines.get("python").map(String::as_str), Some(">=3.8"));
    assert_eq!((two.version.as_str(), two.yanked, two.hashes.len()), ("2.0", true, 0));
    assert_eq!(project.metadata["1.0"].metadata, Metadata::Present(Some(HASH_B.to_owned())));
    assert_eq!(project.metadata["1.0"].url, "https://index.example/files/a_b-1.0-py3-none-any.whl.metadata");
}

#[test]
fn an_index_that_does_not_say_is_tried_and_one_that_denies_is_not() {
    let entry = |name: &str, said: Value| json!({"filename": name, "url": name, "hashes": {}, "core-metadata": said});
    let project = read(&json!({"files": [
        entry("a_b-1.0-py3-none-any.whl", Value::Null),
        entry("a_b-2.0-py3-none-any.whl", json!(false)),
        entry("a_b-3.0-cp39-cp39-linux_x86_64.whl", Value::Null),
        entry("a_b-3.0-py3-none-any.whl", json!(true)),
        entry("a-b-4.0.tar.gz", Value::Null),
    ]}));
    let known: Vec<_> = project.metadata.iter().map(|(version, file)| (version.as_str(), file.metadata.clone())).collect();
    assert_eq!(known, [("1.0", Metadata::Unsaid), ("3.0", Metadata::Present(None))]);
}

#[test]
fn what_is_no_page_is_an_error_and_no_panic() {
    for text in ["", "[]", "{\"files\": {}}", "{\"files\": [", "{} {}"] {
        assert!(read_json(text.as_bytes(), &page(), "a-b").is_err(), "{text}");
    }
    for text in ["", "<", "<a href", "<a href=\"\u{0}\">", "\u{feff}"] {
        assert_eq!(read_html(text, &page(), "a-b"), Project::default(), "{text}");
    }
}

#[test]
fn names_are_normalised_as_pep_503_says() {
    for (name, expect) in [("Zope.Interface", "zope-interface"), ("a__b-.c", "a-b-c"), (" x ", "x"), ("", "")] {
        assert_eq!(normalised_name(name), expect, "{name}");
    }
}
