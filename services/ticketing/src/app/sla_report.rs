//! Attainment of service levels.

use chrono::{DateTime, Utc};
use kernel::{Context, Problem, codes, messages as shared};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use store::sql;
use utoipa::{IntoParams, ToSchema};

use super::App;

/// Which tickets, and by what they are grouped.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SlaQuery {
    /// Tickets opened at or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// Tickets opened before this instant.
    pub to: Option<DateTime<Utc>>,
    /// `priority` (default), `kind`, `queue` or `channel`.
    #[param(pattern = "^(priority|kind|queue|channel)$")]
    pub by: Option<String>,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SlaLine {
    /// Value of what the report is grouped by; null for tickets without it.
    pub group: Option<String>,
    /// `first_response` or `resolution`.
    pub metric: String,
    /// Timers that ended in time.
    pub met: i64,
    /// Timers whose deadline passed, ended or not.
    pub breached: i64,
    /// Timers that still count or stand still, within their deadline.
    pub running: i64,
    /// `met / (met + breached)`; null while both are 0.
    pub attainment: Option<f64>,
}

#[derive(Debug, FromQueryResult)]
struct Row {
    grp: Option<String>,
    metric: String,
    state: String,
    n: i64,
}

/// Counts timers (every cycle: a reopened ticket has several) of tickets opened in the period.
/// Cancelled timers and department tasks do not count.
pub async fn run(app: &App, ctx: &Context, query: SlaQuery) -> Result<Vec<SlaLine>, Problem> {
    let column = match query.by.as_deref().unwrap_or("priority") {
        "priority" => "k.priority",
        "kind" => "k.kind",
        "queue" => "k.queue",
        "channel" => "k.channel",
        _ => {
            let problem = Problem::of(&codes::INVALID_QUERY);
            return Err(problem.field(
                "/by",
                "unknown-value",
                shared::one_of(["priority", "kind", "queue", "channel"]),
            ));
        }
    };
    let (below, above) = ctx.actor.org.below();
    let mut values = vec![ctx.actor.org.as_str().into(), below.into(), above.into()];
    let mut period = String::new();
    for (bound, operator) in [(query.from, ">="), (query.to, "<")] {
        if let Some(at) = bound {
            values.push(at.into());
            period.push_str(&format!(" AND k.opened_at {operator} ${}", values.len()));
        }
    }
    let statement = format!(
        "SELECT {column} AS grp, t.metric AS metric, t.state AS state, count(*) AS n
         FROM timer t JOIN ticket k ON k.id = t.ticket_id
         WHERE (k.org = $1 OR (k.org >= $2 AND k.org < $3)) AND t.metric IN ('first_response', 'resolution')
           AND t.state <> 'cancelled'{period}
         GROUP BY {column}, t.metric, t.state"
    );
    let rows: Vec<Row> = sql::rows(&app.db, &statement, values).await?;
    Ok(lines(rows))
}

fn lines(rows: Vec<Row>) -> Vec<SlaLine> {
    let mut lines: Vec<SlaLine> = Vec::new();
    for row in rows {
        let index = lines
            .iter()
            .position(|l| l.group == row.grp && l.metric == row.metric)
            .unwrap_or_else(|| {
                let line = SlaLine {
                    group: row.grp.clone(),
                    metric: row.metric,
                    met: 0,
                    breached: 0,
                    running: 0,
                    attainment: None,
                };
                lines.push(line);
                lines.len() - 1
            });
        let line = &mut lines[index];
        match row.state.as_str() {
            "met" => line.met += row.n,
            "breached" => line.breached += row.n,
            _ => line.running += row.n,
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "counts of tickets")]
    for line in &mut lines {
        let decided = line.met + line.breached;
        line.attainment = (decided > 0).then(|| line.met as f64 / decided as f64);
    }
    lines.sort_by_key(|l| (l.metric.clone(), rank(l.group.as_deref()), l.group.clone()));
    lines
}

/// Priorities in their own order, the most urgent first.
fn rank(group: Option<&str>) -> usize {
    ["urgent", "high", "normal", "low"].iter().position(|p| Some(*p) == group).unwrap_or(4)
}
