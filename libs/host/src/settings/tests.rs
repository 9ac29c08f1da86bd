//! Layers of the settings, what is refused, and how faults are told.

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Own {
    days: u32,
    smtp: Smtp,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Smtp {
    password: String,
    tls: bool,
    relays: Vec<String>,
}

fn module(name: &'static str) -> Module {
    Module {
        name,
        defaults: "days = 7\n[smtp]\npassword = \"\"\ntls = true\nrelays = []",
        migrations: || store::Migrations::new([]),
        routes: |_| {},
        codes: &[],
        check: |section| section.get::<Own>().map(|_| ()),
        build: |_| Err(Error::setting("none", "never built")),
    }
}

fn environment(pairs: &[(&str, &str)]) -> Option<Map<String, String>> {
    Some(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
}

fn load(preset: &str, pairs: &[(&str, &str)]) -> Result<Settings, Error> {
    let sources = Sources { environment: environment(pairs), ..Sources::only(preset) };
    Settings::load(&[module("notes"), module("others")], &sources)
}

fn faults(preset: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    match load(preset, pairs) {
        Err(Error::Settings(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

#[test]
fn environment_beats_file_beats_preset_beats_default() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kefu.toml");
    std::fs::write(&file, "[http]\nworkers = 5\nrate_burst = 5\n[notes]\ndays = 5").unwrap();
    let sources = Sources {
        file: Some(file),
        environment: environment(&[
            ("KEFU__HTTP__RATE_BURST", "6"),
            ("KEFU__NOTES__SMTP__PASSWORD", "0012"),
            ("OTHER__HTTP__WORKERS", "9"),
        ]),
        ..Sources::only("[http]\nworkers = 4\nrate_burst = 4\nbody_limit = 4000")
    };
    let settings = Settings::load(&[module("notes"), module("others")], &sources).unwrap();
    assert_eq!(
        (settings.http.body_limit, settings.http.workers, settings.http.rate_burst),
        (4000, 5, 6)
    );
    let own: Own = settings.section("notes").get().unwrap();
    // Digits stay the text that they are.
    assert_eq!(
        own,
        Own { days: 5, smtp: Smtp { password: "0012".into(), tls: true, relays: vec![] } }
    );
    assert_eq!(settings.section("others").get::<Own>().unwrap().days, 7);
    assert_eq!(settings.unknown, Vec::<String>::new());
}

#[test]
fn every_fault_is_told_with_name_and_mending() {
    let found = faults(
        "[http]\nlisten = \"nowhere\"\nworkers = 0\n[events]\nkind = \"kafka\"\n[database]\nurl = \"mysql://{service}\"",
        &[("KEFU__TELEMETRY__OTLP_ENDPOINT", "collector")],
    );
    for name in [
        "http.listen",
        "http.workers",
        "events.brokers",
        "auth.mode",
        "pii.keys",
        "database.url",
        "telemetry.otlp_endpoint",
    ] {
        let variable = format!("KEFU__{}", name.to_uppercase().replace('.', "__"));
        assert!(
            found.iter().any(|f| f.contains(name) && f.contains(&variable)),
            "{name} is not in {found:#?}"
        );
    }
    assert!(found.iter().any(|f| f.contains("openssl rand -hex 32")), "{found:#?}");
}

#[test]
fn a_log_level_that_would_silence_the_log_is_refused_by_its_name() {
    for level in ["inof", "", "warning", " info", "ticketing", "warn,ticketing", "ticketing=inof"] {
        let found = faults("", &[("KEFU__TELEMETRY__LOG_LEVEL", level)]);
        assert!(found.iter().any(|f| f.contains("telemetry.log_level")), "{level:?}: {found:#?}");
    }
    let levels = ["off", "error", "warn", "info", "debug", "trace", "INFO"];
    for level in levels.into_iter().chain(["warn,ticketing=debug", "info,[handle]=trace"]) {
        load("", &[("KEFU__TELEMETRY__LOG_LEVEL", level)]).unwrap();
    }
}

#[test]
fn a_wrong_type_and_an_unknown_name_are_told() {
    let found = faults(
        "[http]\nworkerz = 1\n[events]\nkind = \"pigeon\"",
        &[("KEFU__DATABASE__MAX_CONNECTIONS", "many")],
    );
    assert!(found.iter().any(|f| f.contains("workerz")), "{found:#?}");
    assert!(found.iter().any(|f| f.contains("pigeon")), "{found:#?}");
    assert!(found.iter().any(|f| f.contains("max_connections")), "{found:#?}");
}

#[test]
fn a_module_tells_its_own_faults_with_the_section() {
    // Of all modules at once, and before anything is made.
    let found = faults("[notes]\ndays = \"soon\"\n[others]\ndays = \"never\"", &[]);
    assert!(found.iter().any(|f| f.contains("notes.days")), "{found:#?}");
    assert!(found.iter().any(|f| f.contains("others.days")), "{found:#?}");
}

#[test]
fn secrets_are_never_shown() {
    let secret = "f".repeat(63);
    let found = faults(
        &format!("[pii]\nactive = \"a\"\nindex_key = \"{secret}\"\n[pii.keys]\na = \"{secret}\""),
        &[],
    );
    let wrong = faults(&format!("[pii]\nkeys = \"{secret}\""), &[]);
    let shown = format!("{found:?} {wrong:?}");
    assert!(!shown.contains(&secret), "{shown}");
    let settings = load(
        "[database]\nurl = \"postgres://kefu:hunter2@db/kefu_{service}\"",
        &[
            ("KEFU__PII__KEYS__A", &"1".repeat(64)),
            ("KEFU__PII__ACTIVE", "a"),
            ("KEFU__PII__INDEX_KEY", &"2".repeat(64)),
        ],
    )
    .unwrap();
    let shown = format!("{:?} {:?} {:?}", settings.database, settings.pii, settings.events);
    assert!(!shown.contains("hunter2") && !shown.contains("1111"), "{shown}");
    assert_eq!(settings.database_of("notes").url, "postgres://kefu:hunter2@db/kefu_notes");
}

#[test]
fn a_missing_file_and_unread_sections_are_told() {
    let sources = Sources { file: Some("/nowhere/kefu.toml".into()), ..Sources::only("") };
    let error = Settings::load(&[], &sources).unwrap_err().to_string();
    assert!(error.contains("/nowhere/kefu.toml"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kefu.toml");
    std::fs::write(&file, "[note]\ndays = 1").unwrap();
    let sources = Sources { file: Some(file), ..Sources::only("[demo]\nusers = 1") };
    let settings = Settings::load(&[module("notes")], &sources).unwrap();
    assert_eq!(settings.unknown, ["note"]);
}

#[test]
fn a_variable_that_nobody_reads_is_refused_by_its_name() {
    let cases = [
        ("KEFU__NOTE__DAYS", "1"),
        ("KEFU__HTTP__LISTENN", "127.0.0.1:1"),
        ("KEFU__HTTP_LISTEN", "127.0.0.1:1"),
        ("KEFU__NOTES__DAY", "1"),
        ("KEFU__NOTES__SMTP__TLSS", "true"),
        ("KEFU__EVENTS__TUNING__BATCHH", "1"),
        ("KEFU__ISSUER__USER", "amy"),
    ];
    for (name, value) in cases {
        let found = faults("", &[(name, value)]);
        assert!(found.iter().any(|f| f.contains(name)), "{name} is not in {found:#?}");
    }
    let all: Vec<_> = cases.into_iter().take(2).collect();
    assert_eq!(faults("", &all).len(), 2, "all at once");
    // A process of one service gets what its neighbours read, too.
    load("", &[("KEFU__SURVEY__BRAND", "x"), ("KEFU__PII__KEYS__A", &"1".repeat(64))]).unwrap_err();
    load("", &[("KEFU__SURVEY__BRAND", "x")]).unwrap();
}

#[test]
fn lists_are_written_with_commas_or_as_json() {
    let relays = |text: &str| {
        let settings = load("", &[("KEFU__NOTES__SMTP__RELAYS", text)]).unwrap();
        settings.section("notes").get::<Own>().unwrap().smtp.relays
    };
    assert_eq!(relays("a, b,c"), ["a", "b", "c"]);
    assert_eq!(relays("a"), ["a"]);
    assert_eq!(relays(r#"["a,b","c"]"#), ["a,b", "c"]);
    assert!(relays("").is_empty());
    // Tables stand in lists, too.
    let users =
        r#"[{"name":"amy","display_name":"Amy","password_hash":"x","roles":["agent"],"org":"/a"}]"#;
    load("", &[("KEFU__ISSUER__USERS", users)]).unwrap();
    let found = faults("", &[("KEFU__ISSUER__USERS", "[{]")]);
    assert!(found[0].contains("KEFU__ISSUER__USERS"), "{found:#?}");
    // What is no list is not read as one.
    let settings = load("", &[("KEFU__NOTES__SMTP__PASSWORD", "[a,b]")]).unwrap();
    assert_eq!(settings.section("notes").get::<Own>().unwrap().smtp.password, "[a,b]");
}

#[test]
fn migrations_run_by_themselves_where_one_process_owns_the_data() {
    let mut settings = load("", &[]).unwrap();
    assert!(settings.auto_migrate(1));
    settings.database.url = "postgres://db/kefu_{service}".into();
    assert!(!settings.auto_migrate(1) && settings.auto_migrate(5));
    settings.database.auto_migrate = Tristate::False;
    assert!(!settings.auto_migrate(5));
}

#[test]
fn kafka_properties_keep_their_dots() {
    let file = load("[events.kafka]\n\"security.protocol\" = \"SASL_SSL\"", &[]).unwrap();
    assert_eq!(file.events.kafka["security.protocol"], "SASL_SSL");
    let environment = load(
        "",
        &[
            ("KEFU__EVENTS__KAFKA__SECURITY__PROTOCOL", "SASL_SSL"),
            ("KEFU__EVENTS__KAFKA__SASL__PASSWORD", "0012"),
            ("KEFU__EVENTS__KAFKA__LINGER__MS", "5"),
        ],
    );
    let kafka = environment.unwrap().events.kafka;
    let of = |name: &str| kafka.get(name).map(String::as_str);
    assert_eq!(of("security.protocol"), Some("SASL_SSL"));
    assert_eq!((of("sasl.password"), of("linger.ms")), (Some("0012"), Some("5")));
}
