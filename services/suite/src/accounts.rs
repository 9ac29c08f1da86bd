//! Accounts of the built-in issuer: made once per data folder with random passwords, kept in
//! `accounts.json` (readable by its owner only). For trying out and for small installations; a
//! company's own OIDC provider replaces them by configuration.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use kernel::{Permission, Role};
use serde::{Deserialize, Serialize};

pub const FILE: &str = "accounts.json";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    pub users: Vec<User>,
    pub clients: Vec<Client>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub name: String,
    pub display_name: String,
    /// Kept readable, so that a newcomer can look it up; the issuer itself knows the hash only.
    pub password: String,
    pub password_hash: String,
    pub roles: Vec<Role>,
    pub org: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    pub id: String,
    pub secret: String,
    pub secret_sha256: String,
    pub scopes: Vec<String>,
    pub org: String,
}

impl Accounts {
    /// Reads the folder's accounts; makes them if there are none.
    pub fn open(data: &Path) -> Result<Self, String> {
        let path = data.join(FILE);
        if path.exists() {
            return Self::read(&path);
        }
        let accounts = Self::demo();
        accounts.write(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(accounts)
    }

    /// Reads a file of accounts.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        serde_json::from_str(&text).map_err(|e| {
            format!(
                "{} cannot be read: {e}; correct it, or remove it to have new accounts made",
                path.display()
            )
        })
    }

    pub fn names(&self) -> Vec<&str> {
        self.users.iter().map(|user| user.name.as_str()).collect()
    }

    /// The accounts as settings of the built-in issuer, which keeps hashes only.
    pub fn settings(&self) -> String {
        let text = |s: &str| serde_json::Value::from(s).to_string();
        let list = |items: &[String]| items.iter().map(|s| text(s)).collect::<Vec<_>>().join(", ");
        let mut toml = String::new();
        for user in &self.users {
            let roles: Vec<String> = user.roles.iter().map(|r| r.as_str().to_owned()).collect();
            toml += &format!(
                "[[issuer.users]]\nname = {}\ndisplay_name = {}\npassword_hash = {}\nroles = [{}]\norg = {}\n",
                text(&user.name),
                text(&user.display_name),
                text(&user.password_hash),
                list(&roles),
                text(&user.org)
            );
        }
        for client in &self.clients {
            toml += &format!(
                "[[issuer.clients]]\nid = {}\nsecret_sha256 = {}\nscopes = [{}]\norg = {}\n",
                text(&client.id),
                text(&client.secret_sha256),
                list(&client.scopes),
                text(&client.org)
            );
        }
        toml
    }

    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    fn write(&self, path: &PathBuf) -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        // Written aside and renamed, so that a crash never leaves half a file.
        let partial = path.with_extension("partial");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(partial, path)
    }

    /// One account per role, in an example enterprise with two branches.
    fn demo() -> Self {
        let user = |name: &str, display_name: &str, role: Role, org: &str| {
            let password = secret();
            User {
                name: name.into(),
                display_name: display_name.into(),
                password_hash: http::issuer::hash_password(&password),
                password,
                roles: vec![role],
                org: org.into(),
            }
        };
        let mall = secret();
        let partner = [
            Permission::TicketCreate,
            Permission::TicketRead,
            Permission::CustomerRead,
            Permission::WebhookManage,
        ];
        Self {
            users: vec![
                user("admin", "管理员 Admin", Role::Admin, "/acme"),
                user("li.na", "李娜 Li Na", Role::Agent, "/acme/north"),
                user("wang.wei", "王伟 Wang Wei", Role::Agent, "/acme/north"),
                user("zhao.min", "赵敏 Zhao Min", Role::Agent, "/acme/north"),
                user("chen.jie", "陈洁 Chen Jie", Role::Agent, "/acme/south"),
                user("sun.lei", "孙磊 Sun Lei", Role::Supervisor, "/acme/north"),
                user("zhou.tao", "周涛 Zhou Tao", Role::Director, "/acme"),
                user("wu.jing", "吴静 Wu Jing", Role::Inspector, "/acme"),
                user("he.yan", "何燕 He Yan", Role::Steward, "/acme"),
                user("ops", "运维 Operations", Role::Operator, "/acme"),
            ],
            clients: vec![Client {
                id: "partner-mall".into(),
                secret_sha256: hex::encode(digest::digest(&digest::SHA256, mall.as_bytes())),
                secret: mall,
                scopes: partner.iter().map(|p| p.as_str().to_owned()).collect(),
                org: "/acme/north".into(),
            }],
        }
    }
}

/// 26 characters of the lower-case base-32 alphabet: 130 bits.
fn secret() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes: [u8; 26] = rand::random();
    bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect()
}
