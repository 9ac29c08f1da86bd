//! One database per module: connected, and as new as this program.

use futures::future::try_join_all;
use store::Db;

use super::{DataFolder, database_fault};
use crate::{Error, Module, Settings};

/// Databases of the modules, in their order; migrated, or refused when that is not allowed here.
pub(super) async fn open(modules: &[Module], settings: &Settings) -> Result<Vec<Db>, Error> {
    let auto = settings.auto_migrate(modules.len());
    try_join_all(modules.iter().map(|module| async move {
        let (db, url) = connect(module, settings).await?;
        let migrations = (module.migrations)();
        let fault = |e: sea_orm::DbErr| database_fault(module.name, &url, &e);
        if auto {
            migrations.run(&db).await.map_err(fault)?;
        } else {
            let pending = migrations.pending(&db).await.map_err(fault)?;
            if !pending.is_empty() {
                return Err(Error::Database {
                    service: module.name.to_owned(),
                    cause: format!("it lacks {} migrations ({} and on)", pending.len(), pending[0]),
                    mend: format!(
                        "run `kefu-{} migrate` first, or set database.auto_migrate to true",
                        module.name
                    ),
                });
            }
        }
        let newer = migrations.newer(&db).await.map_err(fault)?;
        if !newer.is_empty() {
            tracing::warn!(
                service = module.name,
                ?newer,
                "a newer version has migrated the database"
            );
        }
        Ok(db)
    }))
    .await
}

/// Brings every module's database up to this program's version.
pub async fn migrate(modules: &[Module], settings: &Settings) -> Result<(), Error> {
    let now = kernel::Clock::now(&kernel::SystemClock);
    let _folder = settings
        .uses_data_folder()
        .then(|| DataFolder::open(&settings.data.dir, now))
        .transpose()?;
    for module in modules {
        let (db, url) = connect(module, settings).await?;
        let fault = |e: sea_orm::DbErr| database_fault(module.name, &url, &e);
        let migrations = (module.migrations)();
        let pending = migrations.pending(&db).await.map_err(fault)?;
        migrations.run(&db).await.map_err(fault)?;
        tracing::info!(service = module.name, applied = ?pending, "migrated");
        db.close().await.map_err(fault)?;
    }
    Ok(())
}

/// One module's database, as it is.
pub(crate) async fn open_one(module: &Module, settings: &Settings) -> Result<Db, Error> {
    Ok(connect(module, settings).await?.0)
}

async fn connect(module: &Module, settings: &Settings) -> Result<(Db, String), Error> {
    let of = settings.database_of(module.name);
    let db = Db::connect(&of).await.map_err(|e| database_fault(module.name, &of.url, &e))?;
    Ok((db, of.url))
}
