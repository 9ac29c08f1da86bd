//! Pages as the OpenAPI document describes them.

use utoipa::ToSchema;

use crate::app::{
    endpoints::EndpointView,
    notices::{AttemptView, NoticeView},
    staff::StaffView,
};

macro_rules! pages {
    ($($name:ident of $item:ty),+ $(,)?) => {
        $(
            /// One page of a list.
            #[derive(Debug, ToSchema)]
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
    StaffPage of StaffView,
    EndpointPage of EndpointView,
    NoticePage of NoticeView,
    AttemptPage of AttemptView,
}
