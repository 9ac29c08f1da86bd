//! Keyset pages: a cursor is opaque to the caller and bound to the filter it was made for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Problem, codes, limits, messages};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Give it back as `cursor` to read on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Only on request (`total=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// The paging part of a list's query string.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PageQuery {
    pub cursor: Option<String>,
    pub limit: Option<u32>,
    pub total: Option<bool>,
}

/// Position after the last row of a page: `filter` fingerprint and sort key.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cursor<K> {
    f: u64,
    k: K,
}

impl PageQuery {
    /// Rows asked for, 50 unless told, at most [`limits::PAGE`].
    pub fn limit(&self) -> Result<u64, Problem> {
        match self.limit {
            None => Ok(50),
            Some(n) if (1..=limits::PAGE).contains(&n) => Ok(n.into()),
            Some(_) => Err(Problem::of(&codes::INVALID_QUERY).field(
                "/limit",
                "out-of-range",
                messages::between(1, limits::PAGE),
            )),
        }
    }

    /// Sort key to start after, if a cursor was given; it must stem from the same `filter`.
    pub fn after<K: DeserializeOwned>(&self, filter: &str) -> Result<Option<K>, Problem> {
        let Some(text) = &self.cursor else { return Ok(None) };
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Cursor<K>>(&bytes).ok())
            .filter(|cursor| cursor.f == fingerprint(filter))
            .map(|cursor| Some(cursor.k))
            .ok_or_else(|| Problem::of(&codes::INVALID_CURSOR))
    }
}

impl<T> Page<T> {
    /// Makes a page of `rows`, which were read with `limit + 1`; `key` gives a row's sort key.
    pub fn of<R, K: Serialize>(
        mut rows: Vec<R>,
        limit: u64,
        filter: &str,
        key: impl Fn(&R) -> K,
        map: impl FnMut(R) -> T,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| {
            let cursor = Cursor { f: fingerprint(filter), k: key(last) };
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
        });
        Self { items: rows.into_iter().map(map).collect(), next_cursor, total: None }
    }
}

/// FNV-1a, 64 bit: not a secret, only a check that cursor and filter belong together.
fn fingerprint(filter: &str) -> u64 {
    filter
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(cursor: Option<String>) -> PageQuery {
        PageQuery { cursor, ..PageQuery::default() }
    }

    #[test]
    fn a_cursor_leads_on_and_only_in_its_own_list() {
        let page = Page::of(vec![1, 2, 3], 2, "state=open", |n| *n, |n| n * 10);
        assert_eq!(page.items, [10, 20]);
        let cursor = page.next_cursor;
        assert_eq!(query(cursor.clone()).after::<i32>("state=open").unwrap(), Some(2));
        let wrong = query(cursor).after::<i32>("state=new").unwrap_err();
        assert_eq!(wrong.code, &codes::INVALID_CURSOR);
        assert!(query(Some("%%%".into())).after::<i32>("state=open").is_err());
        assert_eq!(Page::of(vec![1, 2], 2, "", |n| *n, |n| n).next_cursor, None);
    }

    #[test]
    fn the_limit_is_bounded() {
        let with = |n| PageQuery { limit: Some(n), ..PageQuery::default() }.limit();
        assert_eq!(with(200).unwrap(), 200);
        assert!(with(0).is_err() && with(201).is_err());
    }
}
