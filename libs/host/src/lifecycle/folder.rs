//! The data folder: one process at a time, and only a folder that Kefu made.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Layout of the folder that this program reads and writes.
const FORMAT: u32 = 1;
const MARKER: &str = "kefu.json";
const LOCK: &str = ".lock";
/// Made by the suite before its first start.
const ACCOUNTS: &str = "accounts.json";

#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    format: u32,
    created: DateTime<Utc>,
}

/// The folder, held until this value is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Takes the folder, making it if it is not there.
    pub(crate) fn open(path: &Path, now: DateTime<Utc>) -> Result<Self, Error> {
        let mend = "choose a folder that can be written to with data.dir (KEFU__DATA__DIR)";
        fs::create_dir_all(path)
            .map_err(|e| fault(path, format!("the data folder cannot be made ({e})"), mend))?;
        let strangers = strangers(path)
            .map_err(|e| fault(path, format!("the data folder cannot be read ({e})"), mend))?;
        let marked = path.join(MARKER).exists();
        if let (false, Some(stranger)) = (marked, strangers) {
            return Err(fault(
                path,
                format!(
                    "the data folder holds {stranger:?} but no {MARKER}: it is not Kefu's or only half written"
                ),
                "choose an empty folder with data.dir (KEFU__DATA__DIR), or remove what is in this one",
            ));
        }
        let lock = lock(path)?;
        if marked {
            check_marker(path)?
        } else {
            write_marker(path, now)?
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// A secret of 32 bytes that lives in the folder, made at the first start. Data is lost without
    /// it, so it is not made anew beside databases.
    pub(crate) fn secret(&self, name: &str) -> Result<[u8; 32], Error> {
        let path = self.path.join(name);
        let mend = "restore the file from your backup; without it sealed data cannot be opened";
        match fs::read(&path) {
            Ok(bytes) => {
                bytes.try_into().map_err(|_| fault(&path, "the secret is damaged".into(), mend))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                if self.has_databases() {
                    return Err(fault(
                        &path,
                        "the secret is missing beside existing databases".into(),
                        mend,
                    ));
                }
                let mut secret = [0_u8; 32];
                aws_lc_rs::rand::fill(&mut secret)
                    .map_err(|e| Error::other("making a secret", e.to_string()))?;
                let mend = "check the folder's rights and free space";
                write_private(&path, &secret).map_err(|e| {
                    fault(&path, format!("the secret cannot be written ({e})"), mend)
                })?;
                Ok(secret)
            }
            Err(e) => Err(fault(&path, format!("the secret cannot be read ({e})"), mend)),
        }
    }

    fn has_databases(&self) -> bool {
        let is_database = |entry: fs::DirEntry| entry.path().extension().is_some_and(|x| x == "db");
        fs::read_dir(&self.path).is_ok_and(|entries| entries.flatten().any(is_database))
    }
}

fn fault(folder: &Path, reason: String, mend: &str) -> Error {
    Error::DataFolder { folder: folder.to_owned(), reason, mend: mend.to_owned() }
}

/// Name of something in the folder that does not belong there before the first start.
fn strangers(path: &Path) -> std::io::Result<Option<String>> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if ![LOCK, MARKER, ACCOUNTS].contains(&name.as_str()) && !name.starts_with("kefu.json.") {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn lock(path: &Path) -> Result<File, Error> {
    let file = path.join(LOCK);
    let cannot = |e: std::io::Error| {
        fault(path, format!("the data folder cannot be locked ({e})"), "check its owner and rights")
    };
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&file)
        .map_err(cannot)?;
    match patiently(&lock) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let known = lock.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let who = if known {
                format!("process {}", holder.trim())
            } else {
                "another process".to_owned()
            };
            return Err(fault(
                path,
                format!("the data folder is in use by {who}"),
                "stop that process first (kill PID), or give this one a folder of its own with data.dir (KEFU__DATA__DIR)",
            ));
        }
        Err(TryLockError::Error(e)) => return Err(cannot(e)),
    }
    let write_holder = |lock: &mut File| {
        lock.set_len(0)?;
        lock.rewind()?;
        write!(lock, "{}", std::process::id())?;
        lock.flush()
    };
    write_holder(&mut lock).map_err(cannot)?;
    Ok(lock)
}

/// A process that is just ending, or one that was forked and does not run its own program yet,
/// lets go in a moment.
fn patiently(lock: &File) -> Result<(), TryLockError> {
    for _ in 0..20 {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
            outcome => return outcome,
        }
    }
    lock.try_lock()
}

fn check_marker(path: &Path) -> Result<(), Error> {
    let restore = "restore the folder from your backup, or choose an empty one with data.dir (KEFU__DATA__DIR)";
    let text = fs::read_to_string(path.join(MARKER))
        .map_err(|e| fault(path, format!("{MARKER} cannot be read ({e})"), restore))?;
    let marker: Marker = serde_json::from_str(&text)
        .map_err(|e| fault(path, format!("{MARKER} is damaged ({e})"), restore))?;
    if marker.format == FORMAT {
        return Ok(());
    }
    Err(fault(
        path,
        format!("the data folder has format {}, this program knows format {FORMAT}", marker.format),
        "start it with the version of Kefu that wrote it, or choose an empty folder with data.dir (KEFU__DATA__DIR)",
    ))
}

/// Written aside and renamed, so that a marker is whole or absent.
fn write_marker(path: &Path, now: DateTime<Utc>) -> Result<(), Error> {
    let cannot = |e: std::io::Error| {
        fault(
            path,
            format!("{MARKER} cannot be written ({e})"),
            "check the folder's rights and free space",
        )
    };
    let text = serde_json::to_vec(&Marker { format: FORMAT, created: now })
        .map_err(|e| Error::other("writing the marker", e))?;
    let aside = path.join("kefu.json.new");
    let mut file = File::create(&aside).map_err(cannot)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(cannot)?;
    fs::rename(&aside, path.join(MARKER)).map_err(cannot)
}

/// Readable by its owner alone; written aside and renamed, so that it is whole or absent.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let aside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(aside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Result<DataFolder, String> {
        DataFolder::open(path, DateTime::UNIX_EPOCH).map_err(|e| e.to_string())
    }

    #[test]
    fn one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/data");
        let first = open(&path).unwrap();
        let refused = open(&path).unwrap_err();
        assert!(
            refused.contains(&std::process::id().to_string())
                && refused.contains("KEFU__DATA__DIR"),
            "{refused}"
        );
        drop(first);
        assert!(open(&path).is_ok(), "the marker of the first one is known");
    }

    #[test]
    fn a_folder_of_others_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.odt"), "").unwrap();
        let refused = open(dir.path()).unwrap_err();
        assert!(refused.contains("thesis.odt"), "{refused}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is written there");
    }

    #[test]
    fn half_written_and_foreign_formats_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let marker = dir.path().join(MARKER);
        fs::write(&marker, "{\"for").unwrap();
        assert!(open(dir.path()).unwrap_err().contains("damaged"));
        fs::write(&marker, "{\"format\":99,\"created\":\"2026-01-01T00:00:00Z\"}").unwrap();
        assert!(open(dir.path()).unwrap_err().contains("format 99"));
        // Cut off before the marker was in its place: nothing was written yet.
        fs::remove_file(&marker).unwrap();
        fs::write(dir.path().join("kefu.json.new"), "{").unwrap();
        assert!(open(dir.path()).is_ok());
    }

    #[test]
    fn the_secret_stays_and_is_not_replaced_beside_data() {
        let dir = tempfile::tempdir().unwrap();
        let folder = open(dir.path()).unwrap();
        let secret = folder.secret("pii.key").unwrap();
        assert_eq!(folder.secret("pii.key").unwrap(), secret);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(dir.path().join("pii.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(dir.path().join("notes.db"), "").unwrap();
        fs::remove_file(dir.path().join("pii.key")).unwrap();
        let refused = folder.secret("pii.key").unwrap_err().to_string();
        assert!(refused.contains("backup"), "{refused}");
    }
}
