//! Who calls, and whether he may: bearer tokens verified against a JWKS, and extractors that put
//! the required right into a handler's signature.

mod authenticator;
mod caller;
mod claims;
mod keys;
pub mod may;
mod verified;

pub use authenticator::{AuthSettings, Authenticator};
pub(crate) use authenticator::{Refusal, bearer_token};
pub(crate) use caller::Caller;
pub use caller::{Allowed, Public};
pub use claims::ClaimNames;
pub use keys::KeySource;
pub use may::Needs;
