//! `kefu issuer`: the built-in issuer as a process of its own.

use std::path::Path;

use actix_web::{App, HttpServer, web::Data};
use host::cli::{Common, Options};
use utoipa_actix_web::AppExt;

use crate::accounts::Accounts;

/// Serves until a signal ends it.
pub fn run(data: &Path, listen: &str) -> Result<(), String> {
    std::fs::create_dir_all(data).map_err(|e| format!("{}: {e}", data.display()))?;
    let options = Options {
        preset: Accounts::open(data)?.settings(),
        settings: vec![
            ("data.dir".into(), data.display().to_string()),
            ("auth.mode".into(), "builtin".into()),
        ],
        ..Options::default()
    };
    let settings =
        host::cli::settings(&[], &Common::default(), &options).map_err(|e| e.to_string())?;
    let issuer =
        Data::new(host::issuer(&settings, &format!("http://{listen}")).map_err(|e| e.to_string())?);
    let app = move || {
        App::new()
            .app_data(issuer.clone())
            .into_utoipa_app()
            .configure(http::issuer::routes)
            .into_app()
    };
    let server =
        HttpServer::new(app).workers(1).bind(listen).map_err(|e| format!("{listen}: {e}"))?;
    println!("token issuer at http://{listen}");
    actix_web::rt::System::new().block_on(server.run()).map_err(|e| e.to_string())
}
