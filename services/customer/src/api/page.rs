//! Pages as the OpenAPI document describes them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{
    assign::AssignmentView, contacts::ContactView, read::PiiAccessView, suspicions::SuspicionView,
    tiers::TierView, timeline::TimelineEntry, view::CustomerItem,
};

macro_rules! pages {
    ($($name:ident of $item:ty),+ $(,)?) => {
        $(
            /// One page of a list.
            #[derive(Debug, Serialize, ToSchema)]
            #[allow(dead_code, reason = "describes kernel::Page, which knows no OpenAPI")]
            pub struct $name {
                pub items: Vec<$item>,
                /// Give it back as `cursor` to read on; absent on the last page.
                #[schema(nullable = false)]
                pub next_cursor: Option<String>,
                /// Only on request (`total=true`).
                #[schema(nullable = false, minimum = 0)]
                pub total: Option<i64>,
            }
        )+
    };
}

pages! {
    CustomerPage of CustomerItem,
    TimelinePage of TimelineEntry,
    SuspicionPage of SuspicionView,
}

macro_rules! lists {
    ($($name:ident of $item:ty),+ $(,)?) => {
        $(
            /// A whole list.
            #[derive(Debug, Serialize, ToSchema)]
            pub struct $name {
                pub items: Vec<$item>,
            }
        )+
    };
}

lists! {
    TierList of TierView,
    ContactList of ContactView,
    AssignmentList of AssignmentView,
    PiiAccessList of PiiAccessView,
}
