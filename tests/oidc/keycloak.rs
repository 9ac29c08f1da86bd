//! A real Keycloak: its logins as programs and people use them, and its keys as its administrator
//! turns them.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use kefu_tests::root;
use reqwest::{Client, Method, Response, header, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Ended with all its data when it is dropped.
pub struct Keycloak {
    pub url: String,
    pub secret: String,
    http: Client,
    dir: TempDir,
}

fn script(command: &str, dir: &Path, port: u16) -> String {
    let mut script = Command::new(root().join("deploy/local/keycloak.sh"));
    script.args([command, "--dir"]).arg(dir).args(["--port", &port.to_string()]);
    let output = script.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Keycloak {
    pub fn start(port: u16) -> Self {
        let dir = tempfile::tempdir().unwrap();
        script("start", dir.path(), port);
        let secret = fs::read_to_string(dir.path().join("secret")).unwrap();
        let http = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), secret, http, dir }
    }

    pub fn stop(&self) {
        let mut script = Command::new(root().join("deploy/local/keycloak.sh"));
        let ended = script.args(["stop", "--dir"]).arg(self.dir.path()).status();
        if !ended.as_ref().is_ok_and(|status| status.success()) {
            eprintln!("Keycloak was not ended: {ended:?}");
        }
    }

    async fn tokens(&self, realm: &str, form: &[(&str, &str)]) -> Value {
        let url = format!("{}/realms/{realm}/protocol/openid-connect/token", self.url);
        json_of(self.http.post(url).form(form).send().await.unwrap()).await
    }

    /// A program logs in.
    pub async fn client(&self, id: &str) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", &self.secret),
        ];
        text(&self.tokens("kefu", &form).await, "access_token")
    }

    /// A person tells his password to a program; answers all tokens.
    pub async fn password(&self, client: &str, user: &str) -> Value {
        let form = [
            ("grant_type", "password"),
            ("client_id", client),
            ("client_secret", &self.secret),
            ("username", user),
            ("password", &self.secret),
            ("scope", "openid"),
        ];
        self.tokens("kefu", &form).await
    }

    /// A person logs in with a browser: authorization code with PKCE (RFC 7636).
    pub async fn browser(&self, user: &str) -> String {
        const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        const BACK: &str = "http://127.0.0.1/back";
        let base = format!("{}/realms/kefu/protocol/openid-connect", self.url);
        let query = [
            ("client_id", "kefu-console"),
            ("response_type", "code"),
            ("scope", "openid"),
            ("redirect_uri", BACK),
            ("state", "s1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let page = self.http.get(format!("{base}/auth")).query(&query).send().await.unwrap();
        let cookies: Vec<String> = page
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|c| Some(c.to_str().ok()?.split(';').next()?.to_owned()))
            .collect();
        let html = page.text().await.unwrap();
        let form = html.split("action=\"").nth(1).and_then(|rest| rest.split('"').next());
        let form = form.unwrap_or_else(|| panic!("no form in {html}")).replace("&amp;", "&");
        let sent = self
            .http
            .post(form)
            .header(header::COOKIE, cookies.join("; "))
            .form(&[("username", user), ("password", &self.secret)])
            .send()
            .await
            .unwrap();
        let back = sent.headers().get(header::LOCATION).map(|l| l.to_str().unwrap().to_owned());
        let back = back.unwrap_or_else(|| panic!("no way back: {}", sent.status()));
        let parameters: BTreeMap<&str, &str> =
            back.split_once('?').unwrap().1.split('&').filter_map(|p| p.split_once('=')).collect();
        assert_eq!(parameters["state"], "s1", "{back}");
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "kefu-console"),
            ("code", parameters["code"]),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        text(&self.tokens("kefu", &form).await, "access_token")
    }

    async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", "admin"),
            ("password", &self.secret),
        ];
        let token = text(&self.tokens("master", &form).await, "access_token");
        let url = format!("{}/admin/realms/kefu/{path}", self.url);
        let request = self.http.request(method, url).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        json_of(request.send().await.unwrap()).await
    }

    /// Makes a new key that tokens are signed with from now on, for its priority is above the older
    /// ones'; these stay published.
    pub async fn new_key(&self, priority: u32) {
        let key = json!({
            "name": "next", "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": { "priority": [priority.to_string()], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"] },
        });
        self.admin(Method::POST, "components", Some(key)).await;
    }

    /// Takes a key away: it is published no more.
    pub async fn remove_key(&self, id: &str) {
        let keys = self.admin(Method::GET, "keys", None).await;
        let of_id = |key: &&Value| key["kid"] == id;
        let key = keys["keys"].as_array().unwrap().iter().find(of_id);
        let provider = text(key.unwrap_or_else(|| panic!("no key {id}: {keys}")), "providerId");
        self.admin(Method::DELETE, &format!("components/{provider}"), None).await;
    }
}

impl Drop for Keycloak {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn json_of(answer: Response) -> Value {
    let (status, url) = (answer.status(), answer.url().clone());
    let body = answer.text().await.unwrap();
    assert!(status.is_success(), "{url}: {status}: {body}");
    serde_json::from_str(&body).unwrap_or(Value::Null)
}

pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}
