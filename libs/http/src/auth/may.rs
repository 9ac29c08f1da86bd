//! One type per right, so that `Allowed<may::TicketCreate>` says in a handler's signature what it
//! asks of the caller.

use kernel::Permission;

/// A right that a handler asks for.
pub trait Needs: 'static {
    const PERMISSION: Permission;
}

macro_rules! rights {
    ($($name:ident),+ $(,)?) => {
        $(
            #[derive(Debug, Clone, Copy)]
            pub struct $name;
            impl Needs for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+

        /// Fails to compile when the kernel gains a right that has no type here.
        #[allow(dead_code)]
        const fn every_right_has_a_type(permission: Permission) {
            match permission { $(Permission::$name => {}),+ }
        }
    };
}

rights! {
    CustomerRead, CustomerWrite, CustomerAdmin, CustomerErase, CustomerContact, CustomerSteward,
    PiiRead,
    TicketRead, TicketCreate, TicketWrite, TicketAssign, TicketLower, TicketAdmin, TicketImport,
    QualityRead, QualityEvaluate, QualityAppeal, QualityDecide, QualityRectify, QualityAdmin,
    ReportRead, ReportPublish, SurveyRead, SurveyInvite, SurveyAdmin,
    NotificationRead, NotificationAdmin, WebhookManage, InboxRead, OpsManage,
}
