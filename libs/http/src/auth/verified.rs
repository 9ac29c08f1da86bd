//! Tokens that were found genuine: a caller sends the same one with every request, and checking its
//! signature costs as much as a round trip to the database.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::digest;

use super::{claims::Claims, keys::KeySet};

/// Tokens kept; beyond that all are forgotten and checked again.
const MOST: usize = 10_000;

/// SHA-256 of the token: who reads our memory finds no tokens.
type Key = [u8; 32];

/// What a token says, and the keys by which that is known.
type Known = (Arc<KeySet>, Arc<Claims>);

/// Genuine tokens with the keys that say so. Whether the time of a token has passed is not kept.
#[derive(Default)]
pub(super) struct Verified(RwLock<HashMap<Key, Known>>);

impl Verified {
    pub(super) fn key(token: &str) -> Key {
        let mut key = [0; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        key
    }

    /// What a token says, if it is known to be genuine by these keys and no others.
    pub(super) fn get(&self, key: &Key, keys: &Arc<KeySet>) -> Option<Arc<Claims>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (by, claims) = known.get(key)?;
        Arc::ptr_eq(by, keys).then(|| claims.clone())
    }

    pub(super) fn put(&self, key: Key, keys: Arc<KeySet>, claims: Arc<Claims>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, (keys, claims));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims() -> Arc<Claims> {
        Arc::new(serde_json::from_value(json!({ "sub": "amy", "exp": 1 })).unwrap())
    }

    #[test]
    fn a_token_is_known_until_the_keys_change() {
        let (verified, keys) = (Verified::default(), Arc::new(KeySet::default()));
        let key = Verified::key("a.b.c");
        assert!(verified.get(&key, &keys).is_none());
        verified.put(key, keys.clone(), claims());
        assert!(verified.get(&key, &keys).is_some());
        assert!(verified.get(&Verified::key("a.b.d"), &keys).is_none());
        assert!(verified.get(&key, &Arc::new(KeySet::default())).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let (verified, keys) = (Verified::default(), Arc::new(KeySet::default()));
        for n in 0..MOST + 5 {
            verified.put(Verified::key(&n.to_string()), keys.clone(), claims());
        }
        assert_eq!(verified.0.read().unwrap().len(), 5);
    }
}
