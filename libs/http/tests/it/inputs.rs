//! Bad input of every kind is a problem with a stable code, and nothing is half-written.

use reqwest::Method;
use serde_json::json;

use crate::bed::{self, send};

#[actix_web::test]
async fn bodies() {
    let bed = bed::start(&bed::sqlite().await).await;
    let post = || bed.post("/api/v1/notes");
    let json = |text: &'static str| post().header("content-type", "application/json").body(text);

    send(json("{\"text\":")).await.is_problem(400, "malformed-body");
    send(json("")).await.is_problem(400, "malformed-body");
    send(json("{\"text\":\"a\"} trailing")).await.is_problem(400, "malformed-body");
    send(json(r#"{"text":"a","colour":"red"}"#))
        .await
        .is_problem(422, "invalid")
        .at("/colour", "unknown-field");
    send(json(r#"{}"#)).await.is_problem(422, "invalid").at("/text", "missing-field");
    send(json(r#"{"text":7}"#)).await.is_problem(422, "invalid").at("/text", "wrong-type");
    let nested = r#"{"text":"a","tags":[{"weight":1},{"weight":256}]}"#;
    send(json(nested)).await.is_problem(422, "invalid").at("/tags/1/weight", "invalid-value");
    send(json(r#"{"text":"a\u0000"}"#))
        .await
        .is_problem(422, "invalid")
        .at("/text", "nul-character");
    send(json(r#"{"text":"  "}"#)).await.is_problem(422, "invalid").at("/text", "too-short");

    send(post().body(r#"{"text":"a"}"#)).await.is_problem(415, "unsupported-media-type");
    let xml = post().header("content-type", "text/xml").body("<a/>");
    send(xml).await.is_problem(415, "unsupported-media-type");
    let latin =
        post().header("content-type", "application/json; charset=latin1").body(r#"{"text":"a"}"#);
    send(latin).await.is_problem(415, "unsupported-media-type");
    let zipped = post().header("content-encoding", "gzip").json(&json!({"text": "a"}));
    send(zipped).await.is_problem(415, "unsupported-media-type");
    let suffix = post()
        .header("content-type", "application/vnd.note+json; charset=utf-8")
        .body(r#"{"text":"a"}"#);
    assert_eq!(send(suffix).await.status, 201);

    send(post().json(&json!({"text": "x".repeat(20_000)}))).await.is_problem(413, "body-too-large");
    let chunked = bed.chunked("/api/v1/notes", 20).await;
    assert!(
        chunked.starts_with("HTTP/1.1 413 ") && chunked.contains(r#""code":"body-too-large""#),
        "{chunked}"
    );

    assert_eq!(bed.count("note").await, 1, "only the good one is written");
}

#[actix_web::test]
async fn queries_and_paths() {
    for test in bed::databases().await {
        let bed = bed::start(&test).await;
        let get = async |query: &str| send(bed.get(&format!("/api/v1/notes{query}"))).await;
        get("?limit=abc").await.is_problem(400, "invalid-query").at("/limit", "wrong-type");
        get("?limit=0").await.is_problem(400, "invalid-query").at("/limit", "out-of-range");
        get("?colour=red").await.is_problem(400, "invalid-query").at("/colour", "unknown-field");
        get("?cursor=a%00b").await.is_problem(400, "invalid-query").at("/cursor", "nul-character");
        let both = get("?colour=red&size=1&limit=1").await;
        assert_eq!(both.body["errors"].as_array().unwrap().len(), 2, "{both:#?}");
        assert!(both.text.contains("known parameters: cursor, limit, total"), "{}", both.text);
        let long = format!("?cursor={}", "%E9%95%BF".repeat(101));
        get(&long).await.is_problem(400, "invalid-query").at("/cursor", "too-long");
        get("?cursor=%zz").await.is_problem(400, "invalid-query");
        get("?cursor=7").await.is_problem(400, "invalid-cursor");

        bed.note("first").await;
        let second = bed.note("second").await;
        let page = get("?limit=1").await;
        assert_eq!(page.body["items"][0]["text"], "first");
        let next = format!("?limit=1&cursor={}", page.body["next_cursor"].as_str().unwrap());
        assert_eq!(get(&next).await.body["items"][0]["id"], second.body["id"]);

        get("/7").await.is_problem(400, "invalid-path");
        get("/%00").await.is_problem(400, "invalid-path");
        get(&format!("/{}", kernel::new_id())).await.is_problem(404, "not-found");
    }
}

/// A parameter where none is taken would be ignored, and its sender none the wiser.
#[actix_web::test]
async fn query_parameters_are_the_documented_ones() {
    let bed = bed::start(&bed::sqlite().await).await;
    let post = bed.post("/api/v1/notes?on_match=reject").json(&json!({"text": "a"}));
    send(post).await.is_problem(400, "invalid-query").at("/on_match", "unknown-field");
    assert_eq!(bed.count("note").await, 0);
    let anonymous = bed.request(Method::GET, "/api/v1/notes?colour=red");
    send(anonymous).await.is_problem(401, "unauthenticated");
    let page = bed.request(Method::GET, "/n/a?utm_source=mail");
    assert_eq!(send(page).await.status, 200, "links for people get mangled on their way");
}

#[actix_web::test]
async fn who_has_the_note_is_not_sent_it_again() {
    let bed = bed::start(&bed::sqlite().await).await;
    let path = format!("/api/v1/notes/{}", bed.note("one").await.body["id"].as_str().unwrap());
    let ask = async |tags: &str| send(bed.get(&path).header("if-none-match", tags)).await;
    for tags in ["\"1\"", "W/\"1\"", "\"7\", \"1\"", "*"] {
        let reply = ask(tags).await;
        assert_eq!((reply.status, reply.text.as_str()), (304, ""), "{tags}");
        assert_eq!((reply.header("etag"), reply.header("content-type")), ("\"1\"", ""));
    }
    for tags in ["\"2\"", "1", "\"11\""] {
        assert_eq!(ask(tags).await.status, 200, "{tags}");
    }
    let put = bed.put(&path).header("if-match", "\"1\"").json(&json!({"text": "two"}));
    assert_eq!(send(put).await.status, 200);
    assert_eq!(ask("\"1\"").await.body["text"], "two");
    let all = bed.put(&path).header("if-match", "*").json(&json!({"text": "three"}));
    let refused = send(all).await;
    refused.is_problem(400, "invalid-header");
    assert!(refused.body["detail"].as_str().unwrap().contains('*'), "{refused:#?}");
}

#[actix_web::test]
async fn unknown_places_and_methods() {
    let bed = bed::start(&bed::sqlite().await).await;
    send(bed.get("/api/v1/nothing")).await.is_problem(404, "not-found");
    let refused = send(bed.request(Method::DELETE, "/api/v1/notes")).await;
    refused.is_problem(405, "method-not-allowed");
    assert_eq!(refused.header("allow"), "GET, POST");
    let refused =
        send(bed.request(Method::POST, &format!("/api/v1/notes/{}", kernel::new_id()))).await;
    refused.is_problem(405, "method-not-allowed");
    assert_eq!(refused.header("allow"), "GET, PUT");
}

#[actix_web::test]
async fn errors_of_actix_itself_and_inner_causes() {
    let bed = bed::start(&bed::sqlite().await).await;
    let actix = bed.post("/plain-actix").header("content-type", "application/json").body("{");
    send(actix).await.is_problem(400, "malformed-body");
    send(bed.get("/fail/hard")).await.is_problem(500, "internal");
    send(bed.get("/fail/actix")).await.is_problem(500, "internal");
    let busy = send(bed.get("/fail/busy")).await;
    busy.is_problem(503, "unavailable");
    assert_eq!(busy.header("retry-after"), "2");
}

#[actix_web::test]
async fn titles_speak_the_callers_language() {
    let bed = bed::start(&bed::sqlite().await).await;
    let title = async |language: &str| {
        send(bed.get("/api/v1/nothing").header("accept-language", language)).await.body["title"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(title("zh-CN,zh;q=0.9,en;q=0.8").await, "资源不存在");
    assert_eq!(title("en-GB").await, "there is no such resource");
    assert_eq!(title("fr").await, "there is no such resource");
    let malformed = bed
        .post("/api/v1/notes")
        .header("content-type", "application/json")
        .header("accept-language", "zh");
    let reply = send(malformed.body("{")).await;
    assert_eq!(
        (reply.body["title"].as_str(), reply.header("content-language")),
        (Some("请求体不是合法的 JSON"), "zh-CN")
    );
    let own =
        bed.post("/api/v1/notes").header("accept-language", "zh").json(&json!({"text": "locked"}));
    assert_eq!(send(own).await.body["title"], "便签已锁定");
}

#[actix_web::test]
async fn all_faults_are_told_at_once_and_in_chinese() {
    let bed = bed::start(&bed::sqlite().await).await;
    let wrong = json!({ "text": 7, "colour": "red", "tags": [{ "weight": 300 }, {}] });
    let post = bed.post("/api/v1/notes").header("accept-language", "zh-CN").json(&wrong);
    let reply = send(post).await;
    reply.is_problem(422, "invalid");
    let mut told: Vec<(&str, &str)> = reply.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["pointer"].as_str().unwrap(), e["detail"].as_str().unwrap()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("/colour", "不支持此字段，可用字段：text、tags"),
            ("/tags/0/weight", "须为 0 至 255 的整数"),
            ("/tags/1/weight", "必填"),
            ("/text", "须为文本"),
        ]
    );
    let get = async |path: &str| {
        send(bed.get(&format!("/api/v1/notes{path}")).header("accept-language", "zh-CN")).await.body
    };
    let query = get("?limit=many&colour=red").await;
    assert_eq!(query["errors"].as_array().unwrap().len(), 2, "{query}");
    assert_eq!(get("/7").await["errors"][0]["detail"], "须为标识（UUID）");
    assert_eq!(get("?cursor=%zz").await["detail"], "百分号后须跟两位十六进制数字");
}

#[actix_web::test]
async fn versions() {
    for test in bed::databases().await {
        let bed = bed::start(&test).await;
        let note = bed.note("one").await;
        let path = format!("/api/v1/notes/{}", note.body["id"].as_str().unwrap());
        assert_eq!((note.header("location"), note.header("etag")), (path.as_str(), "\"1\""));
        let put = || bed.put(&path).json(&json!({"text": "two"}));
        send(put()).await.is_problem(428, "precondition-required");
        for bad in [
            "*",
            "7",
            "W/\"1\"",
            "\"1\", \"2\"",
            "\"\"",
            "\"-1\"",
            "\"x\"",
            "\"99999999999999999999\"",
        ] {
            send(put().header("if-match", bad)).await.is_problem(400, "invalid-header");
        }
        send(put().header("if-match", "\"2\"")).await.is_problem(412, "precondition-failed");
        let changed = send(put().header("if-match", "\"1\"")).await;
        assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
        send(put().header("if-match", "\"1\"")).await.is_problem(412, "precondition-failed");
        assert_eq!(send(bed.get(&path)).await.header("etag"), "\"2\"");
    }
}

#[actix_web::test]
async fn a_file_is_taken_as_it_is() {
    let bed = bed::start(&bed::sqlite().await).await;
    let file = "姓名,电话\n".repeat(2_000);
    let reply = send(
        bed.post("/api/v1/note-imports")
            .header("content-type", "text/csv; charset=utf-8")
            .body(file.clone()),
    )
    .await;
    assert_eq!(
        (reply.body["bytes"].as_u64(), reply.body["media_type"].as_str()),
        (Some(file.len() as u64), Some("text/csv"))
    );
    send(bed.post("/api/v1/note-imports").body("x"))
        .await
        .is_problem(415, "unsupported-media-type");
}
