//! Mail to a server: a scripted one for its moods, and a real one.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use contracts::{
    Sealed,
    notification::{NoticeDelivered, NoticeFailed},
    ticketing::TicketReplied,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::AbortHandle,
};

use crate::bench::{Bench, eventually, header, mail_parts, start_with};

/// A mail server that answers every recipient with the next of its replies, the last for ever.
struct Moody {
    port: u16,
    /// Mails that it took.
    taken: Arc<Mutex<Vec<String>>>,
    replies: Arc<Mutex<Vec<&'static str>>>,
    /// Every connection that was made, open or not.
    connections: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Moody {
    async fn start(replies: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(vec![]));
        let replies = Arc::new(Mutex::new(replies.to_vec()));
        let connections: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let (mails, script, all) = (taken.clone(), replies.clone(), connections.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let talking = tokio::spawn(talk(socket, mails.clone(), script.clone()));
                all.lock().unwrap().push(talking.abort_handle());
            }
        });
        Self { port, taken, replies, connections }
    }

    /// Hangs up without a word, as a server does that is started anew.
    fn hang_up(&self) {
        self.connections.lock().unwrap().iter().for_each(AbortHandle::abort);
    }

    fn connections(&self) -> usize {
        self.connections.lock().unwrap().len()
    }

    fn settings(&self) -> String {
        format!(
            "[notification.email]\nkind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\nfrom = \"Kefu <kefu@example.com>\"",
            self.port
        )
    }

    fn taken(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

async fn talk(
    socket: tokio::net::TcpStream,
    mails: Arc<Mutex<Vec<String>>>,
    replies: Arc<Mutex<Vec<&'static str>>>,
) {
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 moody\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "RCPT" => {
                let mut replies = replies.lock().unwrap();
                if replies.len() > 1 { replies.remove(0) } else { replies[0] }
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.unwrap();
                let mut mail = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push_str("\r\n");
                }
                mails.lock().unwrap().push(mail);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        if write.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn one_mail(bench: &Bench) {
    let id = bench.customer("en", Some("li@example.com")).await;
    bench.open_ticket(Some(id)).await;
}

#[tokio::test]
async fn a_passing_refusal_is_tried_again_by_the_schedule() {
    for db in testkit::databases().await {
        let server = Moody::start(&["451 come back later", "451 and again", "250 ok"]).await;
        let bench = start_with(db, &server.settings()).await;
        one_mail(&bench).await;
        bench.app.run_jobs().await;
        let row = &bench.notices("").await[0];
        assert_eq!((row["state"].as_str(), row["attempts"].as_i64()), (Some("queued"), Some(1)));
        bench.app.clock.advance(TimeDelta::milliseconds(3_900));
        bench.app.run_jobs().await;
        assert_eq!(bench.notices("").await[0]["attempts"], 1, "5 s less a fifth are not over");
        bench.app.clock.advance(TimeDelta::milliseconds(2_200));
        bench.app.run_jobs().await;
        assert_eq!(bench.notices("").await[0]["attempts"], 2);
        assert_eq!(server.taken(), 0);
        bench.app.clock.advance(TimeDelta::seconds(361));
        bench.app.run_jobs().await;
        let row = &bench.notices("").await[0];
        assert_eq!((row["state"].as_str(), row["attempts"].as_i64()), (Some("delivered"), Some(3)));
        assert_eq!(server.taken(), 1);
        assert_eq!(bench.app.emitted_of::<NoticeDelivered>().await[0].attempts, 3);
    }
}

#[tokio::test]
async fn the_schedule_ends_after_eight_attempts() {
    for db in testkit::databases().await {
        let server = Moody::start(&["451 never"]).await;
        let bench = start_with(db, &server.settings()).await;
        one_mail(&bench).await;
        for _ in 0..10 {
            bench.app.run_jobs().await;
            bench.app.clock.advance(TimeDelta::hours(13));
        }
        let row = &bench.notices("").await[0];
        assert_eq!((row["state"].as_str(), row["attempts"].as_i64()), (Some("failed"), Some(8)));
        assert_eq!(row["reason"], "attempts_used_up");
        assert_eq!(bench.app.emitted_of::<NoticeFailed>().await.len(), 1);
    }
}

#[tokio::test]
async fn a_permanent_refusal_is_not_tried_again_and_names_no_address() {
    for db in testkit::databases().await {
        let server = Moody::start(&["550 <li@example.com> no such user"]).await;
        let bench = start_with(db, &server.settings()).await;
        one_mail(&bench).await;
        bench.app.run_jobs().await;
        bench.app.clock.advance(TimeDelta::days(2));
        bench.app.run_jobs().await;
        let row = &bench.notices("").await[0];
        assert_eq!((row["state"].as_str(), row["attempts"].as_i64()), (Some("failed"), Some(1)));
        let error = row["last_error"].as_str().unwrap();
        assert!(error.contains("l***@example.com") && !error.contains("li@"), "{error}");

        // The mailbox was made: by hand it goes out.
        *server.replies.lock().unwrap() = vec!["250 ok"];
        let admin = bench.app.as_role(kernel::Role::Admin, "/acme");
        let url = format!("/api/v1/notices/{}/retry", row["id"].as_str().unwrap());
        admin.post(&url).send().await.expect(200).done();
        bench.app.run_jobs().await;
        assert_eq!(server.taken(), 1);
        admin.post(&url).send().await.expect_problem(409, "notice-not-retryable").done();
    }
}

#[tokio::test]
async fn a_connection_is_used_again_until_the_server_closes_it() {
    for db in testkit::databases().await {
        let server = Moody::start(&["250 ok"]).await;
        let bench = start_with(db, &server.settings()).await;
        for _ in 0..3 {
            one_mail(&bench).await;
            bench.app.run_jobs().await;
        }
        assert_eq!((server.taken(), server.connections()), (3, 1));
        server.hang_up();
        one_mail(&bench).await;
        bench.app.run_jobs().await;
        assert_eq!((server.taken(), server.connections()), (4, 2));
        for row in bench.notices("").await {
            assert_eq!(row["attempts"], 1, "the closed connection cost no attempt: {row}");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_away_costs_an_attempt_only() {
    for db in testkit::databases().await {
        // A port on which nobody listens.
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let settings =
            format!("[notification.email]\nkind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}");
        let bench = start_with(db, &settings).await;
        one_mail(&bench).await;
        bench.app.run_jobs().await;
        assert_eq!(bench.notices("").await[0]["state"], "queued");
    }
}

#[tokio::test]
async fn a_real_server_takes_the_mail() {
    const MENDING: &str =
        "is not set: start the mail sink with: eval \"$(deploy/local/smtp.sh start)\"";
    let server =
        std::env::var("KEFU_TEST_SMTP").unwrap_or_else(|_| panic!("KEFU_TEST_SMTP {MENDING}"));
    let maildir = std::env::var("KEFU_TEST_MAILDIR")
        .unwrap_or_else(|_| panic!("KEFU_TEST_MAILDIR {MENDING}"));
    let (host, port) = server.rsplit_once(':').unwrap();
    for db in testkit::databases().await {
        let settings =
            format!("[notification.email]\nkind = \"smtp\"\nhost = {host:?}\nport = {port}");
        let bench = start_with(db, &settings).await;
        let address = format!("{}@example.com", kernel::new_id().simple());
        let id = bench.customer("zh-CN", Some(&address)).await;
        let answer = "您的包裹已找到，<明天>送达。";
        let replied = TicketReplied {
            ticket: crate::bench::ticket(Some(id)),
            article_id: kernel::new_id(),
            direction: "outbound".into(),
            author: "li".into(),
            first_response: true,
            body: Some(Sealed(bench.app.pii.seal(answer))),
        };
        bench.app.deliver(replied).await;
        bench.app.run_jobs().await;
        assert_eq!(bench.notices("").await[0]["state"], "delivered");
        let folder = std::path::Path::new(&maildir).join("new");
        let mail = eventually("the mail", async || {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let files = std::fs::read_dir(&folder).ok()?;
            files
                .filter_map(|f| std::fs::read_to_string(f.ok()?.path()).ok())
                .find(|mail| mail.contains(&address))
        })
        .await;
        let mail = mail.replace("\r\n", "\n").replace('\n', "\r\n");
        assert!(header(&mail, "Subject").contains("关于您诉求的答复"), "{mail}");
        let (text, html) = mail_parts(&mail);
        assert!(text.contains(answer) && html.contains("&lt;明天&gt;"), "{text}{html}");
    }
}
