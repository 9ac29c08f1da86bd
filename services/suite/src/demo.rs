//! Example data in Chinese and English, loaded through the public API: an enterprise with two
//! branches, its staff, some customers, and tickets at every point of their life.
//!
//! Loading it again does only what is missing, also after a load that was interrupted: customers have
//! a source key, and a ticket is looked up and judged by where it stands.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    accounts::{self, Accounts},
    client::{Client, Target},
};

/// Customers: source key, kind, name, phone, e-mail, tier, account manager, org, locale.
const CUSTOMERS: &[[&str; 9]] = &[
    [
        "1",
        "person",
        "张三",
        "13800138000",
        "zhang.san@example.org",
        "vip",
        "zhao.min",
        "/acme/north",
        "zh-CN",
    ],
    [
        "2",
        "person",
        "欧阳修文",
        "13912345678",
        "ouyang@example.org",
        "key",
        "zhao.min",
        "/acme/north",
        "zh-CN",
    ],
    [
        "3",
        "organisation",
        "北方精密仪器有限公司",
        "010-62345678",
        "service@north-instruments.example",
        "key",
        "zhao.min",
        "/acme/north",
        "zh-CN",
    ],
    ["4", "person", "单雄信", "13700137000", "shan@example.org", "", "", "/acme/north", "zh-CN"],
    [
        "5",
        "person",
        "李清照",
        "13600136000",
        "li.qingzhao@example.org",
        "",
        "",
        "/acme/south",
        "zh-CN",
    ],
    [
        "6",
        "organisation",
        "南方茶叶集团",
        "020-83331234",
        "kefu@south-tea.example",
        "vip",
        "",
        "/acme/south",
        "zh-CN",
    ],
    [
        "7",
        "person",
        "Alice Smith",
        "+14155552671",
        "alice@example.org",
        "",
        "",
        "/acme/south",
        "en",
    ],
    [
        "8",
        "person",
        "Bob Müller",
        "+4930901820",
        "bob@example.org",
        "standard",
        "",
        "/acme/north",
        "en",
    ],
    [
        "9",
        "organisation",
        "Harbour Freight Ltd",
        "+442079460958",
        "desk@harbour.example",
        "key",
        "zhao.min",
        "/acme/north",
        "en",
    ],
    ["10", "person", "曾国华", "13500135000", "zeng@example.org", "", "", "/acme/south", "zh-CN"],
    // The telephone of number 4: a suspected duplicate, to be decided.
    ["11", "person", "单雄心", "13700137000", "", "", "", "/acme/south", "zh-CN"],
];

/// Tickets: customer's source key, kind, subject, first words, how far it goes.
const TICKETS: &[[&str; 5]] = &[
    ["1", "complaint", "包裹破损，要求赔偿", "外箱破裂，里面的瓷器碎了两件。", "resolved"],
    ["2", "complaint", "快递延误三天", "承诺次日达，三天还没到。", "replied"],
    ["3", "repair", "电子秤无法联网", "升级之后连不上网络。", "claimed"],
    ["4", "consultation", "运费怎么计算？", "寄到西藏的运费是多少？", "resolved"],
    ["5", "return_exchange", "收到的颜色不对", "订的是青花，收到的是红色。", "pending"],
    ["6", "service_request", "申请月结账户", "我们想改为月结。", "new"],
    ["7", "complaint", "Parcel left in the rain", "The box was soaked through.", "replied"],
    [
        "8",
        "consultation",
        "How do I change the delivery address?",
        "I am moving next week.",
        "resolved",
    ],
    [
        "9",
        "claim",
        "Three pallets missing",
        "Booking HF-2291, three of nine pallets never arrived.",
        "claimed",
    ],
    ["10", "suggestion", "建议增加夜间取件", "上班族白天没时间取件。", "new"],
];

const STAFF: &[[&str; 4]] = &[
    ["li.na", "李娜", "/acme/north", "agent"],
    ["wang.wei", "王伟", "/acme/north", "agent"],
    ["zhao.min", "赵敏", "/acme/north", "agent"],
    ["chen.jie", "陈洁", "/acme/south", "agent"],
    ["sun.lei", "孙磊", "/acme/north", "supervisor"],
    ["zhou.tao", "周涛", "/acme", "director"],
    ["wu.jing", "吴静", "/acme", "inspector"],
];

/// Departments that can be asked: key, Chinese and English name.
const DEPARTMENTS: &[[&str; 3]] = &[
    ["warehouse", "仓储部", "Warehouse"],
    ["claims", "理赔部", "Claims"],
    ["technical", "技术部", "Technical service"],
];

/// Loads everything and prints how to get in, and where mails are if they go to a folder.
pub async fn run(target: &Target, mails: Option<&Path>) -> Result<(), String> {
    let admin = Client::connect(target).await?;
    staff(&admin).await?;
    departments(&admin).await?;
    customers(&admin).await?;
    let north = Client::connect_as(target, "li.na").await?;
    let south = Client::connect_as(target, "chen.jie").await?;
    for ticket in TICKETS {
        let customer =
            CUSTOMERS.iter().find(|c| c[0] == ticket[0]).ok_or("a ticket without customer")?;
        let agent = if customer[7] == "/acme/south" { &south } else { &north };
        open(&admin, agent, ticket).await?;
    }
    let data = &target.login.data;
    let accounts = data.join(accounts::FILE);
    let password = Accounts::read(&accounts)?.user("admin").map(|u| u.password.clone());
    println!(
        "Login: admin / {}  (more accounts: {})",
        password.unwrap_or_default(),
        accounts.display()
    );
    println!("Token: {}", admin.token());
    let mails = mails.map(|folder| format!(" Mails go to {}.", folder.display()));
    println!(
        "Example data is loaded: {} customers, {} tickets.{}",
        CUSTOMERS.len(),
        TICKETS.len(),
        mails.unwrap_or_default()
    );
    Ok(())
}

async fn staff(admin: &Client) -> Result<(), String> {
    for [user, name, org, role] in STAFF {
        let body = json!({ "name": name, "email": format!("{user}@acme.example"), "org": org, "roles": [role], "locale": "zh-CN" });
        admin.put(&format!("/api/v1/staff/{user}"), &body).await?;
    }
    Ok(())
}

async fn departments(admin: &Client) -> Result<(), String> {
    for [key, zh, en] in DEPARTMENTS {
        let body = json!({ "name": { "zh": zh, "en": en } });
        admin.put_new(&format!("/api/v1/departments/{key}"), &body).await?;
    }
    Ok(())
}

async fn customers(admin: &Client) -> Result<(), String> {
    let columns = [
        "source_key",
        "kind",
        "name",
        "phone",
        "email",
        "tier",
        "account_manager",
        "org",
        "locale",
    ];
    let row = |cells: &[&str; 9]| -> Value {
        columns
            .iter()
            .zip(cells)
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(c, cell)| ((*c).to_owned(), json!(cell)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let rows: Vec<Value> = CUSTOMERS.iter().map(row).collect();
    let report = admin
        .post("/api/v1/customer-imports", None, &json!({ "source": "demo", "rows": rows }))
        .await?;
    let broken: Vec<&Value> = report["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|r| r["outcome"] == "error")
        .collect();
    if broken.is_empty() { Ok(()) } else { Err(format!("customers were refused: {broken:?}")) }
}

/// Opens a ticket unless it is there, and takes the steps that it has not taken yet.
async fn open(
    admin: &Client,
    agent: &Client,
    [customer, kind, subject, body, state]: &[&str; 5],
) -> Result<(), String> {
    let cells = CUSTOMERS.iter().find(|c| c[0] == *customer).ok_or("unknown customer")?;
    let reference = format!("demo-{customer}");
    let there = admin.get(&format!("/api/v1/tickets?external_ref={reference}")).await?;
    let id = match there["items"][0]["id"].as_str() {
        Some(id) => id.to_owned(),
        None => {
            let found = agent.get(&format!("/api/v1/customers?identifier={}", cells[4])).await?;
            let ticket = json!({ "kind": kind, "subject": subject, "body": body, "customer_id": found["items"][0]["id"], "channel": "phone", "external_ref": reference });
            let opened = insist(agent, &reference, &ticket).await?;
            opened["id"].as_str().ok_or("a ticket without id")?.to_owned()
        }
    };
    // As it stands now: a repeated create answers what the first one did.
    let ticket = admin.get(&format!("/api/v1/tickets/{id}")).await?;
    let under_way = ticket["status"] == "new" || ticket["status"] == "open";
    if !under_way || ticket["reopen_count"] != 0 {
        return Ok(());
    }
    let path = |action: &str| format!("/api/v1/tickets/{id}/{action}");
    if *state != "new" && ticket["status"] == "new" {
        agent.post(&path("claim"), None, &json!({})).await?;
    }
    let replies = ["replied", "resolved", "pending"].contains(state);
    if replies && ticket["first_responded_at"].is_null() {
        let reply = if cells[8] == "en" {
            "Thank you for telling us. We are looking into it."
        } else {
            "感谢您的反馈，我们正在核实处理。"
        };
        agent
            .post(
                &path("articles"),
                Some(&format!("demo-reply-{customer}")),
                &json!({ "direction": "outbound", "body": reply }),
            )
            .await?;
    }
    match *state {
        "resolved" => drop(
            agent
                .post(
                    &path("resolve"),
                    None,
                    &json!({ "resolution": "已与客户确认 / agreed with the customer" }),
                )
                .await?,
        ),
        "pending" => {
            drop(agent.post(&path("pending"), None, &json!({ "kind": "customer" })).await?)
        }
        _ => {}
    }
    Ok(())
}

/// The customer's own event may still be on its way to ticketing.
async fn insist(agent: &Client, key: &str, ticket: &Value) -> Result<Value, String> {
    let mut tries = 0;
    loop {
        match agent.post("/api/v1/tickets", Some(key), ticket).await {
            Err(message) if message.contains("customer-not-yet-known") && tries < 100 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            outcome => return outcome,
        }
    }
}
