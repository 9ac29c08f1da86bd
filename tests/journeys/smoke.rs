//! `kefu smoke`, as an operator runs it against a new installation.

use std::{
    fs,
    process::{Command, Output},
};

use kefu_tests::{
    binary,
    stack::{Options, SERVICES, Stack},
};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smoke_test_goes_through_in_one_process() {
    let stack = Stack::suite(Options::default()).await;
    // The data folder's account, one address for all services, nobody to write to.
    let done = smoke(
        &stack,
        &[("KEFU_URL", &stack.urls.issuer)],
        &["--data", &stack.data_dir().to_string_lossy()],
    );
    went_through(&done);
    assert!(told(&done).contains("the customer has no address"), "{}", told(&done));

    // A wrong secret and a time that is too short are told with the step.
    let token_url = format!("{}/oauth2/token", stack.urls.issuer);
    let wrong = [
        ("KEFU_URL", stack.urls.issuer.as_str()),
        ("KEFU_TOKEN_URL", &token_url),
        ("KEFU_CLIENT_ID", "partner-mall"),
        ("KEFU_CLIENT_SECRET", "wrong"),
    ];
    let refused = smoke(&stack, &wrong, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        told(&refused).contains("step \"token\" failed")
            && told(&refused).contains("invalid_client"),
        "{}",
        told(&refused)
    );
    let late = smoke(
        &stack,
        &[("KEFU_URL", &stack.urls.issuer)],
        &["--data", &stack.data_dir().to_string_lossy(), "--timeout", "0"],
    );
    assert_eq!(late.status.code(), Some(1));
    assert!(told(&late).contains("--timeout"), "{}", told(&late));
}

/// As `helm test` runs it: a client of the provider, with the rights that the README names and no others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smoke_test_goes_through_as_a_client() {
    const SCOPES: &str = "customer:read customer:write ticket:create ticket:read ticket:write quality:read \
                          survey:read survey:invite notification:read";
    let mut stack = Stack::suite(Options::default()).await;
    stack.stop_suite();
    let file = stack.data_dir().join("accounts.json");
    let mut accounts: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let client = &mut accounts["clients"][0];
    client["org"] = "/acme".into();
    client["scopes"] = SCOPES.split(' ').collect::<Vec<_>>().into();
    let [id, secret] = ["id", "secret"].map(|name| client[name].as_str().unwrap().to_owned());
    fs::write(&file, accounts.to_string()).unwrap();
    stack.start_suite().await;
    let token_url = format!("{}/oauth2/token", stack.urls.issuer);
    let env = [
        ("KEFU_URL", stack.urls.issuer.as_str()),
        ("KEFU_TOKEN_URL", &token_url),
        ("KEFU_CLIENT_ID", &id),
        ("KEFU_CLIENT_SECRET", &secret),
    ];
    let done = smoke(&stack, &env, &[]);
    went_through(&done);
    assert!(told(&done).contains("claim: left to a member of staff"), "{}", told(&done));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smoke_test_goes_through_split_with_mail() {
    let stack = Stack::split(Options::default()).await;
    let token = stack.user("admin").await.token().to_owned();
    let mail = "smoke@example.org";
    let mut env: Vec<(String, String)> = SERVICES
        .iter()
        .map(|s| (format!("KEFU_{}_URL", s.to_uppercase()), stack.urls.service(s).to_owned()))
        .collect();
    env.push(("KEFU_TOKEN".into(), token));
    env.push(("KEFU_SMOKE_EMAIL".into(), mail.into()));
    let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let done = smoke(&stack, &env, &[]);
    went_through(&done);
    assert!(told(&done).contains("acknowledgement: delivered"), "{}", told(&done));
    let written = stack.mails.wait(mail, "T20", std::time::Duration::from_secs(10)).await;
    assert!(!written.text().is_empty());
}

fn smoke(stack: &Stack, env: &[(&str, &str)], args: &[&str]) -> Output {
    Command::new(binary("kefu"))
        .arg("smoke")
        .args(args)
        .envs(env.iter().copied())
        .current_dir(stack.dir.path())
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn went_through(output: &Output) {
    let told = told(output);
    println!("{told}");
    assert!(output.status.success(), "{told}");
    for step in [
        "customer",
        "complaint",
        "acknowledgement",
        "claim",
        "articles",
        "resolve",
        "invitation",
        "answer page",
        "results",
        "timeline",
        "quality",
    ] {
        assert!(told.contains(&format!("s  {step}: ")), "{step} is not told:\n{told}");
    }
}
