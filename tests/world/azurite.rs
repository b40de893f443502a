//! Azure Blob on this machine: Azurite, which `.ci/run` installs below `target/azurite`.

use super::program::command;
use agents::environment::effects::Effects;
use agents::environment::store::{AzureAccess, Patience, Store};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// The account and the key that Azurite always has: published, and good for nothing else.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running Azurite. It is killed when it is dropped.
pub struct Azurite {
    /// `http://127.0.0.1:PORT`
    pub address: String,
    process: Child,
}

impl Azurite {
    /// Starts it on a free port with an empty memory. `None`, with a word on stderr: it is not installed.
    pub fn start() -> Option<Self> {
        // Where this very test was built (target/debug/deps), or where `.ci/run` puts it.
        let test = std::env::current_exe().unwrap();
        let targets = [
            test.ancestors().nth(3).unwrap().to_owned(),
            PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")),
        ];
        let programs = targets.map(|target| target.join("azurite/node_modules/azurite/dist/src/blob/main.js"));
        let Some(program) = programs.into_iter().find(|program| program.is_file()) else {
            eprintln!("skipped: Azurite is not installed; `.ci/run` says how");
            return None;
        };
        let mut command = command(Path::new("node"), Path::new("."));
        command.arg(program).args(["--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck"]);
        command
            .args(["--silent", "--disableTelemetry"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn().expect("node, which Azurite needs");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            line.split_once("successfully listens on ").map(|(_, address)| address.trim().to_owned())
        });
        // What it says later has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { address: address.expect("Azurite listens"), process })
    }

    /// A store in `container`, which is made. Its client goes to `address`: of Azurite, or of something before it.
    pub fn store(&self, container: &str, address: &str, patience: Patience) -> Store {
        self.make(container);
        self.unmade_store(container, address, patience)
    }

    /// The same, and the container is not made.
    pub fn unmade_store(&self, container: &str, address: &str, patience: Patience) -> Store {
        let connection = format!("AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={address}/{ACCOUNT};");
        let access = AzureAccess { connection: Some(connection.into()), patience, ..AzureAccess::default() };
        Store::azure(ACCOUNT, container, &access, Effects::default()).unwrap()
    }

    fn make(&self, container: &str) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/world/make_container.js");
        let made = command(Path::new("node"), Path::new("."))
            .args([script, &self.address, ACCOUNT, KEY, container])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
