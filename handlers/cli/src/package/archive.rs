//! The zip: the same files give the same bytes.

use super::stage::{HANDLER, Staged};
use crate::Failure;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

const FILE_MODE: u32 = 0o100_644;
/// The host unpacks nothing else as a program.
const HANDLER_MODE: u32 = 0o100_755;

/// Writes the files of `staged` to `out`: in the order of their names, all from the first second that a zip can tell.
pub fn write<W: Write + Seek>(staged: &Staged, out: W) -> Result<W, Failure> {
    let mut zip = ZipWriter::new(out);
    for name in &staged.files {
        let mode = if name == HANDLER { HANDLER_MODE } else { FILE_MODE };
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::DEFAULT)
            .system(System::Unix)
            .unix_permissions(mode);
        zip.start_file(name.as_str(), options).map_err(Failure::new)?;
        copy(&staged.folder.path().join(name), &mut zip)?;
    }
    zip.finish().map_err(Failure::new)
}

fn copy(path: &Path, zip: &mut impl Write) -> Result<(), Failure> {
    let copied = File::open(path).and_then(|mut file| std::io::copy(&mut file, zip));
    copied.map(|_| ()).map_err(|error| Failure(format!("{}: {error}", path.display())))
}
