//! Bytes → text. UTF-8 and UTF-16 are told by their mark, UTF-8 also by its form; what is neither
//! is taken for GB18030 (and so GBK and GB2312, which Chinese spreadsheets write), if it looks so.

use std::{borrow::Cow, fmt};

use encoding_rs::{GB18030, UTF_16BE, UTF_16LE};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16,
    Gb18030,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Gb18030 => "GB18030",
        })
    }
}

/// The bytes are text of no encoding known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file is neither UTF-8 nor GB18030 text; save it as \"CSV UTF-8\"")]
pub struct Undecodable;

/// The text, without its byte order mark, and how it was written.
pub fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Encoding), Undecodable> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        let text = std::str::from_utf8(rest).map_err(|_| Undecodable)?;
        return Ok((text.into(), Encoding::Utf8));
    }
    for (mark, encoding) in [(b"\xff\xfe", UTF_16LE), (b"\xfe\xff", UTF_16BE)] {
        if let Some(rest) = bytes.strip_prefix(mark) {
            let text = encoding.decode_without_bom_handling_and_without_replacement(rest);
            return text.map(|text| (text, Encoding::Utf16)).ok_or(Undecodable);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok((text.into(), Encoding::Utf8));
    }
    if !looks_chinese(bytes) {
        return Err(Undecodable);
    }
    let text = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(|text| (text, Encoding::Gb18030)).ok_or(Undecodable)
}

/// Nearly any bytes decode as GB18030. Words of real texts are mostly in the plane of GB 2312, both
/// bytes from A1 on; letters with accents in a western encoding stand before ASCII instead.
fn looks_chinese(bytes: &[u8]) -> bool {
    let (mut common, mut all) = (0_usize, 0_usize);
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first < 0x80 {
            continue;
        }
        let Some((&second, after)) = tail.split_first() else { break };
        all += 1;
        common += usize::from(first >= 0xa1 && second >= 0xa1);
        // Four bytes, the second and the fourth of them digits.
        rest = if second.is_ascii_digit() { after.get(2..).unwrap_or_default() } else { after };
    }
    common * 2 >= all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn encodings_are_told_apart() {
        let text = "编号,姓名\r\nK1,张三\r\n";
        let (gbk, _, _) = GB18030.encode(text);
        assert_eq!(decode(&gbk), Ok((text.into(), Encoding::Gb18030)));
        assert_eq!(decode(text.as_bytes()), Ok((text.into(), Encoding::Utf8)));
        let marked = format!("\u{feff}{text}");
        assert_eq!(decode(marked.as_bytes()), Ok((text.into(), Encoding::Utf8)));
        let (little, big) = (utf16(&marked, u16::to_le_bytes), utf16(&marked, u16::to_be_bytes));
        assert_eq!(decode(&little), Ok((text.into(), Encoding::Utf16)));
        assert_eq!(decode(&big), Ok((text.into(), Encoding::Utf16)));
    }

    #[test]
    fn characters_beyond_gbk_are_read() {
        let text = "姓名\n㐀㐁王\u{20087}\n";
        let (bytes, _, _) = GB18030.encode(text);
        assert_eq!(decode(&bytes), Ok((text.into(), Encoding::Gb18030)));
    }

    #[test]
    fn other_encodings_are_not_taken_for_chinese() {
        assert_eq!(decode(b"name\nM\xfcller\nJos\xe9, Ren\xe9e\n"), Err(Undecodable), "Latin 1");
        assert_eq!(decode(b"\xef\xbb\xbfname\n\xd5\xc5\n"), Err(Undecodable), "not what it says");
        assert_eq!(decode(b"\xd5\xc5\xff"), Err(Undecodable), "cut off");
        assert_eq!(decode(b""), Ok(("".into(), Encoding::Utf8)));
    }
}
