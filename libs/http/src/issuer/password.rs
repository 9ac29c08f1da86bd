//! Password hashes: PBKDF2-HMAC-SHA256 (RFC 8018) as `pbkdf2-sha256$ITERATIONS$SALT$HASH`, salt
//! and hash in unpadded base64.

use std::num::NonZeroU32;

use aws_lc_rs::{
    pbkdf2::{self, PBKDF2_HMAC_SHA256},
    rand,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

/// As OWASP's Password Storage Cheat Sheet recommends for PBKDF2-HMAC-SHA256.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(600_000).expect("not zero");
/// Settings that ask for more would let one login take minutes.
const MAX_ITERATIONS: u32 = 5_000_000;

#[derive(Clone)]
pub(super) struct PasswordHash {
    iterations: NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// Hashes a password for the settings file.
#[must_use]
pub fn hash(password: &str) -> String {
    let mut salt = [0; 16];
    rand::fill(&mut salt).expect("the system's random number generator works");
    let mut out = [0; 32];
    pbkdf2::derive(PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password.as_bytes(), &mut out);
    let [salt, out] = [STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(out)];
    format!("pbkdf2-sha256${ITERATIONS}${salt}${out}")
}

impl PasswordHash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('$');
        let (kind, iterations, salt, hash) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if kind != "pbkdf2-sha256" || parts.next().is_some() {
            return None;
        }
        let iterations: NonZeroU32 = iterations.parse().ok()?;
        let salt = STANDARD_NO_PAD.decode(salt).ok()?;
        let hash = STANDARD_NO_PAD.decode(hash).ok()?;
        (iterations.get() <= MAX_ITERATIONS && salt.len() >= 8 && hash.len() == 32)
            .then_some(Self { iterations, salt, hash })
    }

    /// Fits no password that anybody will find, and takes as long to tell.
    pub(super) fn of_nobody() -> Self {
        Self { iterations: ITERATIONS, salt: vec![0; 16], hash: vec![0; 32] }
    }

    /// Compares in constant time.
    pub(super) fn matches(&self, password: &str) -> bool {
        pbkdf2::verify(
            PBKDF2_HMAC_SHA256,
            self.iterations,
            &self.salt,
            password.as_bytes(),
            &self.hash,
        )
        .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_vector() {
        // RFC 7914, section 11: PBKDF2-HMAC-SHA256, P="Password", S="NaCl", c=80000, first 32 bytes.
        let known = hex::decode("4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56")
            .unwrap();
        let hash = PasswordHash {
            iterations: NonZeroU32::new(80_000).unwrap(),
            salt: b"NaCl".to_vec(),
            hash: known,
        };
        assert!(hash.matches("Password") && !hash.matches("password"));
    }

    #[test]
    fn a_hash_fits_its_password_only() {
        let parsed = PasswordHash::parse(&hash("kefu-demo")).unwrap();
        assert!(parsed.matches("kefu-demo"));
        assert!(!parsed.matches("kefu-demo "));
    }

    #[test]
    fn unreadable_hashes_are_refused() {
        for bad in [
            "",
            "plain",
            "pbkdf2-sha256$0$c2FsdHNhbHQ$aGFzaA",
            "md5$1$c2FsdHNhbHQ$aGFzaA",
            "pbkdf2-sha256$9999999999$a$b",
        ] {
            assert!(PasswordHash::parse(bad).is_none(), "{bad}");
        }
    }
}
