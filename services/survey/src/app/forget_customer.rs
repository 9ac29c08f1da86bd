//! What a person wrote into surveys is deleted; scores stay, for they name nobody. Open links end,
//! and he counts as opted out, so that no later ticket of his leads to an invitation.

use contracts::customer::CustomerErased;
use kernel::{OrgPath, Problem};
use store::{Tx, sql};

use crate::{App, store::invitations};

/// Who has opted an erased customer out.
pub const BY: &str = "erasure";

/// `$1` is the customer, `$2` the present.
const FORGET: [&str; 6] = [
    "UPDATE ticket SET subject = NULL WHERE customer_id = $1",
    "UPDATE response SET comment = NULL WHERE customer_id = $1 AND answered_at <= $2",
    "DELETE FROM answer WHERE sealed AND response_id IN
       (SELECT id FROM response WHERE customer_id = $1 AND answered_at <= $2)",
    "DELETE FROM invitation_link WHERE created_at <= $2 AND invitation_id IN
       (SELECT id FROM invitation WHERE customer_id = $1)",
    "UPDATE invitation SET state = 'skipped', skip_reason = 'opted_out', version = version + 1
       WHERE customer_id = $1 AND state = 'waiting' AND created_at <= $2",
    "UPDATE invitation SET token_hash = NULL, expires_at = $2, version = version + 1
       WHERE customer_id = $1 AND state = 'sent' AND created_at <= $2",
];

pub async fn run(app: &App, tx: &Tx, event: CustomerErased) -> Result<(), Problem> {
    let now = app.clock.now();
    let root = OrgPath::parse(&event.org)?.root();
    let ids: Vec<_> = event.ids().collect();
    for id in &ids {
        // Locks him: a decision about an invitation is made before this or finds him opted out.
        invitations::set_opt_out(tx, &root, *id, Some(BY), now).await?;
        for statement in FORGET {
            let bound = if statement.contains("$2") { 2 } else { 1 };
            let values = [(*id).into(), now.into()];
            sql::execute(tx, statement, values[..bound].to_vec()).await?;
        }
    }
    events::dead_letters::forget(tx, &ids).await?;
    Ok(())
}
