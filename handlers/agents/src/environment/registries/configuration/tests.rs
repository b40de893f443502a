use super::*;

fn settings() -> RegistrySettings {
    RegistrySettings::default()
}

fn files(npmrc: &str, pip_conf: &str, netrc: &str) -> UserFiles {
    UserFiles {
        npmrc: vec![("~/.npmrc".to_owned(), npmrc.to_owned().into())],
        pip_conf: vec![("pip.conf".to_owned(), pip_conf.to_owned().into())],
        netrc: Some(netrc.to_owned().into()),
    }
}

fn project(npmrc: &str, index_urls: &[&str]) -> ProjectAddresses {
    let index_urls = index_urls.iter().map(|url| (*url).to_owned()).collect();
    ProjectAddresses::of_archives([("lodash", "https://lock.example/npm/lodash/-/lodash-4.17.20.tgz")], Some(npmrc), index_urls)
}

#[track_caller]
fn check(configuration: &Configuration, name: &str, project: &ProjectAddresses, expect: &str) {
    let address = configuration.npm_address(name, project).unwrap();
    assert_eq!(address.url().as_str(), expect, "{name}");
}

#[test]
fn npm_addresses_come_from_the_setting_then_the_lockfile_then_the_repository_then_the_user() {
    let user = files("registry=https://user.example/\n@corp:registry=https://corp.example/", "", "");
    let of_repository = project("registry=https://repository.example/\n@team:registry=https://team.example/", &[]);
    let configuration = Configuration::of(&settings(), &user);
    check(&configuration, "lodash", &of_repository, "https://lock.example/npm/");
    check(&configuration, "other", &of_repository, "https://lock.example/npm/");
    check(&configuration, "@team/x", &of_repository, "https://team.example/");
    check(&configuration, "@corp/x", &of_repository, "https://corp.example/");
    check(&configuration, "lodash", &ProjectAddresses::default(), "https://user.example/");
    let npmrc_alone = ProjectAddresses::of_archives([], Some("registry=https://repository.example/"), Vec::new());
    check(&configuration, "lodash", &npmrc_alone, "https://repository.example/");

    let setting = RegistrySettings { npm_registry: Some("http://127.0.0.1:4873".to_owned()), ..settings() };
    let configuration = Configuration::of(&setting, &user);
    check(&configuration, "lodash", &of_repository, "http://127.0.0.1:4873/");
    check(&configuration, "@team/x", &of_repository, "http://127.0.0.1:4873/");
    check(&configuration, "@corp/x", &of_repository, "https://corp.example/");
}

#[test]
fn pip_addresses_come_from_the_setting_then_the_files_then_the_user() {
    let user = files("", "[global]\nindex-url=https://user.example/simple", "");
    let named = project("", &["https://${TOKEN}@evil.example/simple", "http://me:pw@file.example/simple"]);
    let address = |configuration: &Configuration, project: &ProjectAddresses| {
        configuration.pip_address(project).map(|address| (address.url().to_string(), address.trust))
    };
    let configuration = Configuration::of(&settings(), &user);
    assert_eq!(address(&configuration, &named), Ok(("https://file.example/simple/".to_owned(), Trust::Project)));
    assert_eq!(address(&configuration, &project("", &[])), Ok(("https://user.example/simple/".to_owned(), Trust::User)));
    let setting = RegistrySettings { pip_index_url: Some("https://set.example/simple".to_owned()), ..settings() };
    let configuration = Configuration::of(&setting, &user);
    assert_eq!(address(&configuration, &named), Ok(("https://set.example/simple/".to_owned(), Trust::User)));
}

#[test]
fn without_any_address_people_are_told_what_to_set() {
    let configuration = Configuration::of(&settings(), &UserFiles::default());
    let npm = configuration.npm_address("lodash", &ProjectAddresses::default()).unwrap_err().to_string();
    assert!(npm.contains("export SUTURE_NPM_REGISTRY=$(npm config get registry)"), "{npm}");
    let pip = configuration.pip_address(&ProjectAddresses::default()).unwrap_err().to_string();
    assert!(pip.contains("SUTURE_PIP_INDEX_URL"), "{pip}");
}

#[test]
fn a_project_s_address_brings_no_credential_of_its_own() {
    let foreign = project("//lock.example/:_authToken=theirs", &["https://me:theirs@file.example/simple"]);
    let configuration = Configuration::of(&settings(), &files("", "", "machine file.example login me password mine"));
    for address in [configuration.npm_address("lodash", &foreign).unwrap(), configuration.pip_address(&foreign).unwrap()] {
        assert_eq!(configuration.credentials.authorization(address.url()), None, "{address:?}");
    }
}

#[test]
fn nothing_that_is_printed_holds_a_credential() {
    let settings = RegistrySettings {
        npm_registry: Some("https://me:s3cret@a.example/".to_owned()),
        pip_index_url: Some("https://me:s3cret@b.example/simple".to_owned()),
        environment: [("TOKEN".to_owned(), "s3cret".to_owned())].into(),
        ..settings()
    };
    let files = files("//c.example/:_authToken=${TOKEN}\n_auth=s3cret", "[global]\nindex-url=https://me:s3cret@d.example", "");
    let configuration = Configuration::of(&settings, &files);
    assert!(configuration.credentials.authorization(&Url::parse("https://c.example/x").unwrap()).is_some());
    assert!(configuration.credentials.authorization(&Url::parse("https://a.example/x").unwrap()).is_some());
    let shown = format!("{settings:?} {configuration:?} {}", configuration.notes.join(" "));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn files_are_read_where_npm_and_pip_look_for_them() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join(".config/pip")).unwrap();
    std::fs::write(home.path().join(".npmrc"), "registry=https://a.example/").unwrap();
    std::fs::write(home.path().join(".config/pip/pip.conf"), "[global]\nindex-url=https://b.example/").unwrap();
    std::fs::write(home.path().join(".netrc"), "machine b.example login me password pw").unwrap();
    let settings = RegistrySettings { home: Some(home.path().to_owned()), ..settings() };
    let configuration = Configuration::of(&settings, &UserFiles::read(&settings));
    check(&configuration, "lodash", &ProjectAddresses::default(), "https://a.example/");
    let index = configuration.pip_address(&ProjectAddresses::default()).unwrap();
    assert_eq!(index.url().as_str(), "https://b.example/");
    assert!(configuration.credentials.authorization(index.url()).is_some());
}
