//! Mails that a real SMTP server took and left in a Maildir.

use std::{fs, path::PathBuf, time::Duration};

use crate::eventually;

/// A Maildir, seen from the moment of [`Maildir::open`].
#[derive(Debug, Clone)]
pub struct Maildir {
    dir: PathBuf,
}

/// One mail as received.
#[derive(Debug, Clone)]
pub struct Mail {
    pub raw: String,
}

impl Mail {
    /// Decoded text of the whole mail (headers and all parts), good enough to search in.
    #[must_use]
    pub fn text(&self) -> String {
        let unfolded = self.raw.replace("\r\n", "\n");
        [decode_quoted_printable(&unfolded), decode_base64_parts(&unfolded)].join("\n")
    }

    #[must_use]
    pub fn is_to(&self, address: &str) -> bool {
        self.raw.lines().any(|l| {
            let l = l.to_ascii_lowercase();
            (l.starts_with("to:") || l.starts_with("x-rcptto:"))
                && l.contains(&address.to_ascii_lowercase())
        })
    }

    /// First link that contains `part`.
    #[must_use]
    pub fn link(&self, part: &str) -> Option<String> {
        let text = self.text();
        let at = text.find(part)?;
        let start = text[..at].rfind("http")?;
        let end = text[start..]
            .find(|c: char| c.is_whitespace() || "\"<>')".contains(c))
            .map_or(text.len(), |n| start + n);
        Some(text[start..end].to_owned())
    }
}

impl Maildir {
    #[must_use]
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn dir(&self) -> &std::path::Path {
        &self.dir
    }

    /// All mails to an address.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<Mail> {
        self.all().into_iter().filter(|mail| mail.is_to(address)).collect()
    }

    /// Everything that has arrived.
    #[must_use]
    pub fn all(&self) -> Vec<Mail> {
        ["new", "cur"]
            .iter()
            .filter_map(|sub| fs::read_dir(self.dir.join(sub)).ok())
            .flatten()
            .filter_map(|entry| fs::read(entry.ok()?.path()).ok())
            .map(|raw| Mail { raw: String::from_utf8_lossy(&raw).into_owned() })
            .collect()
    }

    /// Waits for a mail to `address` whose text contains `words`.
    pub async fn wait(&self, address: &str, words: &str, limit: Duration) -> Mail {
        eventually(&format!("a mail to {address} with {words:?}"), limit, || async {
            self.to(address).into_iter().find(|m| m.text().contains(words))
        })
        .await
    }
}

fn decode_quoted_printable(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let (mut out, mut bytes) = (Vec::new(), joined.bytes().peekable());
    while let Some(b) = bytes.next() {
        if b != b'=' {
            out.push(b);
            continue;
        }
        let pair: Vec<u8> = bytes.clone().take(2).collect();
        match std::str::from_utf8(&pair).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if pair.len() == 2 => {
                out.push(byte);
                bytes.nth(1);
            }
            _ => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn decode_base64_parts(text: &str) -> String {
    let body =
        |part: &str| part.lines().take_while(|line| !line.starts_with("--")).collect::<String>();
    text.split("\n\n").filter_map(|part| decode_base64(&body(part))).collect::<Vec<_>>().join("\n")
}

fn decode_base64(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('=');
    if text.len() < 8 {
        return None;
    }
    let (mut bits, mut n, mut out) = (0_u32, 0, Vec::new());
    for c in text.bytes() {
        let v = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(v);
        n += 6;
        if n >= 8 {
            n -= 8;
            out.push(u8::try_from((bits >> n) & 0xFF).ok()?);
        }
    }
    String::from_utf8(out).ok()
}
