//! What is asked of a database before it is used.

use sea_orm::{ConnectionTrait, Database};
use store::{Db, DbSettings, Migrations};

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
