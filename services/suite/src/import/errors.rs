//! The file of rejected rows and of those with remarks. It has the columns of the input behind
//! those that tell what is wrong, so that rows put right in it can be imported from it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
};

/// What stands before the columns of the input.
const OWN: [&str; 5] = ["line", "outcome", "code", "pointer", "detail"];

/// As the first version of this program began its file.
const EARLIER: &str = "line,code,pointer,detail";

/// Appears with the first row.
pub struct ErrorFile {
    path: PathBuf,
    header: Vec<String>,
    writer: Option<csv::Writer<File>>,
}

impl ErrorFile {
    /// A file that an earlier run has left goes; another file under that name stays, and is an error.
    pub fn new(path: PathBuf, header: &[String]) -> Result<Self, String> {
        let told = |e: std::io::Error| format!("{}: {e}", path.display());
        if path.exists() {
            let mut first = String::new();
            BufReader::new(File::open(&path).map_err(told)?).read_line(&mut first).map_err(told)?;
            let first = first.trim_start_matches('\u{feff}');
            let ours = |own: &str| first.starts_with(own);
            // A run that was killed may have left no more than the mark.
            if !(first.is_empty() || ours(&OWN.join(",")) || ours(EARLIER)) {
                return Err(format!(
                    "{} is there and no file of errors; give another by --errors",
                    path.display()
                ));
            }
            std::fs::remove_file(&path).map_err(told)?;
        }
        Ok(Self { path, header: header.to_vec(), writer: None })
    }

    pub fn write(
        &mut self,
        line: u64,
        outcome: &str,
        [code, pointer, detail]: [&str; 3],
        cells: &[String],
    ) -> Result<(), String> {
        let told = |e: &dyn std::fmt::Display| format!("{}: {e}", self.path.display());
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let mut file = File::create(&self.path).map_err(|e| told(&e))?;
                // By this mark spreadsheets see that it is UTF-8.
                file.write_all("\u{feff}".as_bytes()).map_err(|e| told(&e))?;
                let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
                let names = OWN.into_iter().map(str::to_owned);
                let header = self.header.iter().map(|name| sheet::escape(name));
                writer.write_record(names.chain(header)).map_err(|e| told(&e))?;
                self.writer.insert(writer)
            }
        };
        let own = [&line.to_string(), outcome, code, pointer, detail].map(str::to_owned);
        let row = own.into_iter().chain(cells.iter().cloned());
        writer.write_record(row.map(|cell| sheet::escape(&cell))).map_err(|e| told(&e))
    }

    /// Where the file is, if there is one.
    pub fn finish(self) -> Result<Option<PathBuf>, String> {
        let Some(mut writer) = self.writer else { return Ok(None) };
        writer.flush().map_err(|e| format!("{}: {e}", self.path.display()))?;
        Ok(Some(self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_earlier_runs_are_replaced() {
        let path = std::env::temp_dir().join(format!("kefu-errors-{}.csv", std::process::id()));
        let open = |left: &str| {
            std::fs::write(&path, left).unwrap();
            ErrorFile::new(path.clone(), &["姓名".to_owned()])
        };
        for left in ["", "\u{feff}", "\u{feff}line,outcome,code,pointer,detail,姓名\n", EARLIER] {
            assert!(open(left).is_ok() && !path.exists(), "{left:?}");
        }
        assert!(open("\u{feff}姓名\n张三\n").is_err() && path.exists());
        std::fs::remove_file(&path).unwrap();
    }
}
