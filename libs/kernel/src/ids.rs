//! Ids, and where they come from.

use std::{cell::RefCell, future::poll_fn, pin::pin};

use uuid::Uuid;

type Source = Box<dyn FnMut() -> Uuid + Send>;

thread_local! {
    static SOURCE: RefCell<Option<Source>> = const { RefCell::new(None) };
}

/// A new time-ordered id (UUID version 7, RFC 9562), from the source that [`drawing_ids`] has set
/// for the work at hand, else by clock and chance.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the one place where ids are made")]
pub fn new_id() -> Uuid {
    let drawn = SOURCE.with_borrow_mut(|source| source.as_mut().map(|next| next()));
    drawn.unwrap_or_else(Uuid::now_v7)
}

/// Does `work`, in which every [`new_id`] is drawn from `source`. What the work hands to other
/// tasks draws its ids as ever.
pub async fn drawing_ids<W: Future>(
    source: impl FnMut() -> Uuid + Send + 'static,
    work: W,
) -> W::Output {
    let mut work = pin!(work);
    let mut source: Option<Source> = Some(Box::new(source));
    poll_fn(move |cx| {
        // Taken back also when the work panics: the next task of this thread is not concerned.
        let _lent = Lent::new(&mut source);
        work.as_mut().poll(cx)
    })
    .await
}

struct Lent<'a> {
    home: &'a mut Option<Source>,
    before: Option<Source>,
}

impl<'a> Lent<'a> {
    fn new(home: &'a mut Option<Source>) -> Self {
        let before = SOURCE.replace(home.take());
        Self { home, before }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.home = SOURCE.replace(self.before.take());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn counter() -> impl FnMut() -> Uuid + Send + 'static {
        let mut n = 0;
        move || {
            n += 1;
            Uuid::from_u128(n)
        }
    }

    fn poll_once<F: Future>(work: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        work.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn work_draws_from_its_own_source_across_waits() {
        let twice = || async {
            let first = new_id();
            let mut waited = false;
            poll_fn(|_| {
                if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            (first.as_u128(), new_id().as_u128())
        };
        let (mut a, mut b) =
            (pin!(drawing_ids(counter(), twice())), pin!(drawing_ids(counter(), twice())));
        assert!(poll_once(a.as_mut()).is_pending() && poll_once(b.as_mut()).is_pending());
        assert_eq!(new_id().get_version_num(), 7, "outside of the work ids are as ever");
        assert_eq!(poll_once(a.as_mut()), Poll::Ready((1, 2)));
        assert_eq!(poll_once(b.as_mut()), Poll::Ready((1, 2)));
    }

    #[test]
    fn a_panic_takes_its_source_along() {
        let mut work = pin!(drawing_ids(counter(), async { None::<()>.expect("on purpose") }));
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once(work.as_mut()))).is_err());
        assert_eq!(new_id().get_version_num(), 7);
    }
}
