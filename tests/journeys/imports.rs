//! `kefu import` with files as a service centre has them: a Chinese spreadsheet's columns and
//! encoding, what spreadsheets do to numbers, an incident log in local time with its callers.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use kefu_tests::{
    api::Caller,
    binary, eventually,
    stack::{Options, Stack},
};

fn import(stack: &Stack, admin: &Caller, arguments: &[&str], file: &Path) -> Output {
    Command::new(binary("kefu"))
        .arg("import")
        .arg(arguments[0])
        .arg(file)
        .args(&arguments[1..])
        .env("KEFU_URL", &stack.urls.issuer)
        .env("KEFU_TOKEN", admin.token())
        .output()
        .unwrap()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

// "客户编号,姓名,电话号码1,邮箱,备注", CRLF, in GBK.
const HEADER: &[u8] = b"\xbf\xcd\xbb\xa7\xb1\xe0\xba\xc5,\xd0\xd5\xc3\xfb,\xb5\xe7\xbb\xb0\xba\xc5\xc2\xeb1,\xd3\xca\xcf\xe4,\xb1\xb8\xd7\xa2\r\n";
// "张三", "王五", "李四".
const ROWS: &[u8] = b"K1,\xd5\xc5\xc8\xfd,'15912345678,zs@example.org,=cmd|' /C calc'!A0\r\n\r\nK2,\xcd\xf5\xce\xe5,1.78E+10,,@x\r\nK3\r\nK4,,15912345679,,+1\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chinese_spreadsheet_is_imported_and_what_is_wrong_comes_back_beside_it() {
    let stack = Stack::suite(Options::default()).await;
    let admin = stack.user("admin").await;
    let folder = stack.dir.path().join("files");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("customers.csv");
    fs::write(&file, [HEADER, ROWS].concat()).unwrap();

    let map = ["customers", "--source", "crm", "--map", "电话号码1=phone"];
    let output = import(&stack, &admin, &map, &file);
    let (out, err) = said(&output);
    assert_eq!(output.status.code(), Some(2), "rows were rejected: {out}{err}");
    assert!(out.contains("4 rows: 2 created, 2 rejected"), "{out}{err}");
    assert!(out.contains("rejected: 1 too-short, 1 unreadable-line"), "{out}");
    assert!(out.contains("2 rows with remarks: 1 digits-lost, 1 repaired"), "{out}");
    assert!(err.contains("is read as GB18030"), "{err}");
    assert!(err.contains("columns that are ignored: 备注"), "{err}");
    let found = admin.list("/api/v1/customers?identifier=15912345678").await;
    assert_eq!(found[0]["name"], "张三");

    let beside = folder.join("customers.csv.errors.csv");
    let errors = fs::read_to_string(&beside).unwrap();
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(
        lines[0],
        "\u{feff}line,outcome,code,pointer,detail,客户编号,姓名,电话号码1,邮箱,备注"
    );
    for (line, start) in [(1, "5,error,unreadable-line,"), (2, "2,created,repaired,/phone,")] {
        assert!(lines[line].starts_with(start), "{start} is not line {line} of {errors}");
    }
    assert!(lines[2].ends_with(",'=cmd|' /C calc'!A0"), "no formula: {errors}");
    assert!(lines[3].starts_with("4,created,digits-lost,/phone,"), "{errors}");
    assert!(lines[4].starts_with("6,error,too-short,/name,"), "{errors}");

    // Put right in that very file, the rows come in from it.
    let fixed = errors.replace("K4,,", "K4,赵六,").replace("K3", "K3,钱七,,,");
    let fixed_file = folder.join("fixed.csv");
    fs::write(&fixed_file, fixed).unwrap();
    let output = import(&stack, &admin, &map, &fixed_file);
    let (out, err) = said(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert!(out.contains("4 rows: 2 created, 2 unchanged, 0 rejected"), "{out}{err}");

    let output = import(&stack, &admin, &["customers", "--map", "手机=phone"], &file);
    let (_, err) = said(&output);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("there is no column \"手机\" in the file; there are: 客户编号"), "{err}");
    let help = Command::new(binary("kefu")).args(["import", "--help"]).output().unwrap();
    let (help, _) = said(&help);
    for word in ["source_key", "客户编号", "统一社会信用代码", "sys_updated_at", "--timezone"]
    {
        assert!(help.contains(word), "{word} is missing in {help}");
    }
}

const LOG: &str = "number,incident_state,sys_mod_count,sys_updated_at,opened_at,caller_id,made_sla
INC1,New,0,01-03-2016 08:00,01-03-2016 08:00,Caller 7,TRUE
INC2,New,0,01-03-2016 09:00,01-03-2016 09:00,Caller 8,TRUE
INC3,New,0,01-03-2016 10:00,01-03-2016 10:00,?,TRUE
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_log_become_its_customers_where_that_is_asked_for() {
    let stack = Stack::suite(Options::default()).await;
    let admin = stack.user("admin").await;
    let file = stack.dir.path().join("log.csv");
    fs::write(&file, LOG).unwrap();
    // One caller is known, under a name of their own.
    let known = serde_json::json!({ "kind": "person", "name": "孙八", "tier": "vip" });
    let path = "/api/v1/customers/by-source/servicenow/Caller%207";
    let known = admin.put(path, known).await.expect(201)["id"].clone();

    let (out, err) =
        said(&import(&stack, &admin, &["servicenow", "--timezone", "Asia/Shanghai"], &file));
    assert!(out.contains("3 rows: 3 applied, 0 rejected"), "{out}{err}");
    let tickets = async || {
        let mut all = admin.list("/api/v1/tickets").await;
        all.sort_by_key(|t| t["import"]["number"].to_string());
        all
    };
    let opened = tickets().await;
    assert_eq!(opened[0]["opened_at"], "2016-03-01T00:00:00Z");
    assert!(opened.iter().all(|t| t["customer_id"].is_null()));

    let link = |how: &'static str| {
        let arguments = ["servicenow", "--timezone", "Asia/Shanghai", "--customers", how];
        said(&import(&stack, &admin, &arguments, &file))
    };
    let (out, err) = link("match");
    assert!(out.contains("1 callers found, 0 created, 1 not known"), "{out}{err}");
    let matched = tickets().await;
    assert_eq!(matched[0]["customer_id"], known);
    assert_eq!((&matched[0]["tier"], &matched[1]["customer_id"]), (&"vip".into(), &().into()));

    let (out, err) = link("create");
    assert!(out.contains("1 callers found, 1 created, 0 not known"), "{out}{err}");
    let all = tickets().await;
    let made = all[1]["customer_id"].as_str().unwrap().to_owned();
    let made = admin.get(&format!("/api/v1/customers/{made}")).await.expect(200);
    assert_eq!(made["name"], "Caller 8");
    assert!(all[2]["customer_id"].is_null());
    let name =
        admin.get(&format!("/api/v1/customers/{}", known.as_str().unwrap())).await.expect(200);
    assert_eq!(name["name"], "孙八", "what is known of a caller stays");
    eventually("the ticket stands in the caller's timeline", Duration::from_secs(30), || async {
        let path = format!("/api/v1/customers/{}/timeline", known.as_str().unwrap());
        let entries = admin.get(&path).await.expect(200);
        (!entries["items"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;

    let (out, _) = link("create");
    assert!(out.contains("3 unchanged"), "{out}");
}
