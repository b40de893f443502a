use super::manifest::{Manifest, NAME};
use super::restore::restore;
use super::write::backup;
use agents::environment::effects::Effects;
use agents::environment::store::Store;
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in [
            ("journal/scan/1", "{\"at\":1}"),
            ("journal/scan/2#1", "half"),
            ("wakeups/19700101T0000/1", "{}"),
            ("cases/npm-1/run/1", "{}"),
            ("odd/with space %25", "ü"),
            ("agents.json", "{}"),
        ] {
            let path = place.state().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        // What is written about when the backup begins may be left out of it.
        let record = fs::File::options().write(true).open(place.record()).unwrap();
        record.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        fs::create_dir(place.state().join("local-host")).unwrap();
        database(&place.bus()).execute("INSERT INTO messages VALUES ('one')", []).unwrap();
        fs::write(place.state().join("local-host/host.lock"), "").unwrap();
        place
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Of work that was put off.
    fn record(&self) -> PathBuf {
        self.state().join("journal/scan/1")
    }

    fn bus(&self) -> PathBuf {
        self.state().join("local-host/bus.sqlite3")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("backup.zip")
    }

    fn new_state(&self) -> PathBuf {
        self.folder.path().join("restored")
    }

    fn backup(&self) -> Manifest {
        backup(&self.state(), &self.file(), NOW, &mut |_, _| {}).unwrap().0
    }

    fn restore(&self) -> Result<Manifest, String> {
        let restored = restore(&self.file(), &self.new_state(), false, NOW, &mut |_, _| {});
        restored.map(|(manifest, _)| manifest).map_err(|error| error.to_string())
    }

    /// What is beside the state and the backup.
    fn others(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "state" && name != "backup.zip").collect()
    }
}

fn database(file: &Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.execute_batch("CREATE TABLE IF NOT EXISTS messages (body)").unwrap();
    connection
}

fn bodies(file: &Path) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let mut query = connection.prepare("SELECT body FROM messages ORDER BY rowid").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn records(state: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut records = BTreeMap::new();
    let mut folders = vec![state.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(state).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !name.starts_with("local-host") && !name.ends_with("#1") {
                records.insert(name, fs::read(path).unwrap());
            }
        }
    }
    records
}

#[test]
fn state_comes_back_as_it_was() {
    let place = Place::new();
    let old = fs::metadata(place.state().join("agents.json")).unwrap().modified().unwrap();
    let manifest = place.backup();
    assert_eq!((manifest.records, manifest.databases), (5, 1));
    let order = ["records/agents.json", "records/wakeups/", "local-host/bus.sqlite3", "records/journal/"];
    for (entry, expect) in manifest.entries.iter().zip(order) {
        assert!(entry.path.starts_with(expect), "{} instead of {expect}", entry.path);
    }
    assert_eq!(place.restore().unwrap(), manifest);
    assert_eq!(records(&place.new_state()), records(&place.state()));
    assert_eq!(bodies(&place.new_state().join("local-host/bus.sqlite3")), ["one"]);
    let new = fs::metadata(place.new_state().join("agents.json")).unwrap().modified().unwrap();
    assert!(old.duration_since(new).unwrap().as_millis() <= 1, "its age decides when it may be forgotten");
    assert_eq!(place.others(), ["restored"]);
}

#[cfg(unix)]
#[test]
fn backup_and_state_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.backup();
    place.restore().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.file()), 0o600);
    assert_eq!(mode(&place.new_state().join("local-host")), 0o700);
    assert_eq!(mode(&place.new_state().join("local-host/bus.sqlite3")), 0o600);
}

#[cfg(unix)]
/// What the journal says of work that was put off has to be older than the copy of the messages: else what that work sent may be in neither.
#[test]
fn record_that_is_written_while_the_messages_are_copied_is_left_out() {
    let place = Place::new();
    let mut is_written = false;
    let mut told = |stage: &str, _: &str| {
        // The first time, which is before the copy.
        if stage == "copying messages" && !std::mem::replace(&mut is_written, true) {
            fs::write(place.record(), "{}").unwrap();
        }
    };
    let (manifest, _) = backup(&place.state(), &place.file(), NOW, &mut told).unwrap();
    assert!(manifest.entries.iter().all(|entry| !entry.path.ends_with("journal/scan/1")));
    assert_eq!(manifest.records, 4);
}

#[test]
fn links_are_not_followed() {
    let place = Place::new();
    fs::write(place.folder.path().join("secret"), "hush").unwrap();
    std::os::unix::fs::symlink(place.folder.path().join("secret"), place.state().join("journal/scan/9")).unwrap();
    let (manifest, passed_over) = backup(&place.state(), &place.file(), NOW, &mut |_, _| {}).unwrap();
    assert_eq!(manifest.records, 5);
    assert_eq!(passed_over.len(), 1);
}

#[test]
fn state_that_is_there_is_not_touched_unless_asked_for() {
    let place = Place::new();
    place.backup();
    let before = records(&place.state());
    let into = |force| restore(&place.file(), &place.state(), force, NOW, &mut |_, _| {});
    assert!(into(false).unwrap_err().to_string().contains("is not empty"));
    fs::write(place.state().join("later"), "1").unwrap();
    let replaced = into(true).unwrap().1.unwrap();
    assert_eq!(records(&place.state()), before);
    assert!(replaced.join("later").is_file() && replaced.display().to_string().ends_with(".before-19700101T000000"));
    let lock = fs::File::create(place.state().join("local-host/host.lock")).unwrap();
    lock.lock().unwrap();
    assert!(into(true).unwrap_err().to_string().contains("stop it first"));
}

#[test]
fn backup_is_not_written_into_the_state() {
    let place = Place::new();
    let error = backup(&place.state(), &place.state().join("backup.zip"), NOW, &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("write the backup elsewhere"), "{error}");
}

#[test]
fn damaged_backup_is_refused_whole() {
    let place = Place::new();
    place.backup();
    let whole = fs::read(place.file()).unwrap();
    let check = |bytes: &[u8], what: &str| {
        fs::write(place.file(), bytes).unwrap();
        let Err(error) = place.restore() else { panic!("{what}: it was restored") };
        assert!(error.contains("backup.zip: ") && error.contains("nothing was written"), "{what}: {error}");
        assert_eq!(place.others(), Vec::<String>::new(), "{what}");
    };
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        check(&whole[..at], &format!("cut off at {at}"));
    }
    let mut refused = 0;
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        fs::write(place.file(), &bytes).unwrap();
        // Some bytes of a zip say nothing: dates, versions. Then what comes back is the same.
        match place.restore() {
            Ok(_) => {
                assert_eq!(records(&place.new_state()), records(&place.state()), "byte {at}");
                fs::remove_dir_all(place.new_state()).unwrap();
            }
            Err(_) => refused += 1,
        }
        assert_eq!(place.others(), Vec::<String>::new(), "byte {at}");
    }
    assert!(refused > whole.len() / 7 / 2, "{refused}");
}

/// The backup with another manifest, and other entries besides.
fn forge(place: &Place, change: impl FnOnce(&mut Manifest), more: &[(&str, &str)]) {
    let mut archive = ZipArchive::new(fs::File::open(place.file()).unwrap()).unwrap();
    let mut out = ZipWriter::new(fs::File::create(place.folder.path().join("forged")).unwrap());
    let mut change = Some(change);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if name == NAME {
            let mut manifest: Manifest = serde_json::from_slice(&bytes).unwrap();
            change.take().unwrap()(&mut manifest);
            bytes = serde_json::to_vec(&manifest).unwrap();
        }
        out.start_file(name, SimpleFileOptions::default()).unwrap();
        out.write_all(&bytes).unwrap();
    }
    for (name, text) in more {
        out.start_file(*name, SimpleFileOptions::default()).unwrap();
        out.write_all(text.as_bytes()).unwrap();
    }
    out.finish().unwrap();
    fs::rename(place.folder.path().join("forged"), place.file()).unwrap();
}

#[test]
fn forged_backup_is_refused_whole() {
    let check = |change: fn(&mut Manifest), more: &[(&str, &str)], expect: &str| {
        let place = Place::new();
        place.backup();
        forge(&place, change, more);
        let error = place.restore().unwrap_err();
        assert!(error.contains(expect), "{error}");
        assert_eq!(place.others(), Vec::<String>::new());
        assert!(!place.folder.path().parent().unwrap().join("evil").exists());
    };
    check(|manifest| manifest.entries[1].path = "records/../../evil".to_owned(), &[], "is no place that a backup has");
    check(|manifest| manifest.entries[1].path = "/evil".to_owned(), &[], "is no place that a backup has");
    check(|manifest| manifest.entries[1].path = "records/agents.json/x".to_owned(), &[], "below a file");
    check(|manifest| manifest.entries[1] = manifest.entries[2].clone(), &[], "is in it twice");
    check(|manifest| manifest.records += 1, &[], "it is to have 6 records");
    check(|manifest| manifest.entries[1].bytes = u64::MAX, &[], "bytes");
    check(|manifest| manifest.entries[1].bytes += 1, &[], "is not what was backed up");
    check(|manifest| manifest.entries[1].sha256 = String::new(), &[], "is not what was backed up");
    check(|manifest| manifest.schema = "suture.backup/2".to_owned(), &[], "written by version");
    check(|_| {}, &[("../evil", "x")], "entries that its manifest does not name");
}

/// Steps as agents take them: a message in the bus leads to a record of what was done, and only then is the message gone. The
/// backup may fall between any two.
#[test]
fn backup_while_others_write_loses_no_step() {
    let place = Place::new();
    database(&place.bus()).execute_batch("CREATE TABLE sent (number)").unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let worker = std::thread::spawn({
        let (stop, bus, state) = (Arc::clone(&stop), place.bus(), place.state());
        move || {
            let connection = database(&bus);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let store = Store::folder(&state, Effects::default()).unwrap();
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let sent = format!(
                    "BEGIN; INSERT INTO messages VALUES ('{number}'); INSERT INTO sent VALUES ({number}); COMMIT"
                );
                connection.execute_batch(&sent).unwrap();
                let wake_up = format!("wakeups/19700101T0000/{number}");
                if number % 3 == 0 {
                    // Put off: the message moves to a wake-up, which is deleted once its work is in the journal.
                    runtime.block_on(store.create(&wake_up, &number)).unwrap();
                    connection.execute("DELETE FROM messages WHERE body = ?1", [number.to_string()]).unwrap();
                }
                runtime.block_on(store.create(&format!("journal/scan/{number}"), &number)).unwrap();
                runtime.block_on(store.delete(&wake_up)).unwrap();
                connection.execute("DELETE FROM messages WHERE body = ?1", [number.to_string()]).unwrap();
            }
            number
        }
    });
    for round in 0..8 {
        std::thread::sleep(std::time::Duration::from_millis(60));
        let manifest = place.backup();
        place.restore().unwrap();
        let restored = place.new_state();
        let waiting: Vec<u32> =
            bodies(&restored.join("local-host/bus.sqlite3")).iter().filter_map(|body| body.parse().ok()).collect();
        let in_folder = |folder: &str| -> Vec<u32> {
            let names = fs::read_dir(restored.join(folder)).map(|names| names.collect::<Vec<_>>()).unwrap_or_default();
            names.into_iter().filter_map(|name| name.unwrap().file_name().to_str()?.parse().ok()).collect()
        };
        let (done, put_off) = (in_folder("journal/scan"), in_folder("wakeups/19700101T0000"));
        // What was sent later than the backup began is not its matter.
        let bus = Connection::open(restored.join("local-host/bus.sqlite3")).unwrap();
        let last: u32 = bus.query_row("SELECT coalesce(max(number), 0) FROM sent", [], |row| row.get(0)).unwrap();
        drop(bus);
        for number in 1..=last {
            let is_there = done.contains(&number) || waiting.contains(&number) || put_off.contains(&number);
            assert!(is_there, "round {round}: {number} of {last} is lost; {} records", manifest.records);
        }
        fs::remove_dir_all(restored).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    assert!(worker.join().unwrap() > 8);
}
