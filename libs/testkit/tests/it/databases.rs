//! What is asked of a database before it is used.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Database};
use store::{Db, DbSettings, Migrations, SqlMigration};

const MAKE: &str = "CREATE DATABASE kefu_test_locale TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'";
const DROP: &str = "DROP DATABASE IF EXISTS kefu_test_locale WITH (FORCE)";

#[tokio::test]
async fn a_database_in_the_order_of_a_language_is_refused() {
    let server = std::env::var("KEFU_TEST_POSTGRES").unwrap();
    let admin = Database::connect(&server).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let settings = DbSettings::new(format!("{base}/kefu_test_locale"));
    for (more, refused) in [(" LOCALE_PROVIDER icu ICU_LOCALE 'en-US'", true), ("", false)] {
        admin.execute_unprepared(DROP).await.unwrap();
        admin.execute_unprepared(&format!("{MAKE}{more}")).await.unwrap();
        let db = Db::connect(&settings).await.unwrap();
        let outcome = Migrations::new([store::migrations()]).run(&db).await;
        assert_eq!(outcome.is_err(), refused, "{outcome:?}");
        if let Err(e) = outcome {
            assert!(e.to_string().contains(MAKE), "the message says how: {e}");
        }
        db.close().await.unwrap();
    }
    admin.execute_unprepared(DROP).await.unwrap();
}

/// The second waits for the first, whose index waits for everybody who looks at the database.
#[tokio::test]
async fn two_processes_migrate_at_once() {
    let bench = testkit::postgres().await;
    let steps = [
        SqlMigration::new("m1", "create table thing (id uuid);\n--pg select pg_sleep(0.5);\n"),
        SqlMigration::new("m2", "--pg create index concurrently thing_id on thing (id);\n"),
    ];
    let migrations = Migrations::new([steps.to_vec()]);
    let settings = DbSettings::new(&bench.url);
    let (one, two) = (Db::connect(&settings).await.unwrap(), Db::connect(&settings).await.unwrap());
    let both = async { tokio::join!(migrations.run(&one), migrations.run(&two)) };
    let (first, second) = tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
    first.unwrap();
    second.unwrap();
    assert!(migrations.pending(&one).await.unwrap().is_empty());
}
