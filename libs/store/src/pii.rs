//! Cipher for personal data: AES-256-GCM with key ids for rotation, and a keyed hash (HMAC-SHA-256)
//! by which an encrypted value can be found again ("blind index").
//!
//! A sealed value is text: `KEYID.base64url(nonce ‖ ciphertext ‖ tag)`.

use std::{collections::BTreeMap, fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf, hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

#[derive(Debug, thiserror::Error)]
pub enum PiiError {
    #[error(
        "a personal-data key is 32 bytes, given as 64 hexadecimal digits under an id of a-z and 0-9"
    )]
    BadKey,
    #[error("the active personal-data key {0:?} is not among the keys")]
    NoActiveKey(String),
    #[error("a sealed value cannot be opened: {0}")]
    Sealed(&'static str),
}

/// Seals, opens and indexes personal data. Cheap to clone.
#[derive(Clone)]
pub struct Pii(Arc<Keys>);

struct Keys {
    active: String,
    ciphers: BTreeMap<String, RandomizedNonceKey>,
    index: hmac::Key,
}

impl fmt::Debug for Pii {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pii(active key {})", self.0.active)
    }
}

impl Pii {
    /// `keys`: id → 64 hexadecimal digits; `active` seals, all of them open. `index_key` (64
    /// digits) must never change while data lives, for every blind index depends on it.
    pub fn new(
        keys: &BTreeMap<String, String>,
        active: &str,
        index_key: &str,
    ) -> Result<Self, PiiError> {
        let mut ciphers = BTreeMap::new();
        for (id, key) in keys {
            let bytes = key_bytes(key)?;
            if id.is_empty() || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
                return Err(PiiError::BadKey);
            }
            ciphers.insert(
                id.clone(),
                RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| PiiError::BadKey)?,
            );
        }
        if !ciphers.contains_key(active) {
            return Err(PiiError::NoActiveKey(active.to_owned()));
        }
        let index = hmac::Key::new(hmac::HMAC_SHA256, &key_bytes(index_key)?);
        Ok(Self(Arc::new(Keys { active: active.to_owned(), ciphers, index })))
    }

    /// Derives a cipher key and an index key from one secret (HKDF-SHA-256), for the suite and tests.
    pub fn from_secret(secret: &[u8]) -> Result<Self, PiiError> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"kefu personal data").extract(secret);
        let derive = |label: &'static [u8]| {
            let mut key = [0_u8; 32];
            prk.expand(&[label], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut key))
                .map(|()| hex::encode(key))
                .map_err(|_| PiiError::BadKey)
        };
        Self::new(
            &BTreeMap::from([("k1".to_owned(), derive(b"cipher")?)]),
            "k1",
            &derive(b"index")?,
        )
    }

    #[must_use]
    pub fn seal(&self, plain: &str) -> String {
        let cipher = &self.0.ciphers[&self.0.active];
        let mut data = plain.as_bytes().to_vec();
        let nonce = cipher
            .seal_in_place_append_tag(Aad::empty(), &mut data)
            .expect("AES-GCM seals any text below 64 GiB");
        let sealed = [nonce.as_ref().as_slice(), &data].concat();
        format!("{}.{}", self.0.active, URL_SAFE_NO_PAD.encode(sealed))
    }

    pub fn open(&self, sealed: &str) -> Result<String, PiiError> {
        let (id, data) = sealed.split_once('.').ok_or(PiiError::Sealed("no key id"))?;
        let cipher = self.0.ciphers.get(id).ok_or(PiiError::Sealed("unknown key id"))?;
        let data = URL_SAFE_NO_PAD.decode(data).map_err(|_| PiiError::Sealed("not base64"))?;
        if data.len() < NONCE_LEN {
            return Err(PiiError::Sealed("too short"));
        }
        let (nonce, body) = data.split_at(NONCE_LEN);
        let nonce =
            Nonce::try_assume_unique_for_key(nonce).map_err(|_| PiiError::Sealed("bad nonce"))?;
        let mut body = body.to_vec();
        let plain = cipher
            .open_in_place(nonce, Aad::empty(), &mut body)
            .map_err(|_| PiiError::Sealed("wrong key or altered"))?;
        String::from_utf8(plain.to_vec()).map_err(|_| PiiError::Sealed("not text"))
    }

    /// Keyed hash of a normalised value, for lookup and unique constraints; `kind` keeps equal
    /// values of different kinds apart. 43 characters.
    #[must_use]
    pub fn blind(&self, kind: &str, normalised: &str) -> String {
        let message = [kind.as_bytes(), b"\0", normalised.as_bytes()].concat();
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0.index, &message))
    }
}

fn key_bytes(text: &str) -> Result<[u8; 32], PiiError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| PiiError::BadKey)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_values_open_again_and_survive_rotation() {
        let key = |c: char| c.to_string().repeat(64);
        let old = Pii::new(&BTreeMap::from([("a".into(), key('1'))]), "a", &key('9')).unwrap();
        let sealed = old.seal("张三 13800138000");
        assert!(!sealed.contains("138"));
        assert_ne!(sealed, old.seal("张三 13800138000"));
        let both = BTreeMap::from([("a".into(), key('1')), ("b".into(), key('2'))]);
        let new = Pii::new(&both, "b", &key('9')).unwrap();
        assert_eq!(new.open(&sealed).unwrap(), "张三 13800138000");
        assert!(new.seal("x").starts_with("b."));
        assert_eq!(old.blind("phone", "+86138"), new.blind("phone", "+86138"));
        assert_ne!(old.blind("phone", "1"), old.blind("email", "1"));
    }

    #[test]
    fn an_altered_value_is_refused() {
        let pii = Pii::from_secret(b"test").unwrap();
        let mut sealed = pii.seal("secret");
        let last = if sealed.ends_with('A') { 'B' } else { 'A' };
        sealed.replace_range(10..11, &last.to_string());
        assert!(pii.open(&sealed).is_err());
        assert!(pii.open("zz.AAAA").is_err());
    }
}
