//! The issuer's signing key: made once, kept in a file that only its owner reads.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    EncodingKey,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, KeyAlgorithm,
        OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse, ThumbprintHash,
    },
};

/// An Ed25519 key with its public half as a JWK, whose id is its thumbprint (RFC 7638).
pub struct SigningKey {
    private: EncodingKey,
    public: Jwk,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the signing key file {0} cannot be read or written")]
    File(String, #[source] io::Error),
    #[error("the signing key cannot be used: {0}")]
    Unusable(&'static str),
}

impl SigningKey {
    /// A key for this process only.
    pub fn ephemeral() -> Result<Self, KeyError> {
        Self::from_pkcs8(&generate()?)
    }

    /// The key in `path`, which is made (mode 0600) when it is not there. Of processes that start
    /// at once all end up with the same key.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let file = |e| KeyError::File(path.display().to_string(), e);
        if !path.try_exists().map_err(file)? {
            create(path, &generate()?).map_err(file)?;
        }
        let mode = fs::metadata(path).map_err(file)?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(path = %path.display(), mode = format!("{mode:o}"), "the signing key was open to others; closing it");
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(file)?;
        }
        let text = fs::read_to_string(path).map_err(file)?;
        let pkcs8 = STANDARD
            .decode(text.trim())
            .map_err(|_| KeyError::Unusable("the file is not base64"))?;
        Self::from_pkcs8(&pkcs8)
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8)
            .map_err(|_| KeyError::Unusable("it is no Ed25519 key"))?;
        let algorithm = AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: URL_SAFE_NO_PAD.encode(pair.public_key()),
        });
        let common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(KeyAlgorithm::EdDSA),
            ..CommonParameters::default()
        };
        let mut public = Jwk { common, algorithm };
        let thumbprint = public.thumbprint(ThumbprintHash::SHA256);
        public.common.key_id =
            Some(thumbprint.map_err(|_| KeyError::Unusable("it has no thumbprint"))?);
        Ok(Self { private: EncodingKey::from_ed_der(pkcs8), public })
    }

    pub(super) fn jwk(&self) -> &Jwk {
        &self.public
    }

    pub(super) fn encoding_key(&self) -> &EncodingKey {
        &self.private
    }
}

fn generate() -> Result<Vec<u8>, KeyError> {
    Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map(|document| document.as_ref().to_vec())
        .map_err(|_| KeyError::Unusable("none could be made"))
}

/// Writes beside and links: the file is there whole or not at all, and the first one wins.
fn create(path: &Path, pkcs8: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = folder.join(format!(".signing-key-{}", kernel::new_id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let written = file.write_all(STANDARD.encode(pkcs8).as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&beside, path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    });
    fs::remove_file(&beside)?;
    linked?;
    // The name must outlive a power cut as well, or tokens lose their key.
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/issuer.key");
        let first = SigningKey::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let second = SigningKey::open(&path).unwrap();
        assert_eq!(first.jwk(), second.jwk());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        fs::write(&path, "???").unwrap();
        assert!(SigningKey::open(&path).is_err());
    }
}
