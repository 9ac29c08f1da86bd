//! E-mail: by SMTP, or as files for a suite without a mail server.
//!
//! At least once: a process that dies between the server's "250" and our commit sends the mail
//! again, with the same `Message-ID`, by which a receiver may tell.

use std::{path::PathBuf, time::Duration};

use chrono::{DateTime, Utc};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use uuid::Uuid;

use super::{smtp::Connections, told};
use crate::{
    app::send::Outcome,
    domain::{
        address::{masked, one_line},
        template::Texts,
        verdict::Verdict,
    },
    settings::{Email, MailKind},
};

/// One mail.
pub struct Mail {
    /// Of the delivery; becomes the `Message-ID`.
    pub id: Uuid,
    pub to_name: String,
    pub to_address: String,
    pub texts: Texts,
    pub date: DateTime<Utc>,
}

/// Sends mails in the way that the settings name.
pub struct Mailer {
    settings: Email,
    smtp: Connections,
}

/// RFC 3834: keeps out-of-office replies from answering us.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    pub fn new(settings: &Email) -> Self {
        Self { settings: settings.clone(), smtp: Connections::new(settings) }
    }

    pub async fn send(&self, mail: Mail) -> Outcome {
        let address = mail.to_address.clone();
        let id = mail.id;
        let message = match compose(&self.settings.from, mail) {
            Ok(message) => message,
            Err(error) => return Outcome::permanent(error.replace(&address, &masked(&address))),
        };
        let limit = Duration::from_secs(self.settings.timeout_secs);
        let sent = match self.settings.kind {
            MailKind::Smtp => tokio::time::timeout(limit, self.smtp.send(&message)).await,
            MailKind::File => tokio::time::timeout(limit, self.to_file(id, message)).await,
            MailKind::None => return Outcome::suppressed("channel_off"),
        };
        let mut outcome = sent.unwrap_or_else(|_| {
            Outcome::retry(format!("the mail server did not answer within {limit:?}"))
        });
        // Servers like to repeat the address in their refusal; the ledger does not hold it.
        outcome.error = outcome.error.map(|error| error.replace(&address, &masked(&address)));
        outcome
    }

    /// Written under another name first: whoever reads the folder sees whole mails only.
    async fn to_file(&self, id: Uuid, message: Message) -> Outcome {
        let folder = &self.settings.folder;
        let (part, whole) = (folder.join(format!(".{id}.part")), folder.join(format!("{id}.eml")));
        match write(folder, part, whole, message.formatted()).await {
            Ok(()) => Outcome::of(Verdict::Delivered),
            Err(error) => Outcome::retry(format!("{}: {error}", folder.display())),
        }
    }
}

async fn write(
    folder: &PathBuf,
    part: PathBuf,
    whole: PathBuf,
    bytes: Vec<u8>,
) -> std::io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    tokio::fs::write(&part, bytes).await?;
    tokio::fs::rename(&part, &whole).await
}

/// The message; an error is a text that names what is wrong with it.
fn compose(from: &Mailbox, mail: Mail) -> Result<Message, String> {
    let address: Address = mail
        .to_address
        .trim()
        .parse()
        .map_err(|e| format!("{} is no e-mail address: {e}", mail.to_address))?;
    let name = one_line(&mail.to_name, 100);
    let to = Mailbox::new((!name.is_empty()).then_some(name), address);
    let builder = Message::builder()
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
        .date(mail.date.into())
        .from(from.clone())
        .to(to)
        .subject(one_line(&mail.texts.subject, 200))
        .header(AutoSubmitted);
    let built = match mail.texts.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(mail.texts.text, html)),
        None => builder.singlepart(SinglePart::plain(mail.texts.text)),
    };
    built.map_err(|e| told(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(name: &str, address: &str, subject: &str) -> Mail {
        Mail {
            id: Uuid::from_u128(7),
            to_name: name.into(),
            to_address: address.into(),
            texts: Texts {
                subject: subject.into(),
                text: "您好".into(),
                html: Some("<p>您好</p>".into()),
            },
            date: DateTime::from_timestamp(1_770_000_000, 0).unwrap(),
        }
    }

    fn formatted(mail: Mail) -> Result<String, String> {
        let from = "Kefu <kefu@example.com>".parse().unwrap();
        compose(&from, mail).map(|m| String::from_utf8(m.formatted()).unwrap())
    }

    #[test]
    fn headers_of_a_mail() {
        let text = formatted(mail("李雷", "li@example.org", "投诉已受理")).unwrap();
        assert!(text.contains("Auto-Submitted: auto-generated\r\n"), "{text}");
        assert!(
            text.contains("Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n")
        );
        assert!(text.contains("multipart/alternative"));
    }

    #[test]
    fn headers_cannot_be_injected() {
        let evil = "x\r\nBcc: victim@example.com\r\n\r\nbody";
        let text = formatted(mail(evil, "li@example.org", evil)).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|l| l.to_ascii_lowercase().starts_with("bcc")), "{head}");
        for bad in ["li@example.org\r\nBcc: v@example.com", "a@b, c@d", "nobody", ""] {
            assert!(formatted(mail("x", bad, "s")).is_err(), "{bad}");
        }
    }
}
