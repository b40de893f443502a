//! Plans, carried out in files with odd names.

use detectors::source_tree::SourceTree;
use pipeline::facts::Facts;
use pipeline::patch::{Change, Plan};
use remedies::update_dependency::apply;

#[test]
fn colon_in_a_path_is_no_line() {
    let path = "a/b:c/requirements.txt";
    let tree: SourceTree = [(path, "x==1\ny==1\n")].into_iter().collect();
    let (graphs, errors) = detectors::dependency::graphs(&tree);
    assert_eq!((graphs.len(), errors), (1, Vec::new()));
    let package = graphs[0].packages.iter().find(|package| package.name == "y").unwrap();
    let (place, name) = (package.place.clone(), package.name.clone());
    let changes = vec![Change::Update { place, name, from: "1".to_owned(), to: "2".to_owned() }];
    let patch = apply(&graphs[0], &Plan { changes, ..Plan::default() }, &Facts::default(), &tree).unwrap();
    let [file] = &patch.files[..] else { panic!("{patch:?}") };
    assert_eq!((file.path.as_str(), file.after.as_str()), (path, "x==1\ny==2\n"));
}
