//! What people ask lists for, with the values that the made tickets have.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Context, OrgPath, Page, TraceContext};
use rand::{Rng, rngs::StdRng};
use sea_orm::Statement;
use serde_json::{Value, json};
use store::Db;
use ticketing::{
    app::list_tickets::{TicketQuery, wanted},
    store::finding::statements,
};
use uuid::Uuid;

use super::{data::agents, error};

pub const NAMES: [&str; 20] = [
    "list: newest",
    "list: a page deep in",
    "list: status",
    "list: active",
    "list: status, deep in",
    "list: queue",
    "list: queue and status",
    "list: handler",
    "list: handler, active, deep in",
    "list: customer",
    "list: org subtree",
    "list: org subtree and status",
    "list: kind, category, priority",
    "search: common word",
    "search: Chinese bigrams",
    "search: two words",
    "search: rare word",
    "search: common word, deep in",
    "search: word and status",
    "search: word, org, queue",
];

const COMMON: [&str; 8] =
    ["快递", "包裹", "发票", "delivery", "parcel", "invoice", "refund", "lost"];
const PHRASES: [&str; 8] = [
    "快递延误",
    "包裹丢失",
    "重复扣款",
    "一直没有送达",
    "显示异常",
    "路由器",
    "优惠券",
    "收费不合理",
];
const PAIRS: [&str; 8] = [
    "router restarting",
    "订单 退款",
    "包裹 courier",
    "elevator error",
    "发票 invoice",
    "宽带 闪红灯",
    "contract cancel",
    "account twice",
];

/// A question of the kind `NAMES[shape]` about `n` tickets: its parameters, and whether it is asked
/// from somewhere in the middle.
fn question(shape: usize, n: usize, random: &mut StdRng) -> (Value, bool) {
    let queue = format!("q{}", random.random_range(0..12));
    let handler = format!("agent{}", random.random_range(0..agents(n)));
    let region = format!("/acme/r{}", random.random_range(0..4));
    let org = match random.random_range(0..3) {
        0 => region,
        1 => format!("{region}/c{}", random.random_range(0..5)),
        _ => format!("{region}/c{}/s{}", random.random_range(0..5), random.random_range(0..20)),
    };
    let of =
        |words: &[&str], random: &mut StdRng| words[random.random_range(0..words.len())].to_owned();
    let status = of(&["new", "open", "pending", "on_hold", "resolved", "closed"], random);
    let common = of(&COMMON, random);
    let customer = format!("00000000-0000-7000-8000-{:012x}", random.random_range(0..n / 15));
    match shape {
        0 => (json!({}), false),
        1 => (json!({}), true),
        2 => (json!({ "status": status }), false),
        3 => (json!({ "status": "active" }), false),
        4 => (json!({ "status": "closed" }), true),
        5 => (json!({ "queue": queue }), false),
        6 => (json!({ "queue": queue, "status": "active" }), false),
        7 => (json!({ "handler": handler }), false),
        8 => (json!({ "handler": handler, "status": "active" }), true),
        9 => (json!({ "customer_id": customer }), false),
        10 => (json!({ "org": org }), false),
        11 => (json!({ "org": org, "status": status }), false),
        12 => (
            json!({ "kind": of(&["repair", "complaint", "praise"], random),
                "category": format!("cat{}", random.random_range(0..40)), "priority": "high" }),
            false,
        ),
        13 => (json!({ "q": common }), false),
        14 => (json!({ "q": of(&PHRASES, random) }), false),
        15 => (json!({ "q": of(&PAIRS, random) }), false),
        16 => (json!({ "q": format!("SN{}", random.random_range(1..=n / 10) * 10) }), false),
        17 => (json!({ "q": common }), true),
        18 => (json!({ "q": common, "status": status }), false),
        _ => (json!({ "q": common, "org": org, "queue": queue }), false),
    }
}

pub struct Question {
    pub path: String,
    query: TicketQuery,
    after: Option<(DateTime<Utc>, Uuid)>,
}

/// Asks at random.
pub fn ask(shape: usize, n: usize, random: &mut StdRng) -> Result<Question, String> {
    let (parameters, deep) = question(shape, n, random);
    let query: TicketQuery = serde_json::from_value(parameters.clone()).map_err(error)?;
    let end: DateTime<Utc> = "2026-11-01T00:00:00Z".parse().map_err(error)?;
    let after = deep.then(|| {
        let back = TimeDelta::seconds(random.random_range(86_400..3 * 365 * 86_400));
        (end - back, Uuid::from_u128(random.random::<u64>().into()))
    });
    let mut pairs: Vec<String> = parameters
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", encoded(value.as_str().unwrap_or_default())))
        .collect();
    if let Some(key) = after {
        let filter = serde_json::to_string(&query).map_err(error)?;
        let page = Page::of(vec![key, key], 1, &filter, |key| *key, |key| key);
        pairs.push(format!("cursor={}", page.next_cursor.unwrap_or_default()));
    }
    Ok(Question { path: format!("/api/v1/tickets?{}", pairs.join("&")), query, after })
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect()
}

impl Question {
    /// What the service may send to the database for it.
    pub async fn statements(&self, db: &Db) -> Result<Vec<Statement>, String> {
        let org = OrgPath::parse("/acme").map_err(error)?;
        let ctx = Context::system(org, TraceContext::default());
        match wanted(&ctx, &self.query).map_err(|p| format!("{p:?}"))? {
            Some(wanted) => statements(db, &wanted, self.after, 51).await.map_err(error),
            None => Ok(vec![]),
        }
    }
}
