//! Connections to the mail server, kept open between mails.
//!
//! `lettre` speaks SMTP; it is handed sockets with `TCP_NODELAY`, for it writes a mail and the dot
//! after it apart, and without that option the dot waits for the server's delayed acknowledgement:
//! 40 ms a mail (the median attempt took 50 ms on loopback, and 7 ms with the option). Its own pool, as
//! of 0.11.23, opens sockets without; once a release sets the option, `AsyncSmtpTransport` can take
//! this module's place. Where TLS begins with the first byte, `lettre` opens the socket itself and the
//! wait remains.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lettre::{
    Message,
    transport::smtp::{
        self,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use tokio::net::TcpStream;

use super::told;
use crate::{
    app::send::Outcome,
    domain::{
        address::one_line,
        verdict::{self, Verdict},
    },
    settings::{Email, Tls},
};

/// A connection that was idle for longer is given up: servers close theirs after some minutes.
const IDLE: Duration = Duration::from_secs(60);

/// The connections of this process; as many as mails are sent side by side.
pub struct Connections {
    settings: Email,
    /// The last used one is the first to be used again.
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Socket(#[from] io::Error),
    #[error("{0}")]
    Smtp(#[from] smtp::Error),
}

impl Connections {
    pub fn new(settings: &Email) -> Self {
        Self { settings: settings.clone(), idle: Mutex::default() }
    }

    /// One mail; how long it may take is the caller's business.
    pub async fn send(&self, message: &Message) -> Outcome {
        match self.try_send(message).await {
            Ok(response) => Outcome {
                status: Some(response.code().into()),
                response: response.first_line().map(|line| one_line(line, 200)),
                ..Outcome::of(Verdict::Delivered)
            },
            Err(failure) => refused(&failure),
        }
    }

    async fn try_send(&self, message: &Message) -> Result<smtp::response::Response, Failure> {
        let mut connection = self.connection().await?;
        let response = connection.send(message.envelope(), &message.formatted()).await?;
        if !connection.has_broken() {
            self.idle().push((connection, Instant::now()));
        }
        Ok(response)
    }

    /// An idle connection that still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Failure> {
        while let Some(mut connection) = self.take() {
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
        self.open().await
    }

    fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle();
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Failure> {
        let Email { host, port, tls, username, password, .. } = &self.settings;
        let (server, hello) = ((host.as_str(), *port), ClientId::default());
        let parameters = || TlsParameters::new(host.clone());
        let mut connection = if *tls == Tls::Wrapped {
            AsyncSmtpConnection::connect_tokio1(server, None, &hello, Some(parameters()?), None)
                .await?
        } else {
            let socket = TcpStream::connect(server).await?;
            socket.set_nodelay(true)?;
            AsyncSmtpConnection::connect_with_transport(Box::new(socket), &hello).await?
        };
        if *tls == Tls::Starttls {
            connection.starttls(parameters()?, &hello).await?;
        }
        if !username.is_empty() {
            let login = Credentials::new(username.clone(), password.clone());
            connection.auth(DEFAULT_MECHANISMS, &login).await?;
        }
        Ok(connection)
    }
}

fn refused(failure: &Failure) -> Outcome {
    let code = match failure {
        Failure::Smtp(error) => error.status().map(u16::from),
        Failure::Socket(_) => None,
    };
    let verdict =
        code.map_or(Verdict::Retry { retry_after: None, throttle: false }, verdict::of_smtp);
    Outcome { status: code, error: Some(told(failure)), ..Outcome::of(verdict) }
}
