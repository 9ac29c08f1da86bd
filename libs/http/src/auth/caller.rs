//! Extractors for the caller: [`Allowed`] and [`Public`].

use std::{future::Ready, future::ready, marker::PhantomData};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use kernel::{Actor, Context, Locale, OrgPath, Permission, Problem, TraceContext, codes, messages};

use super::{Needs, authenticator::Refusal};
use crate::{Error, request};

/// Outcome of authentication, left on the request by [`crate::edge`].
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Result<Actor, Refusal>);

/// The authenticated caller, who holds the right `P`. Without a valid token 401, without the
/// right 403.
#[derive(Debug, Clone)]
pub struct Allowed<P> {
    actor: Actor,
    locale: Locale,
    trace: TraceContext,
    right: PhantomData<P>,
}

impl<P> Allowed<P> {
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Unit whose subtree the caller sees.
    #[must_use]
    pub fn org(&self) -> &OrgPath {
        &self.actor.org
    }

    /// Language of texts for this caller.
    #[must_use]
    pub fn locale(&self) -> Locale {
        self.locale
    }

    /// Whether the caller also holds another right, like `pii:read`.
    #[must_use]
    pub fn can(&self, permission: Permission) -> bool {
        self.actor.can(permission)
    }

    /// What use cases need to know of this request.
    #[must_use]
    pub fn context(&self) -> Context {
        Context {
            trace: self.trace.clone(),
            locale: self.locale,
            ..Context::of(self.actor.clone())
        }
    }
}

impl<P: Needs> FromRequest for Allowed<P> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(allowed(req).map_err(Error))
    }
}

fn allowed<P: Needs>(req: &HttpRequest) -> Result<Allowed<P>, Problem> {
    let caller = req.extensions().get::<Caller>().cloned();
    let Some(Caller(outcome)) = caller else {
        return Err(Problem::internal("the request did not pass http::edge, which authenticates"));
    };
    let actor = outcome.map_err(Refusal::into_problem)?;
    if !actor.can(P::PERMISSION) {
        return Err(
            Problem::of(&codes::FORBIDDEN).detail(messages::permission_required(P::PERMISSION))
        );
    }
    Ok(Allowed {
        actor,
        locale: request::locale(req),
        trace: request::current().trace,
        right: PhantomData,
    })
}

/// A caller without a token: a customer with a link, a mail provider's hook. The endpoint itself
/// knows by what secret it recognises him.
#[derive(Debug, Clone)]
pub struct Public {
    locale: Locale,
    trace: TraceContext,
}

impl Public {
    #[must_use]
    pub fn locale(&self) -> Locale {
        self.locale
    }

    /// Work in the customer's name within `org`.
    #[must_use]
    pub fn context(&self, org: OrgPath) -> Context {
        Context {
            trace: self.trace.clone(),
            locale: self.locale,
            ..Context::of(Actor::customer(org))
        }
    }
}

impl FromRequest for Public {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self { locale: request::locale(req), trace: request::current().trace }))
    }
}
