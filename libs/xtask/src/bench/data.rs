//! Ticketing databases with as many tickets as asked for: three years of a service centre, made by
//! SQL inside the server. Search tokens are those of the product: of each phrase they are computed by
//! [`store::text`] here and joined in SQL, facets are checked against [`facets::of`] afterwards.

use std::{collections::BTreeSet, fmt::Write as _, fs, time::Instant};

use sea_orm::EntityTrait;
use store::{Db, DbSettings, sql};
use ticketing::store::{entities::ticket, facets};

use super::{
    error,
    postgres::{database_url, psql, psql_file},
};

const ZH_THINGS: &str = "快递 包裹 发票 账单 退款 物流 订单 会员 积分 宽带 路由器 电梯 空调 门禁 水管 订阅 合同 押金 保修 安装 客服 网点 司机 仓库 优惠券";
const ZH_TROUBLES: &str = "延误 丢失 破损 无法使用 重复扣款 没有回复 态度恶劣 地址错误 申请取消 需要修改 要求赔偿 一直没有送达 显示异常 闪红灯 漏水 收费不合理";
const EN_THINGS: &str = "delivery parcel invoice refund router account order subscription contract warranty installation courier warehouse coupon payment elevator meter battery";
const EN_TROUBLES: &str = "delayed|lost in transit|damaged on arrival|not working|charged twice|no answer yet|wrong address|please cancel|needs a change|claims compensation|keeps restarting|shows an error|is leaking|cannot log in";

/// What tickets are about, the frequent ones first, Chinese and English in turn.
fn phrases() -> Vec<String> {
    let pairs = |things: &str, troubles: Vec<&str>, between: &str| -> Vec<String> {
        // By trouble, shifted: neighbours have neither word in common.
        let things: Vec<&str> = things.split(' ').collect();
        (0..things.len() * troubles.len())
            .map(|n| {
                let (row, column) = (n / things.len(), n % things.len());
                let trouble = troubles[(row + column) % troubles.len()];
                format!("{}{between}{trouble}", things[column])
            })
            .collect()
    };
    let zh = pairs(ZH_THINGS, ZH_TROUBLES.split(' ').collect(), "");
    let mut en = pairs(EN_THINGS, EN_TROUBLES.split('|').collect(), " ").into_iter();
    zh.into_iter().flat_map(|zh| [Some(zh), en.next()]).flatten().collect()
}

/// URL of the database with `n` tickets on `server`; made unless it is there already.
pub async fn tickets(server: &str, n: usize) -> Result<String, String> {
    let name = format!("kefu_bench_{n}");
    let url = database_url(server, &name);
    let script = script(n);
    let mark = format!("{:016x}", fingerprint(&(script.clone() + &ticketing_migrations())));
    let known = format!(
        "select 1 from pg_database where datname = '{name}' and shobj_description(oid, 'pg_database') = '{mark}'"
    );
    if psql(server, &known)? == "1" {
        println!("{n} tickets: {name} is there already");
        return Ok(url);
    }
    let begun = Instant::now();
    psql(server, &format!("drop database if exists {name}"))?;
    psql(server, &format!("create database {name}"))?;
    let db = Db::connect(&DbSettings::new(&url)).await.map_err(error)?;
    ticketing::store::migrations().run(&db).await.map_err(error)?;
    let indexes = "from pg_indexes where schemaname = 'public' and tablename in ('ticket', 'ticket_fts', 'article', 'timer')
        and indexname not in (select conname from pg_constraint)";
    let create = psql(&url, &format!("select indexdef || ';' {indexes}"))?;
    let drop = psql(&url, &format!("select 'drop index ' || indexname || ';' {indexes}"))?;
    let settings = "set synchronous_commit = off; set jit = off; set work_mem = '256MB'; set maintenance_work_mem = '512MB';";
    let file = tempfile::NamedTempFile::new().map_err(error)?;
    fs::write(file.path(), format!("{settings}\n{drop}\n{script}\n{create}\nvacuum (analyze);\n"))
        .map_err(error)?;
    psql_file(&url, file.path())?;
    check(&db, n).await?;
    psql(server, &format!("comment on database {name} is '{mark}'"))?;
    psql(&url, "checkpoint")?;
    println!(
        "{n} tickets: {name} made in {:.0} s, {}",
        begun.elapsed().as_secs_f64(),
        psql(&url, "select pg_size_pretty(pg_database_size(current_database()))")?
    );
    Ok(url)
}

fn ticketing_migrations() -> String {
    format!("{:?}", ticketing::store::migrations())
}

/// Who handles `n` tickets: a centre with more of them has more staff, nobody has more at work.
pub fn agents(n: usize) -> usize {
    n / 5_250
}

/// FNV-1a, 64 bit.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

fn script(n: usize) -> String {
    let phrases = phrases();
    let mut rows = String::new();
    for (at, phrase) in phrases.iter().enumerate() {
        let tokens = store::text::index_tokens(phrase).join(",");
        let comma = if at == 0 { "" } else { ",\n" };
        let _ = write!(rows, "{comma}({at}, '{phrase}', '{{{tokens}}}'::text[])");
    }
    include_str!("data.sql")
        .replace("{rows}", &rows)
        .replace("{phrases}", &phrases.len().to_string())
        .replace("{agents}", &agents(n).to_string())
        .replace("{n}", &n.to_string())
}

/// Tokens of some tickets are exactly what the product would have written.
async fn check(db: &Db, n: usize) -> Result<(), String> {
    let some =
        "SELECT id, array_to_string(tokens, chr(10)) AS tokens FROM ticket_fts WHERE doc % $1 = 7";
    let step = i64::try_from(n / 300 + 1).map_err(error)?;
    let rows = sql::all(db, some, vec![step.into()]).await.map_err(error)?;
    for row in &rows {
        let id: uuid::Uuid = row.try_get("", "id").map_err(error)?;
        let stored: String = row.try_get("", "tokens").map_err(error)?;
        let ticket = ticket::Entity::find_by_id(id).one(db).await.map_err(error)?;
        let ticket = ticket.ok_or_else(|| format!("{id} has tokens and is no ticket"))?;
        let body =
            "SELECT coalesce(string_agg(body, ' '), '') AS body FROM article WHERE ticket_id = $1";
        let body = sql::one(db, body, vec![id.into()]).await.map_err(error)?;
        let body: String =
            body.map_or(Ok(String::new()), |b| b.try_get("", "body")).map_err(error)?;
        let text = format!(
            "{} {}\n{}\n{body}",
            ticket.number,
            ticket.subject,
            ticket.external_ref.as_deref().unwrap_or_default()
        );
        let mut expected: BTreeSet<String> = store::text::index_tokens(&text).into_iter().collect();
        expected.extend(facets::of(&ticket));
        let stored: BTreeSet<String> = stored.lines().map(str::to_owned).collect();
        if stored != expected {
            return Err(format!("tokens of {id} are {stored:?} and should be {expected:?}"));
        }
    }
    if rows.len() < 100 {
        return Err(format!("only {} of {n} tickets were looked at", rows.len()));
    }
    Ok(())
}
