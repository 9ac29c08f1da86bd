//! The state machine of a ticket, whole: `new → open → pending → on_hold → resolved → closed`, plus
//! `cancelled`. Closed and cancelled are final.

use std::{fmt, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Taken, nobody works on it yet.
    New,
    /// Somebody works on it.
    Open,
    /// Waits for the customer (or whoever was asked); the resolution timer stands still.
    Pending,
    /// Put aside by staff, e.g. for a supplier; the resolution timer stands still.
    OnHold,
    /// Done from our side; the customer may object.
    Resolved,
    Closed,
    Cancelled,
}

impl Status {
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Open,
        Self::Pending,
        Self::OnHold,
        Self::Resolved,
        Self::Closed,
        Self::Cancelled,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Pending => "pending",
            Self::OnHold => "on_hold",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the resolution timer stands still.
    #[must_use]
    pub const fn pauses(self) -> bool {
        matches!(self, Self::Pending | Self::OnHold)
    }

    /// Whether work is still to be done.
    #[must_use]
    pub const fn active(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::Pending | Self::OnHold)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|status| status.as_str() == s).ok_or(())
    }
}

/// What somebody wants to do with a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Claim it or give it to somebody.
    Take,
    /// Pass it to another queue or department.
    Transfer,
    /// Change subject, category, priority or level; open a task.
    Edit,
    /// Public answer to the customer.
    Reply,
    /// Internal note.
    Note,
    /// The customer writes.
    CustomerReply,
    Pend,
    Hold,
    Resume,
    /// The customer asks again.
    Urge,
    Resolve,
    Close,
    Reopen,
    Cancel,
}

/// Why an action is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Closed and cancelled tickets are immutable.
    Final(Status),
    /// The action does not fit the status.
    NotNow(Status),
}

/// Status after `action`. A customer's reply on a closed ticket is refused here; the caller opens a
/// follow-up instead (see [`customer_reply`]).
pub fn next(status: Status, action: Action) -> Result<Status, Refused> {
    use {Action as A, Status as S};
    if matches!(status, S::Closed | S::Cancelled) {
        return Err(Refused::Final(status));
    }
    match (status, action) {
        (S::New, A::Take | A::Reply) => Ok(S::Open),
        (S::Open | S::Pending | S::OnHold, A::Take) => Ok(status),
        (_, A::Reply | A::Note) => Ok(status),
        (S::Pending, A::CustomerReply) => Ok(S::Open),
        (S::Resolved, A::CustomerReply | A::Reopen) => Ok(S::Open),
        (_, A::CustomerReply) => Ok(status),
        (s, A::Transfer | A::Edit | A::Urge) if s.active() => Ok(s),
        (S::New | S::Open | S::OnHold, A::Pend) => Ok(S::Pending),
        (S::New | S::Open | S::Pending, A::Hold) => Ok(S::OnHold),
        (S::Pending | S::OnHold, A::Resume) => Ok(S::Open),
        (s, A::Resolve) if s.active() => Ok(S::Resolved),
        (s, A::Cancel) if s.active() => Ok(S::Cancelled),
        (S::Resolved, A::Close) => Ok(S::Closed),
        _ => Err(Refused::NotNow(status)),
    }
}

/// What a word of the customer does to his ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is filed; the ticket gets this status.
    Filed(Status),
    /// The matter is taken up again.
    Reopens,
    /// Too late for that: a follow-up is opened and linked.
    FollowUp,
}

/// `in_window`: whether now lies within the business days in which a resolved ticket reopens.
pub fn customer_reply(status: Status, in_window: bool) -> Result<Heard, Refused> {
    match status {
        Status::Closed => Ok(Heard::FollowUp),
        Status::Resolved if in_window => Ok(Heard::Reopens),
        Status::Resolved => Ok(Heard::FollowUp),
        _ => next(status, Action::CustomerReply).map(Heard::Filed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Action as A, Status as S};

    /// One line per action: from each status (in the order of `Status::ALL`) to where; `-` refused.
    #[test]
    fn the_table_of_transitions() {
        let table = [
            (A::Take, "open open pending on_hold - - -"),
            (A::Transfer, "new open pending on_hold - - -"),
            (A::Edit, "new open pending on_hold - - -"),
            (A::Reply, "open open pending on_hold resolved - -"),
            (A::Note, "new open pending on_hold resolved - -"),
            (A::CustomerReply, "new open open on_hold open - -"),
            (A::Pend, "pending pending - pending - - -"),
            (A::Hold, "on_hold on_hold on_hold - - - -"),
            (A::Resume, "- - open open - - -"),
            (A::Urge, "new open pending on_hold - - -"),
            (A::Resolve, "resolved resolved resolved resolved - - -"),
            (A::Close, "- - - - closed - -"),
            (A::Reopen, "- - - - open - -"),
            (A::Cancel, "cancelled cancelled cancelled cancelled - - -"),
        ];
        for (action, line) in table {
            for (from, to) in S::ALL.into_iter().zip(line.split(' ')) {
                let got = next(from, action).map_or("-", S::as_str);
                assert_eq!(got, to, "{action:?} on {from}");
            }
        }
    }

    #[test]
    fn a_customer_who_writes_late_gets_a_follow_up() {
        assert_eq!(customer_reply(S::Resolved, true), Ok(Heard::Reopens));
        assert_eq!(customer_reply(S::Resolved, false), Ok(Heard::FollowUp));
        assert_eq!(customer_reply(S::Closed, true), Ok(Heard::FollowUp));
        assert_eq!(customer_reply(S::Pending, false), Ok(Heard::Filed(S::Open)));
        assert_eq!(customer_reply(S::Cancelled, true), Err(Refused::Final(S::Cancelled)));
    }

    #[test]
    fn nothing_leaves_a_final_status() {
        for action in [A::Take, A::Edit, A::Note, A::Reopen, A::Close, A::Cancel, A::Urge] {
            assert_eq!(next(S::Closed, action), Err(Refused::Final(S::Closed)));
        }
    }

    #[test]
    fn texts_and_values_correspond() {
        for status in S::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }
}
