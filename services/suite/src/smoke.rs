//! `kefu smoke`: takes a complaint through a running installation, from intake to the survey's
//! answer, by the public API; what `helm test` runs.
//!
//! Its customers come from the source `smoke`, its tickets carry `smoke-…` as external reference.
//! Every run makes a new customer, whom no cool-down protects. Nothing is sent to anybody unless
//! `--email` says to whom.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, Login, Target, accept, client_credentials};

const PAUSE: Duration = Duration::from_millis(500);

/// Takes a complaint through the running services and tells each step.
#[derive(Debug, clap::Args)]
pub struct Smoke {
    /// Where all services answer, if they do at one address.
    #[arg(long, env = "KEFU_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    #[arg(long, env = "KEFU_CUSTOMER_URL")]
    customer_url: Option<String>,
    #[arg(long, env = "KEFU_TICKETING_URL")]
    ticketing_url: Option<String>,
    #[arg(long, env = "KEFU_QUALITY_URL")]
    quality_url: Option<String>,
    #[arg(long, env = "KEFU_SURVEY_URL")]
    survey_url: Option<String>,
    #[arg(long, env = "KEFU_NOTIFICATION_URL")]
    notification_url: Option<String>,
    /// Access token; better given by the environment than in the list of processes.
    #[arg(long, env = "KEFU_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Token endpoint of the identity provider, for the client credentials grant.
    #[arg(long, env = "KEFU_TOKEN_URL")]
    token_url: Option<String>,
    #[arg(long, env = "KEFU_CLIENT_ID")]
    client_id: Option<String>,
    #[arg(long, env = "KEFU_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// Scope to ask for, where the provider wants one named.
    #[arg(long, env = "KEFU_SCOPE")]
    scope: Option<String>,
    /// The account `admin` logs in where no token is given.
    #[command(flatten)]
    login: Login,
    /// Address of the customer; without one no mail is sent.
    #[arg(long, env = "KEFU_SMOKE_EMAIL")]
    email: Option<String>,
    /// Seconds for all of it.
    #[arg(long, env = "KEFU_SMOKE_TIMEOUT", default_value_t = 180)]
    timeout: u64,
}

/// A variable that is set but empty counts as absent.
fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

impl Smoke {
    pub async fn run(self) -> Result<(), String> {
        let limit = Duration::from_secs(self.timeout);
        let progress = Progress::default();
        match tokio::time::timeout(limit, walk(&self, &progress)).await {
            Ok(Ok(told)) => {
                println!("{told}");
                Ok(())
            }
            Ok(Err(why)) => Err(progress.failure(&why)),
            Err(_) => Err(progress.failure(&format!("not within {limit:?} (--timeout)"))),
        }
    }

    async fn token(&self) -> Result<String, String> {
        if let Some(token) = given(&self.token) {
            return Ok(token.to_owned());
        }
        if let Some(url) = given(&self.token_url) {
            let id = given(&self.client_id).ok_or("KEFU_CLIENT_ID (--client-id) is missing")?;
            let secret = given(&self.client_secret)
                .ok_or("KEFU_CLIENT_SECRET (--client-secret) is missing")?;
            return client_credentials(url, id, secret, given(&self.scope)).await;
        }
        let target = Target { url: self.url.clone(), token: None, login: self.login.clone() };
        Ok(Client::connect(&target).await?.token().to_owned())
    }

    fn client(&self, url: &Option<String>, token: &str) -> Result<Client, String> {
        Client::new(given(url).unwrap_or(&self.url), token)
    }
}

/// Which step is under way, since when, and what was seen last.
struct Progress(RefCell<Step>);

struct Step {
    name: String,
    since: Instant,
    begun: Instant,
    seen: String,
}

impl Default for Progress {
    fn default() -> Self {
        let now = Instant::now();
        let (name, seen) = Default::default();
        Self(RefCell::new(Step { name, since: now, begun: now, seen }))
    }
}

impl Progress {
    fn step(&self, name: impl Into<String>) {
        let mut step = self.0.borrow_mut();
        (step.name, step.since, step.seen) = (name.into(), Instant::now(), String::new());
    }

    fn see(&self, seen: impl ToString) {
        self.0.borrow_mut().seen = seen.to_string();
    }

    fn done(&self, what: impl std::fmt::Display) {
        let step = self.0.borrow();
        println!("{:>7.2} s  {}: {what}", step.since.elapsed().as_secs_f64(), step.name);
    }

    fn failure(&self, why: &str) -> String {
        let step = self.0.borrow();
        let mut text = format!(
            "step \"{}\" failed after {:.1} s ({:.1} s in all): {why}",
            step.name,
            step.since.elapsed().as_secs_f64(),
            step.begun.elapsed().as_secs_f64()
        );
        if !step.seen.is_empty() {
            text += &format!("\n  last seen: {}", step.seen);
        }
        text
    }

    /// Asks again and again until `probe` is content; the time limit of the whole ends it.
    async fn until<T>(
        &self,
        mut probe: impl AsyncFnMut() -> Result<Option<T>, String>,
    ) -> Result<T, String> {
        loop {
            if let Some(found) = probe().await? {
                return Ok(found);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().cloned().unwrap_or_default()
}

async fn walk(smoke: &Smoke, progress: &Progress) -> Result<String, String> {
    let run = format!("{:016x}", rand::random::<u64>());
    progress.step("token");
    let token = smoke.token().await?;
    let customers = smoke.client(&smoke.customer_url, &token)?;
    let ticketing = smoke.client(&smoke.ticketing_url, &token)?;
    let survey = smoke.client(&smoke.survey_url, &token)?;
    progress.done("got one");

    let customer = make_customer(smoke, progress, &customers, &run).await?;
    let (ticket, number) = complain(progress, &ticketing, &customer, &run).await?;
    acknowledged(smoke, progress, &token, &ticket).await?;
    handled(progress, &ticketing, &ticket, &run).await?;
    let (invitation, link) = invited(progress, &survey, &ticket, &run).await?;
    answered(progress, &survey, &link).await?;
    counted(progress, &survey, &customers, (&customer, &ticket, &invitation)).await?;

    progress.step("quality");
    let quality = smoke.client(&smoke.quality_url, &token)?;
    quality.get("/api/v1/inspections?limit=1").await?;
    progress.done("answers");
    let all = progress.0.borrow().begun.elapsed().as_secs_f64();
    Ok(format!("{all:>7.2} s  complaint {number} went from intake to the survey's answer"))
}

async fn make_customer(
    smoke: &Smoke,
    progress: &Progress,
    customers: &Client,
    run: &str,
) -> Result<String, String> {
    progress.step("customer");
    let mut record =
        json!({ "kind": "person", "name": format!("冒烟测试 Smoke {run}"), "locale": "en" });
    if let Some(email) = given(&smoke.email) {
        record["email"] = json!(email);
    }
    let made = customers.put(&format!("/api/v1/customers/by-source/smoke/{run}"), &record).await?;
    progress.done(format!("{} from source smoke, key {run}", text(&made["number"])));
    Ok(text(&made["id"]))
}

async fn complain(
    progress: &Progress,
    ticketing: &Client,
    customer: &str,
    run: &str,
) -> Result<(String, String), String> {
    progress.step("complaint");
    let complaint = json!({
        "kind": "complaint", "subject": format!("冒烟测试 Smoke test {run}"), "channel": "api",
        "body": "Sent by `kefu smoke`; nobody has to do anything.", "locale": "en",
        "customer_id": customer, "external_ref": format!("smoke-{run}"),
    });
    let key = format!("smoke-{run}");
    // Ticketing hears of the customer by his event: a while later it says "not yet".
    let first = progress
        .until(async || {
            let path = "/api/v1/tickets";
            let (status, body) = ticketing.send(Method::POST, path, Some(&key), &complaint).await?;
            progress.see(format!("{status} {body}"));
            let unknown =
                status == StatusCode::CONFLICT && body["code"] == "customer-not-yet-known";
            match status {
                StatusCode::CREATED => Ok(Some(body)),
                _ if unknown => Ok(None),
                _ => Err(format!("{path} answered {status}: {body}")),
            }
        })
        .await?;
    let second = ticketing.post("/api/v1/tickets", Some(&key), &complaint).await?;
    if first["id"] != second["id"] {
        return Err(format!(
            "one Idempotency-Key made two tickets: {} and {}",
            first["number"], second["number"]
        ));
    }
    let number = text(&first["number"]);
    progress.done(format!("sent twice with one Idempotency-Key, one ticket {number}"));
    Ok((text(&first["id"]), number))
}

async fn acknowledged(
    smoke: &Smoke,
    progress: &Progress,
    token: &str,
    ticket: &str,
) -> Result<(), String> {
    progress.step("acknowledgement");
    let notification = smoke.client(&smoke.notification_url, token)?;
    let wanted = given(&smoke.email).is_some();
    let path = format!("/api/v1/notices?ticket_id={ticket}&workflow=ticket_acknowledged");
    let state = progress
        .until(async || {
            let page = notification.get(&path).await?;
            progress.see(&page);
            let Some(notice) = items(&page).into_iter().next() else { return Ok(None) };
            let (state, reason) = (text(&notice["state"]), text(&notice["reason"]));
            match state.as_str() {
                "delivered" => Ok(Some(state)),
                "suppressed" if !wanted && reason == "no_address" => {
                    Ok(Some("nothing to send, the customer has no address".to_owned()))
                }
                "failed" | "suppressed" => {
                    Err(format!("the notice is {state}: {reason} {}", text(&notice["last_error"])))
                }
                _ => Ok(None),
            }
        })
        .await?;
    progress.done(state);
    Ok(())
}

async fn handled(
    progress: &Progress,
    ticketing: &Client,
    ticket: &str,
    run: &str,
) -> Result<(), String> {
    let reply =
        json!({ "direction": "outbound", "body": "This is a test; thank you.", "channel": "api" });
    let resolution = json!({ "resolution": "Smoke test, nothing to do." });
    for (action, body) in [("claim", json!({})), ("articles", reply), ("resolve", resolution)] {
        progress.step(action);
        let key = format!("smoke-{run}-{action}");
        let path = format!("/api/v1/tickets/{ticket}/{action}");
        let (code, answer) = ticketing.send(Method::POST, &path, Some(&key), &body).await?;
        // A client of the provider may answer and resolve, but only a person can take a ticket.
        if action == "claim" && code == StatusCode::FORBIDDEN {
            progress.done("left to a member of staff");
            continue;
        }
        let answer = accept(code, answer, &path)?;
        let status = &answer.get("ticket").unwrap_or(&answer)["status"];
        progress.done(format!("the ticket is {}", text(status)));
    }
    Ok(())
}

/// The trigger's invitation, and a link to it as an agent gets it to pass on.
async fn invited(
    progress: &Progress,
    survey: &Client,
    ticket: &str,
    run: &str,
) -> Result<(Value, String), String> {
    progress.step("invitation");
    let path = format!("/api/v1/invitations?ticket_id={ticket}");
    let invitation = progress
        .until(async || {
            let page = survey.get(&path).await?;
            progress.see(&page);
            let all = items(&page);
            if let Some(open) = all.iter().find(|i| i["state"] == "sent" || i["state"] == "waiting")
            {
                return Ok(Some(open.clone()));
            }
            match all.first() {
                Some(skipped) => Err(format!("nobody is asked: {}", text(&skipped["skip_reason"]))),
                None => Ok(None),
            }
        })
        .await?;
    let body = json!({ "ticket_id": ticket, "survey_id": invitation["survey_id"] });
    let key = format!("smoke-{run}-link");
    let made = survey.post("/api/v1/invitations", Some(&key), &body).await?;
    let link = text(&made["link"]);
    progress.done("there, with a link to pass on");
    Ok((invitation, link))
}

/// Opens the page like a browser, at the address that the test reaches, and sends its form.
async fn answered(progress: &Progress, survey: &Client, link: &str) -> Result<(), String> {
    progress.step("answer page");
    let token = link.rsplit_once("/s/").map(|(_, token)| token);
    let token = token.ok_or_else(|| format!("{link} leads to no answer page"))?;
    let asked = survey.get(&format!("/api/v1/answers/{token}")).await?;
    let (name, best) = first_rating(&asked["definition"])
        .ok_or("the survey has no rating question, which this test would answer")?;
    let page = format!("/s/{token}");
    let (status, html) = survey.page(Method::GET, &page, &[]).await?;
    if status != StatusCode::OK || !html.contains("<form") {
        return Err(format!("the page answered {status} without a form"));
    }
    let (status, html) = survey.page(Method::POST, &page, &[(format!("q_{name}"), best)]).await?;
    if status != StatusCode::OK {
        return Err(format!("the form was answered {status}: {html}"));
    }
    let (status, _) = survey.page(Method::GET, &page, &[]).await?;
    if status != StatusCode::GONE {
        return Err(format!("the link still works after the answer ({status})"));
    }
    progress.done("filled in; the link worked once");
    Ok(())
}

/// Name of the first rating question and its best value.
fn first_rating(definition: &Value) -> Option<(String, String)> {
    if definition["type"] == "rating" {
        let best = definition["rateMax"].as_i64().unwrap_or(5);
        return Some((definition["name"].as_str()?.to_owned(), best.to_string()));
    }
    let inside = ["pages", "elements"].iter().filter_map(|key| definition[*key].as_array());
    inside.flatten().find_map(first_rating)
}

async fn counted(
    progress: &Progress,
    survey: &Client,
    customers: &Client,
    (customer, ticket, invitation): (&str, &str, &Value),
) -> Result<(), String> {
    progress.step("results");
    let responses = items(&survey.get(&format!("/api/v1/responses?ticket_id={ticket}")).await?);
    let [response] = responses.as_slice() else {
        return Err(format!("{} responses instead of one", responses.len()));
    };
    let path = format!("/api/v1/survey-results/{}", text(&invitation["survey_id"]));
    let results = survey.get(&path).await?;
    progress.see(&results);
    progress.done(format!("csat {}", response["csat"]));

    progress.step("timeline");
    let path = format!("/api/v1/customers/{customer}/timeline?ticket_id={ticket}&limit=200");
    let entries = progress
        .until(async || {
            let entries = items(&customers.get(&path).await?);
            let types: Vec<String> = entries.iter().map(|e| text(&e["type"])).collect();
            progress.see(types.join(", "));
            let there = types.iter().any(|ty| ty == "kefu.survey.answered.v1");
            Ok(there.then_some(entries.len()))
        })
        .await?;
    progress.done(format!("{entries} entries, the answer among them"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rating_is_found_wherever_it_stands() {
        let nested = json!({ "pages": [{ "elements": [
            { "type": "html", "name": "hello" },
            { "type": "panel", "elements": [{ "type": "rating", "name": "nps", "rateMax": 10 }] },
            { "type": "rating", "name": "csat" },
        ] }] });
        assert_eq!(first_rating(&nested), Some(("nps".into(), "10".into())));
        let flat = json!({ "elements": [{ "type": "rating", "name": "csat" }] });
        assert_eq!(first_rating(&flat), Some(("csat".into(), "5".into())));
        assert_eq!(first_rating(&json!({ "elements": [{ "type": "text", "name": "t" }] })), None);
    }

    #[test]
    fn a_failure_names_the_step_and_what_was_seen() {
        let progress = Progress::default();
        progress.step("timeline");
        progress.see("kefu.ticket.opened.v1");
        let told = progress.failure("not within 5s (--timeout)");
        assert!(told.starts_with("step \"timeline\" failed after"), "{told}");
        assert!(told.ends_with("last seen: kefu.ticket.opened.v1"), "{told}");
    }
}
