//! Numbers of tickets, e.g. `T2026-000123`: unique per enterprise and never used again. Numbers may
//! be left out.
//!
//! On PostgreSQL a process takes them from the counter in blocks, each in a transaction of its own,
//! and hands them out from memory: who opens a ticket does not wait for the others of his enterprise
//! to commit. A process that dies takes the rest of its block along.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{OrgPath, Problem};
use sea_orm::DbErr;
use store::{Db, Tx, sql};

/// Size of an enterprise's first block. It doubles whenever one is used up before the next is
/// there…
const FIRST_BLOCK: i64 = 32;
/// …up to this.
const LARGEST_BLOCK: i64 = 512;

/// First of `count` consecutive numbers of a year, unique per enterprise. Others who want to take
/// numbers from the counter wait until `tx` ends.
pub(super) async fn next_numbers(
    tx: &Tx,
    root: &OrgPath,
    year: i32,
    count: i64,
) -> Result<i64, Problem> {
    Ok(advance(tx, &counter(root, year), count).await?)
}

pub(super) fn number_text(year: i32, number: i64) -> String {
    format!("T{year}-{number:06}")
}

fn counter(root: &OrgPath, year: i32) -> String {
    format!("ticket:{root}:{year}")
}

async fn advance(tx: &Tx, counter: &str, count: i64) -> Result<i64, DbErr> {
    let statement = "INSERT INTO counter (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value RETURNING value";
    let row = sql::one(tx, statement, vec![counter.into(), count.into()]).await?;
    let last: i64 = row.ok_or(DbErr::RecordNotInserted)?.try_get("", "value")?;
    Ok(last - count + 1)
}

/// Blocks of this process, by counter.
#[derive(Debug, Clone, Default)]
pub struct Numbers(Arc<Mutex<HashMap<String, Block>>>);

#[derive(Debug)]
struct Block {
    next: i64,
    /// The first number after the block.
    end: i64,
    /// Of the next block.
    size: i64,
    /// Numbers taken beforehand: they follow when this block is used up.
    following: Option<(i64, i64)>,
    fetching: bool,
}

impl Block {
    const EMPTY: Self =
        Self { next: 0, end: 0, size: FIRST_BLOCK, following: None, fetching: false };

    fn take(&mut self) -> Option<i64> {
        if self.next == self.end
            && let Some((next, end)) = self.following.take()
        {
            (self.next, self.end) = (next, end);
        }
        if self.next < self.end {
            self.next += 1;
            return Some(self.next - 1);
        }
        if self.end > 0 {
            // The block before was too small for what is asked for.
            self.size = (self.size * 2).min(LARGEST_BLOCK);
        }
        None
    }

    /// The size of a block that is to be fetched now, if any; the one who asks fetches it.
    fn wanted(&mut self) -> Option<i64> {
        let low = self.following.is_none() && self.end - self.next <= self.size / 2;
        let wanted = low && !self.fetching;
        self.fetching |= wanted;
        wanted.then_some(self.size)
    }

    fn put(&mut self, first: i64, count: i64) {
        self.following = Some((first, first + count));
    }
}

impl Numbers {
    /// The next number of a year. It is lost when the transaction does not commit.
    pub(super) async fn next(
        &self,
        db: &Db,
        tx: &Tx,
        root: &OrgPath,
        year: i32,
    ) -> Result<i64, Problem> {
        let counter = counter(root, year);
        // On SQLite every write transaction is alone: nobody would wait less, and no number need
        // be left out.
        if !tx.is_postgres() {
            return Ok(advance(tx, &counter, 1).await?);
        }
        let number = match self.with(&counter, Block::take) {
            Some(number) => number,
            None => advance(tx, &counter, 1).await?,
        };
        if let Some(count) = self.with(&counter, Block::wanted) {
            // Beside this transaction and not in it: the counter's row is locked only for a moment,
            // and nobody who holds a connection waits for a second one.
            tokio::spawn(self.clone().fetch(db.clone(), counter, count));
        }
        Ok(number)
    }

    async fn fetch(self, db: Db, counter: String, count: i64) {
        let taken = async {
            let tx = db.begin().await?;
            let first = advance(&tx, &counter, count).await?;
            tx.commit().await?;
            Ok::<_, DbErr>(first)
        };
        let taken = taken.await;
        self.with(&counter, |block| {
            block.fetching = false;
            if let Ok(first) = &taken {
                block.put(*first, count);
            }
        });
        if let Err(error) = taken {
            tracing::warn!(%error, counter, "no ticket numbers could be taken beforehand");
        }
    }

    fn with<R>(&self, counter: &str, work: impl FnOnce(&mut Block) -> R) -> R {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match blocks.get_mut(counter) {
            Some(block) => work(block),
            None => work(blocks.entry(counter.to_owned()).or_insert(Block::EMPTY)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_used_up_before_the_next_and_fetched_ahead() {
        let mut block = Block::EMPTY;
        assert_eq!((block.take(), block.wanted()), (None, Some(FIRST_BLOCK)));
        assert_eq!((block.take(), block.wanted()), (None, None), "one is on its way");
        block.fetching = false;
        block.put(3, FIRST_BLOCK);
        let mut taken = vec![];
        while taken.len() < 34 {
            let number = block.take().unwrap();
            taken.push(number);
            if let Some(count) = block.wanted() {
                assert_eq!(number, 2 + FIRST_BLOCK / 2, "when half of it is used");
                block.fetching = false;
                block.put(100, count);
            }
        }
        let expected: Vec<i64> = (3..3 + FIRST_BLOCK).chain(100..102).collect();
        assert_eq!(taken, expected);
    }

    #[test]
    fn blocks_grow_with_what_is_asked_for() {
        let mut block = Block { next: 9, end: 9, ..Block::EMPTY };
        assert_eq!((block.take(), block.wanted()), (None, Some(2 * FIRST_BLOCK)));
        for _ in 0..20 {
            block.take();
        }
        assert_eq!(block.size, LARGEST_BLOCK);
    }
}
