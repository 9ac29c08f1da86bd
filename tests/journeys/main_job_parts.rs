//! Preparations and small steps of the main job.

use std::{process::Command, time::Duration};

use kefu_tests::{api::Caller, binary, eventually, stack::Stack};
use reqwest::Method;
use serde_json::{Value, json};

/// Customers by the command line's CSV import, staff, and a policy for VIPs whose deadlines pass
/// within seconds. Returns the VIP's id.
pub async fn prepare(stack: &Stack, mail: &str) -> String {
    let admin = stack.user("admin").await;
    for (user, role) in [
        ("li.na", "agent"),
        ("zhao.min", "agent"),
        ("sun.lei", "supervisor"),
        ("zhou.tao", "director"),
        ("wu.jing", "inspector"),
    ] {
        let org = if ["zhou.tao", "wu.jing"].contains(&user) { "/acme" } else { "/acme/north" };
        let staff = json!({ "name": user, "email": format!("{user}@example.org"), "org": org, "roles": [role], "locale": "zh-CN" });
        admin.put(&format!("/api/v1/staff/{user}"), staff).await.expect(200);
    }
    let department = json!({ "name": { "zh": "仓储部", "en": "Warehouse" } });
    admin
        .send(
            admin
                .request(Method::PUT, "/api/v1/departments/warehouse")
                .header("if-match", "\"0\"")
                .json(&department),
        )
        .await
        .expect(200);
    let policy = json!({
        "name": { "zh": "贵宾", "en": "VIP" }, "order": 1, "exclusive": true, "when": { "tiers": ["vip"] }, "calendar": "always",
        "first_response_minutes": 0.05, "resolution_minutes": 600.0, "warn_percents": [50],
        "escalations": [{ "after_minutes": 0.02, "target": "supervisor" }, { "after_minutes": 0.04, "target": "director" }],
    });
    admin.change(Method::PUT, "/api/v1/sla-policies/vip", policy).await.expect(200);

    let file = stack.dir.path().join("customers.csv");
    let rows = format!(
        "source_key,kind,name,phone,email,tier,account_manager,org,locale\n\
         1,person,张三,13800138000,{mail},vip,zhao.min,/acme/north,zh-CN\n\
         2,organisation,北方物流有限公司,010-62345678,north@example.org,key,,/acme/north,zh-CN\n\
         3,person,Alice Smith,+14155552671,alice@example.org,,,/acme/south,en\n\
         4,person,,not a phone,nobody,,,/acme/south,en\n"
    );
    std::fs::write(&file, rows).unwrap();
    let import = || {
        Command::new(binary("kefu"))
            .args(["import", "customers", &file.to_string_lossy(), "--source", "crm"])
            .args(["--errors", &stack.dir.path().join("errors.csv").to_string_lossy()])
            .env("KEFU_URL", stack.urls.service("customer"))
            .env("KEFU_TOKEN", admin.token())
            .output()
            .unwrap()
    };
    let first = String::from_utf8_lossy(&import().stdout).into_owned();
    assert!(first.contains("3 created") && first.contains("1 rejected"), "{first}");
    let again = String::from_utf8_lossy(&import().stdout).into_owned();
    assert!(again.contains("3 unchanged") && again.contains("1 rejected"), "{again}");
    let errors = std::fs::read_to_string(stack.dir.path().join("errors.csv")).unwrap();
    assert!(
        errors.lines().nth(1).is_some_and(|l| l.starts_with("5,")),
        "line and reason of the broken row: {errors}"
    );

    let found = admin.list("/api/v1/customers?q=%E5%BC%A0%E4%B8%89").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["tier"], &found[0]["account_manager"]),
        (&json!("vip"), &json!("zhao.min"))
    );
    assert!(!found[0].to_string().contains("13800138000"), "masked: {}", found[0]);
    let id = found[0]["id"].as_str().unwrap().to_owned();
    // Ticketing learns of customers by their events.
    let probe =
        json!({ "kind": "consultation", "subject": "Where is my parcel?", "customer_id": id });
    eventually("ticketing knows the customer", Duration::from_secs(60), || async {
        let answer = admin
            .send(
                admin
                    .request(Method::POST, "/api/v1/tickets")
                    .json(&with_org(&probe, "/acme/south")),
            )
            .await;
        (answer.status != 409).then(|| answer.expect(201))
    })
    .await;
    id
}

fn with_org(ticket: &Value, org: &str) -> Value {
    let mut ticket = ticket.clone();
    ticket["org"] = json!(org);
    ticket
}

/// Opens the page like a browser and sends its form: 1 of 5, 0 of 10, a comment.
pub async fn answer_page(link: &str, comment: &str) {
    let http = reqwest::Client::new();
    let page = http.get(link).send().await.unwrap();
    assert_eq!(page.status().as_u16(), 200);
    let html = page.text().await.unwrap();
    assert!(
        html.contains("<form") && html.contains("满意"),
        "the page in the customer's language:\n{html}"
    );
    let again = http.get(link).send().await.unwrap();
    assert_eq!(again.status().as_u16(), 200, "looking writes nothing");
    let form = [
        ("q_csat", "1"),
        ("q_reasons", "slow"),
        ("q_nps", "0"),
        ("q_settled", "false"),
        ("q_comment", comment),
    ];
    let thanks = http.post(link).form(&form).send().await.unwrap();
    let status = thanks.status().as_u16();
    let html = thanks.text().await.unwrap();
    assert_eq!(status, 200, "{html}");
    assert!(!html.contains("<script>alert"), "free text is data");
}

/// One figure of a monthly report.
pub fn figure(report: &Value, key: &str) -> Value {
    let figures = report["figures"].as_array().unwrap();
    figures
        .iter()
        .find(|f| f["key"] == key)
        .cloned()
        .unwrap_or_else(|| panic!("no figure {key} in {report}"))
}

pub async fn until_status(caller: &Caller, path: &str, field: &str, value: &str) {
    eventually(&format!("{path} is {value}"), Duration::from_secs(30), || async {
        (caller.get(path).await.body[field] == value).then_some(())
    })
    .await;
}
